package pool_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// One ends neither as the other, nor opens what the other does.
func TestT2_CookiesAreNoTokens(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d, id := k.browse(ada), string(k.user(ada).ID)
	page, err := k.store.Sessions(t.Context(), "default", storage.SessionQuery{User: user.ID(id), Now: k.clock.Now()})
	if err != nil || len(page.Sessions) != 1 {
		t.Fatalf("sessions = %d, %v", len(page.Sessions), err)
	}
	s := page.Sessions[0]
	if s.Kind != token.Browser || s.Key != nil || s.Generation != 0 || s.Parent != "" {
		t.Errorf("session = %+v, want one of a browser, without a family", s)
	}
	forged := token.FormatRefresh(make([]byte, 32), "default", id, s.ID, "default", 1)
	if _, err := k.Refresh(t.Context(), pool.RefreshInput{Token: forged}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("refresh token that names a browser session = %v, want ErrNotAuthorized", err)
	}
	if err := k.SignOut(t.Context(), pool.SignOutInput{Token: forged}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("sign-out by it = %v, want ErrNotAuthorized", err)
	}
	if _, err := k.Account(t.Context(), d.Cookie); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("Account of a cookie = %v, want ErrNotAuthorized", err)
	}
	for _, other := range []token.Secret{k.done(ada).Tokens.Refresh, k.done(ada).Tokens.Access, k.done(ada).Tokens.ID} {
		if _, _, err := k.Session(t.Context(), other); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("Session of a token = %v, want ErrNotAuthorized", err)
		}
	}
	if err := k.visit(d); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// A value that was altered anywhere, or made elsewhere, is refused before anything is read.
func TestT2_ForgedCookies(t *testing.T) {
	t.Parallel()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New()
	k := openOn(t, st, func(c *pool.Config) { c.Keys = ring })
	k.confirmed(ada)
	good := k.browse(ada).Cookie.Reveal()
	other := open(t)
	other.confirmed(ada)
	neighbour := openOn(t, st, func(c *pool.Config) { c.ID, c.Issuer, c.Keys = "other", "http://localhost:2", ring })
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(good, "v1."))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"empty": "", "prefix": "v1.", "other version": "v2." + good[3:], "no prefix": good[3:], "quoted": `"` + good + `"`,
		"blank": good + " ", "padded": good + "=", "line break": good + "\n", "twice": good + good, "long": "v1." + strings.Repeat("A", 1<<20),
		"of another ring": other.browse(ada).Cookie.Reveal(), "length beyond": "v1." + base64.RawURLEncoding.EncodeToString([]byte{255, 'a'}),
		"no ids": "v1." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
	}
	for i := range raw {
		altered := append([]byte(nil), raw...)
		altered[i] ^= 1
		values[fmt.Sprintf("byte %d", i)] = "v1." + base64.RawURLEncoding.EncodeToString(altered)
		values[fmt.Sprintf("first %d bytes", i)] = "v1." + base64.RawURLEncoding.EncodeToString(raw[:i])
	}
	k.store.reset()
	for name, value := range values {
		if _, _, err := k.Session(t.Context(), token.NewSecret(value)); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s: %v, want ErrNotAuthorized", name, err)
		}
	}
	if reads, _ := k.store.counted(); reads != 0 {
		t.Errorf("forged values cost %d reads", reads)
	}
	if _, _, err := neighbour.Session(t.Context(), token.NewSecret(good)); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("in another pool of the same ring and store: %v, want ErrNotAuthorized", err)
	}
	if _, _, err := k.Session(t.Context(), token.NewSecret(good)); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// Nothing that prints, logs or marshals a finished sign-in shows the cookie (security.md S10).
func TestS10_CookieIsNotShown(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.browse(ada)
	text, err := pool.MarshalStep(d)
	if err != nil || string(text) != `{"step":"done"}` {
		t.Errorf("MarshalStep = %s, %v", text, err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("step", "done", d, "value", *d, "cookie", d.Cookie)
	shown := fmt.Sprintf("%s %v %+v %#v %s", d, *d, d, *d, log.String())
	if strings.Contains(shown, d.Cookie.Reveal()) {
		t.Error("printing a Done shows the cookie")
	}
	if text, err := json.Marshal(d); err == nil {
		t.Errorf("json.Marshal = %s, want a refusal", text)
	}
}

func FuzzSession(f *testing.F) {
	k := open(f)
	k.confirmed(ada)
	good := k.browse(ada).Cookie.Reveal()
	f.Add(good)
	f.Add("v1.AQECAQ")
	f.Fuzz(func(t *testing.T, text string) {
		_, _, err := k.Session(t.Context(), token.NewSecret(text))
		if (err == nil) != (text == good) || err != nil && !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("Session(%q) = %v", text, err)
		}
	})
}
