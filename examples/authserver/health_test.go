package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/pool"
)

// A node whose database is away says so at /readyz and lives on; when the database is back it serves
// again by itself.
func TestHealthFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	server := postgrestest.NewServer(t)
	n := start(t, t.TempDir(), "-database="+server.URL())
	n.operate(201, "POST", "/pools", `{"id":"acme"}`)
	v := visit(t, n.public+"/acme", http.DefaultClient)
	v.get(200, "/auth/sign-in")
	until(t, n.public+"/readyz", 200)
	server.Stop()
	until(t, n.public+"/readyz", 503)
	until(t, n.public+"/healthz", 200)
	v.post(503, "/auth/sign-in", "username", ada, "password", secret)
	n.log.wait(t, `"msg":"not ready","error":"`)
	server.Start()
	until(t, n.public+"/readyz", 200)
	until(t, n.operator+"/readyz", 200)
	v.post(401, "/auth/sign-in", "username", ada, "password", secret)
	n.log.wait(t, `"msg":"ready again"`)
}

// However many ask, the database is asked once a second; who is leaving need not ask.
func TestReadinessAsksSeldom(t *testing.T) {
	t.Parallel()
	asked, clock, fails := 0, now(), error(nil)
	h := &readiness{
		check: func(context.Context) error { asked++; return fails },
		log:   newLogger(newLogged()), now: func() time.Time { return clock },
	}
	for step, tt := range []struct {
		later time.Duration
		fails error
		ready bool
		asked int
	}{
		{0, nil, true, 1},
		{999 * time.Millisecond, errors.New("down"), true, 1},
		{time.Millisecond, errors.New("down"), false, 2},
		{500 * time.Millisecond, nil, false, 2},
		{500 * time.Millisecond, nil, true, 3},
	} {
		clock, fails = clock.Add(tt.later), tt.fails
		for range 10 {
			if got := h.ready(t.Context()); got != tt.ready || asked != tt.asked {
				t.Errorf("step %d: ready is %v after %d checks, want %v after %d", step, got, asked, tt.ready, tt.asked)
			}
		}
	}
	h.leave()
	if clock = clock.Add(time.Hour); h.ready(t.Context()) || asked != 3 {
		t.Errorf("a node that is leaving is ready, or has asked %d times", asked)
	}
}

// A node that was not given the keyring of the others does not start.
func TestKeyringOfAnother(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir)
	n.operate(201, "POST", "/pools", `{"id":"acme"}`)
	c, err := configure(append(files(dir), "-keys="+filepath.Join(dir, "others")), env())
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), c, newLogged()); !errors.Is(err, pool.ErrWrongKeyring) || !strings.Contains(err.Error(), "-keys") {
		t.Errorf("run = %v", err)
	}
}

// Where it started before there was a pool, it is not ready once there is one, and makes none.
func TestKeyringsOfNodesThatStartTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := start(t, dir), start(t, dir, "-keys="+filepath.Join(dir, "others"))
	until(t, two.public+"/readyz", 200)
	one.operate(201, "POST", "/pools", `{"id":"bolt"}`)
	until(t, two.public+"/readyz", 503)
	two.operate(503, "POST", "/pools", `{"id":"acme"}`)
	until(t, one.public+"/readyz", 200)
}

// A pool keeps its issuer: a program that was told another one would find none.
func TestIssuerStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir).operate(201, "POST", "/pools", `{"id":"acme"}`)
	c, err := configure(append(files(dir), "-issuer=http://localhost/{pool}"), env())
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), c, newLogged()); err == nil || !strings.Contains(err.Error(), "stays http://127.0.0.1/acme") {
		t.Errorf("run = %v", err)
	}
}

// Tables may be made by another role, and beforehand.
func TestMigrate(t *testing.T) {
	t.Parallel()
	dir, database := t.TempDir(), "-database="+postgrestest.Schema(t)
	once := func(migrate string) error {
		c, err := configure(append(files(dir), database, "-migrate="+migrate), env())
		if err != nil {
			t.Fatal(err)
		}
		return run(t.Context(), c, newLogged())
	}
	if err := once("never"); err == nil || !strings.Contains(err.Error(), "Migrate") {
		t.Errorf("without tables: %v", err)
	}
	if err := once("only"); err != nil {
		t.Fatal(err)
	}
	start(t, dir, database, "-migrate=never").operate(201, "POST", "/pools", `{"id":"acme"}`)
}

// What the comment of the program says to type works.
func TestComment(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, t.TempDir())
	calls := regexp.MustCompile(`curl -H "\$OPERATOR" http://127.0.0.1:8081(\S+) -d '(.+)'`).FindAllStringSubmatch(string(source), -1)
	if len(calls) != 2 {
		t.Fatalf("the comment has %q", calls)
	}
	for _, c := range calls {
		n.operate(201, "POST", c[1], c[2])
	}
	v := visit(t, n.public+"/acme", http.DefaultClient)
	temporary := v.mailed(regexp.MustCompile(`temporary password is:\s+(\S+)`))
	if need := v.post(200, "/auth/sign-in", "username", ada, "password", temporary[1]); need.Step != "new_password" {
		t.Errorf("the invited gets %s", need.body)
	}
}
