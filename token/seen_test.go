package token_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

// changing is a key set that is replaced as a test goes on.
type changing struct {
	mu  sync.Mutex
	set token.KeySet
	as  string // id of the key that is handed out for all others, if set
	err error
}

func (c *changing) replace(keys ...*token.SigningKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = token.KeysOf(keys...)
}

func (c *changing) Key(ctx context.Context, kid string) (token.PublicKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return token.PublicKey{}, c.err
	}
	return c.set.Key(ctx, cmp.Or(c.as, kid))
}

// What is remembered of a token is who signed it. All else is judged at each presentation.
func TestT3_SeenTokensAreJudgedAgain(t *testing.T) {
	t.Parallel()
	k, other := generate(t), generate(t)
	keys, clock, over := &changing{}, now, false
	keys.replace(k, other)
	cfg := config(token.Access, now)
	cfg.Keys, cfg.Now = keys, func() time.Time { return clock }
	cfg.Revoked = func(token.Claims) bool { return over }
	v := verifier(t, cfg)
	text := sign(t, k, claims(token.Access))
	check := func(when string, want error) {
		t.Helper()
		for range 2 {
			if c, err := v.Verify(t.Context(), text); !errors.Is(err, want) || (err == nil) != (c != nil) {
				t.Errorf("%s: Verify = %+v, %v, want %v", when, c, err, want)
			}
		}
	}
	check("at first", nil)
	clock = now.Add(15 * time.Minute)
	check("expired", token.ErrExpired)
	clock = now.Add(-time.Second)
	check("before it was issued", token.ErrInvalid)
	clock = now
	check("again", nil)
	over = true
	check("revoked", token.ErrRevoked)
	over = false
	keys.replace(other)
	check("key withdrawn", token.ErrInvalid)
	keys.err = errors.New("store is down")
	check("keys out of reach", keys.err)
	keys.err = nil
	keys.as = other.KID()
	check("another key in its place", token.ErrInvalid)
	keys.as = ""
	again, err := token.ParseSigningKey(k.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	keys.replace(again)
	check("the same key, read anew", nil)

	audience := cfg
	audience.ClientIDs = []string{"other"}
	if _, err := verifier(t, audience).Verify(t.Context(), text); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("another verifier: %v", err)
	}
	use := cfg
	use.Use = token.ID
	if _, err := verifier(t, use).Verify(t.Context(), text); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a verifier of ID tokens: %v", err)
	}
}

