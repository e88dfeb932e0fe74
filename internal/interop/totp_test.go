package interop_test

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/interop"
	"github.com/userpool-go/userpool/mfa"
)

// app is an authenticator app that knows of an account what its URI says: oathtool.
type app struct{ key, digits, mode, period string }

func scan(t *testing.T, uri string) app {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	return app{q.Get("secret"), q.Get("digits"), q.Get("algorithm"), q.Get("period") + "s"}
}

// run asks oathtool at a time: for a code, or whether one is right within a step.
func (a app) run(t *testing.T, at int64, more ...string) (string, error) {
	t.Helper()
	args := []string{
		"--totp=" + a.mode, "--digits=" + a.digits, "--time-step-size=" + a.period,
		"--now=" + time.Unix(at, 0).UTC().Format("2006-01-02 15:04:05 UTC"), "-b", a.key,
	}
	out, err := exec.CommandContext(t.Context(), "oathtool", append(args, more...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// TestOathtool has an app that scanned our URI show codes to us, and judge ours: at the edges of steps, before and
// after 2038, when seconds outgrow 32 bits, and when they outgrow them without a sign.
func TestOathtool(t *testing.T) {
	t.Parallel()
	interop.Need(t, "oathtool")
	times := []int64{1, 29, 30, 59, 1_111_111_109, 1_800_000_000, 1_800_000_029, 1_800_000_030, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1<<32 + 7, 20_000_000_000}
	for range 3 {
		seed := mfa.NewSeed()
		a := scan(t, seed.URI("Ada & Söhne: Shop", "ada@example.com"))
		for _, at := range times {
			now := time.Unix(at, 0)
			shown, err := a.run(t, at)
			if err != nil {
				t.Fatalf("oathtool at %d: %v: %s", at, err, shown)
			}
			if step, ok := seed.Accept(shown, now, -1); !ok || step != at/30 || seed.Code(now) != shown {
				t.Errorf("at %d the app shows %s; Accept = %d, %v, and our code is %s", at, shown, step, ok, seed.Code(now))
			}
			if _, ok := seed.Accept(shown, now, at/30); ok {
				t.Errorf("at %d: the code that the app shows is good twice", at)
			}
			if out, err := a.run(t, at, seed.Code(now)); err != nil {
				t.Errorf("at %d: the app refuses our code: %v: %s", at, err, out)
			}
			if out, err := a.run(t, at+60, seed.Code(now)); err == nil {
				t.Errorf("at %d: the app takes our code a minute later: %s", at, out)
			}
		}
	}
}