// Another spelling of a token that was seen is another text, and none that parses.
func TestT3_SeenTokensHaveOneSpelling(t *testing.T) {
	t.Parallel()
	k := generate(t)
	v, good := verifier(t, config(token.Access, now, k)), sign(t, k, claims(token.Access))
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for name, bad := range map[string]string{
		"blank in front": " " + good, "blank behind": good + " ", "padding": good + "==", "line break": good + "\n",
		"another payload":   parts[0] + "." + strings.Split(sign(t, k, changed(token.Access)), ".")[1] + "." + parts[2],
		"another signature": parts[0] + "." + parts[1] + "." + strings.Split(sign(t, k, changed(token.Access)), ".")[2],
		"payload only":      parts[1], "two parts": parts[0] + "." + parts[1], "another header": parts[1] + good[len(parts[0]):],
	} {
		if _, err := v.Verify(t.Context(), bad); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

func TestT3_FailuresAreNotRemembered(t *testing.T) {
	t.Parallel()
	k, other := generate(t), generate(t)
	keys, clock := &changing{}, now.Add(-time.Second)
	keys.replace(other)
	cfg := config(token.Access, now)
	cfg.Keys, cfg.Now = keys, func() time.Time { return clock }
	v := verifier(t, cfg)
	text := sign(t, k, claims(token.Access))
	if _, err := v.Verify(t.Context(), text); !errors.Is(err, token.ErrInvalid) {
		t.Fatalf("under an unknown key: %v", err)
	}
	keys.replace(k)
	if _, err := v.Verify(t.Context(), text); !errors.Is(err, token.ErrInvalid) {
		t.Fatalf("before it was issued: %v", err)
	}
	clock = now
	if _, err := v.Verify(t.Context(), text); err != nil {
		t.Errorf("when all is well: %v", err)
	}
}

// Class 51: what one request does to its claims, another does not see.
func TestT3_SeenClaimsAreNotShared(t *testing.T) {
	t.Parallel()
	shared := 0 // what a copy of claims would share; each is changed below
	for f := range reflect.TypeFor[token.Claims]().Fields() {
		if slices.Contains([]reflect.Kind{reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface}, f.Type.Kind()) {
			shared++
		}
	}
	if shared != 8 {
		t.Errorf("Claims has %d fields that are shared when copied: is each of them here?", shared)
	}
	k := generate(t)
	for _, use := range []token.Use{token.Access, token.ID} {
		cfg := config(use, now, k)
		cfg.Revoked = func(c token.Claims) bool {
			if len(c.Groups) > 0 {
				c.Groups[0] += "!"
			}
			return false
		}
		v, c := verifier(t, cfg), claims(use)
		c.Groups, c.Values = []string{"staff"}, map[string]json.RawMessage{"level": json.RawMessage("3")}
		text := sign(t, k, c)
		want, err := verifier(t, cfg).Verify(t.Context(), text)
		if err != nil || want.Groups[0] != "staff!" {
			t.Fatal(want, err)
		}
		for range 3 {
			got, err := v.Verify(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("Verify = %+v, want %+v", got, want)
			}
			got.Subject, got.Audience[0], got.AMR[0], got.Groups[0] = "root", "x", "x", "root"
			got.Values["level"][0] = '9'
			if use == token.ID {
				*got.EmailVerified, *got.PhoneVerified, got.Attributes["nickname"] = false, true, "x"
			} else {
				got.Scope[0] = "admin"
			}
		}
	}
}

// How much is remembered shows in what a check costs.
func TestT3_SeenTokensAreBounded(t *testing.T) { // not parallel: it counts allocations
	k := generate(t)
	var texts []string
	for range 20 {
		texts = append(texts, sign(t, k, claims(token.Access))) // signatures differ
	}
	for _, tt := range []struct {
		size       int
		remembered bool // all 20, one after the other
	}{{-1, false}, {1, false}, {2, false}, {10, false}, {40, true}, {0, true}} {
		cfg := config(token.Access, now, k)
		cfg.Seen = tt.size
		v := verifier(t, cfg)
		n := testing.AllocsPerRun(3, func() {
			for _, text := range texts {
				if _, err := v.Verify(context.Background(), text); err != nil {
					t.Fatal(err)
				}
			}
		}) / float64(len(texts))
		if n < 20 != tt.remembered {
			t.Errorf("with Seen of %d a token costs %v allocations", tt.size, n)
		}
	}
}

func TestT3_SeenTokensRace(t *testing.T) {
	t.Parallel()
	k, other := generate(t), generate(t)
	keys := &changing{}
	keys.replace(k)
	var over atomic.Bool
	cfg := config(token.Access, now)
	cfg.Keys, cfg.Seen, cfg.Revoked = keys, 4, func(token.Claims) bool { return over.Load() }
	v := verifier(t, cfg)
	var texts []string
	for range 8 {
		texts = append(texts, sign(t, k, claims(token.Access)))
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				if i == 0 {
					keys.replace([]*token.SigningKey{k, other}[j%2])
					over.Store(j%3 == 0)
					continue
				}
				c, err := v.Verify(t.Context(), texts[(i+j)%len(texts)])
				if err != nil && !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrRevoked) {
					t.Errorf("Verify = %v", err)
				}
				if c != nil {
					c.Scope[0] = "changed"
				}
			}
		})
	}
	all.Wait()
	keys.replace(other)
	for _, text := range texts {
		if _, err := v.Verify(t.Context(), text); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("Verify after the key was withdrawn = %v", err)
		}
	}
}
