package pool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// apart is a pool of two confidential clients, each with a session of ada's.
type apart struct {
	*kit
	server, other     *pool.App
	secret            password.Secret
	mine, others, web *pool.Done
}

func newApart(t *testing.T) *apart {
	t.Helper()
	k := open(t, apps(server, pool.Client{ID: "other", Confidential: true}, pool.Client{ID: "web"}))
	k.permanent(ada)
	a := &apart{kit: k, secret: k.secret("server")}
	sign := func(client string, s password.Secret) (*pool.App, *pool.Done) {
		in := pool.SignInInput{Client: client, ClientSecret: s, Username: ada, With: pool.Password{Value: right}}
		d, err := pool.Finished(k.SignIn(t.Context(), in))
		if err != nil {
			t.Fatal(err)
		}
		app, err := k.App(t.Context(), client, s, pool.Caller{})
		if (err == nil) == s.IsZero() {
			t.Fatalf("App(%s) = %v", client, err)
		}
		return app, d
	}
	a.server, a.mine = sign("server", a.secret)
	a.other, a.others = sign("other", k.secret("other"))
	_, a.web = sign("web", password.Secret{})
	return a
}

// active asks what a token is worth to a client.
func (a *apart) active(app *pool.App, s token.Secret) pool.Introspection {
	a.t.Helper()
	i, err := app.Introspect(a.t.Context(), s)
	if err != nil {
		a.t.Fatalf("Introspect: %v", err)
	}
	return i
}

// A client is told of its own tokens, and of nothing else (CVE class 31).
func TestCVE31_IntrospectOnesOwn(t *testing.T) {
	t.Parallel()
	a := newApart(t)
	a.store.reset()
	i := a.active(a.server, a.mine.Tokens.Access)
	if c := i.Claims; !i.Active || i.Refresh || c.ClientID != "server" || c.Username != ada || !c.HasScope("account") || c.Subject == "" {
		t.Errorf("access token = %+v", i)
	}
	r := a.active(a.server, a.mine.Tokens.Refresh)
	if c := r.Claims; !r.Active || !r.Refresh || c.ClientID != "server" || c.Subject != i.Claims.Subject || c.Session != i.Claims.Session || !c.ExpiresAt.Equal(start.Add(30*day)) {
		t.Errorf("refresh token = %+v", r)
	}
	mine := a.mine.Tokens
	for what, s := range map[string]token.Secret{
		"ID": mine.ID, "another client's access": a.others.Tokens.Access, "another client's refresh": a.others.Tokens.Refresh,
		"a public client's": a.web.Tokens.Access, "none": {}, "altered": token.NewSecret(flip(mine.Access.Reveal(), len(mine.Access.Reveal())-20)),
		"altered refresh": token.NewSecret(flip(mine.Refresh.Reveal(), 60)), "1 MB": token.NewSecret(strings.Repeat("a", 1<<20)),
		"not UTF-8": token.NewSecret("\xff\x00"), "a device": token.NewSecret(a.mine.Device),
	} {
		if i := a.active(a.server, s); i.Active || fmt.Sprint(i) != fmt.Sprint(pool.Introspection{}) {
			t.Errorf("%s = %+v, want nothing", what, i)
		}
	}
	if reads, commits := a.store.counted(); reads != 12 || len(commits) != 0 {
		t.Errorf("12 introspections = %d reads, %v", reads, kinds(commits))
	}
}

// What is over is not active at once, whatever ended it (security.md T3).
func TestT3_IntrospectionAtOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(a *apart) error{
		"signed out": func(a *apart) error {
			return a.SignOut(t.Context(), pool.SignOutInput{Client: "server", ClientSecret: a.secret, Token: a.mine.Tokens.Refresh})
		},
		"everywhere": func(a *apart) error { return a.admin().SignOutEverywhere(t.Context(), a.user(ada).ID) },
		"disabled":   func(a *apart) error { return a.admin().Disable(t.Context(), a.user(ada).ID) },
		"deleted":    func(a *apart) error { return a.admin().DeleteUser(t.Context(), a.user(ada).ID) },
		"reset": func(a *apart) error {
			return second(a.admin().ResetPassword(t.Context(), pool.RequireResetInput{ID: a.user(ada).ID, Client: "web"}))
		},
		"revoked": func(a *apart) error { return a.server.Revoke(t.Context(), a.mine.Tokens.Refresh) },
		"revoked by the access token": func(a *apart) error {
			return a.server.Revoke(t.Context(), a.mine.Tokens.Access)
		},
		"expired": func(a *apart) error { a.clock.advance(30 * day); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApart(t)
			if err := end(a); err != nil {
				t.Fatal(err)
			}
			for what, s := range map[string]token.Secret{"access": a.mine.Tokens.Access, "refresh": a.mine.Tokens.Refresh} {
				if i := a.active(a.server, s); i.Active {
					t.Errorf("the %s token is active: %+v", what, i)
				}
			}
		})
	}
}

// A session of tokens that is over is over by its access tokens too, where a lifetime was lowered
// (security.md S18) as where it has run out while the last of them are still good.
func TestS18_IntrospectionBeyondTheSession(t *testing.T) {
	t.Parallel()
	k := open(t)
	c := k.client(pool.Client{Confidential: true, Tokens: pool.TokenSettings{Access: day, ID: time.Hour, Refresh: 2 * day}})
	a := &apart{kit: k, secret: k.secret(c.ID)}
	k.permanent(ada)
	d, err := pool.Finished(k.SignIn(t.Context(), pool.SignInInput{Client: c.ID, ClientSecret: a.secret, Username: ada, With: pool.Password{Value: right}}))
	if err != nil {
		t.Fatal(err)
	}
	if a.server, err = k.App(t.Context(), c.ID, a.secret, pool.Caller{}); err != nil {
		t.Fatal(err)
	}
	refreshed := func() *pool.Done {
		t.Helper()
		in := pool.RefreshInput{Client: c.ID, ClientSecret: a.secret, Token: d.Tokens.Refresh}
		if d, err = pool.Finished(k.Refresh(t.Context(), in)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	k.clock.advance(20 * time.Hour)
	refreshed()
	if !a.active(a.server, d.Tokens.Access).Active {
		t.Fatal("a live access token is not active")
	}
	lifetime := func(d time.Duration) {
		t.Helper()
		err := second(k.admin().UpdateClient(t.Context(), c.ID, func(c *pool.Client) {
			c.Tokens = pool.TokenSettings{Access: min(day, d), ID: time.Hour, Refresh: d}
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	lifetime(10 * time.Hour)
	for what, s := range map[string]token.Secret{"access": d.Tokens.Access, "refresh": d.Tokens.Refresh} {
		if a.active(a.server, s).Active {
			t.Errorf("the %s token is active beyond a lifetime that was lowered", what)
		}
	}
	lifetime(2 * day)
	k.clock.advance(20 * time.Hour)
	refreshed()
	k.clock.advance(10 * time.Hour)
	if a.active(a.server, d.Tokens.Access).Active {
		t.Error("an access token is active beyond its session")
	}
}

// A refresh token is active for as long as it can be used, and asking does not use it.
func TestIntrospectRefresh(t *testing.T) {
	t.Parallel()
	a := newApart(t)
	refresh := func(s token.Secret) *pool.Done {
		t.Helper()
		d, err := pool.Finished(a.Refresh(t.Context(), pool.RefreshInput{Client: "server", ClientSecret: a.secret, Token: s}))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := a.mine.Tokens.Refresh
	next := refresh(first)
	if !a.active(a.server, first).Active || !a.active(a.server, next.Tokens.Refresh).Active {
		t.Error("within the grace both are active")
	}
	a.clock.advance(10 * time.Second)
	if a.active(a.server, first).Active || !a.active(a.server, next.Tokens.Refresh).Active {
		t.Error("after the grace the next alone is active")
	}
	refresh(next.Tokens.Refresh) // which asking about the spent one has not ended
}

// Revoking ends the session with all its tokens, and no other's.
func TestRevoke(t *testing.T) {
	t.Parallel()
	a := newApart(t)
	v, err := a.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]token.Secret{
		"none": {}, "garbage": token.NewSecret("garbage"), "an ID token": a.mine.Tokens.ID,
		"altered": token.NewSecret(flip(a.mine.Tokens.Refresh.Reveal(), 60)), "1 MB": token.NewSecret(strings.Repeat("a", 1<<20)),
	} {
		a.store.reset()
		if err := a.server.Revoke(t.Context(), s); err != nil {
			t.Errorf("%s = %v, want success (RFC 7009, 2.2)", what, err)
		}
		if _, commits := a.store.counted(); len(commits) != 0 {
			t.Errorf("%s = %v", what, kinds(commits))
		}
	}
	for what, s := range map[string]token.Secret{
		"another's refresh": a.others.Tokens.Refresh, "another's access": a.others.Tokens.Access, "a public client's": a.web.Tokens.Refresh,
	} {
		if err := a.server.Revoke(t.Context(), s); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s = %v, want ErrNotAuthorized", what, err)
		}
	}
	if !a.active(a.server, a.mine.Tokens.Refresh).Active || !a.active(a.other, a.others.Tokens.Refresh).Active {
		t.Fatal("a session was ended by a token that is not of it")
	}
	if err := a.server.Revoke(t.Context(), a.mine.Tokens.Refresh); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), a.mine.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("its access token = %v, want ErrRevoked", err)
	}
	in := pool.RefreshInput{Client: "server", ClientSecret: a.secret, Token: a.mine.Tokens.Refresh}
	if _, err := a.Refresh(t.Context(), in); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("refresh = %v, want ErrNotAuthorized", err)
	}
	if err := a.server.Revoke(t.Context(), a.mine.Tokens.Refresh); err != nil {
		t.Errorf("again = %v, want success", err)
	}
	if !a.active(a.other, a.others.Tokens.Access).Active {
		t.Error("another client's session has ended")
	}
}

// A revocation that the store did not take is not called done (CVE class 38).
func TestCVE38_FailedRevocations(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{errDisk, storage.ErrRetry, storage.ErrUnknown} {
		a := newApart(t)
		a.store.instead(failure)
		for what, err := range map[string]error{
			"revoke":   a.server.Revoke(t.Context(), a.mine.Tokens.Refresh),
			"sign out": a.SignOut(t.Context(), pool.SignOutInput{Client: "server", ClientSecret: a.secret, Token: a.mine.Tokens.Refresh}),
		} {
			if !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("%s where the store says %v = %v", what, failure, err)
			}
		}
		a.store.instead(nil)
		if !a.active(a.other, a.others.Tokens.Refresh).Active {
			t.Error("another session has ended")
		}
	}
}

// The face of a client holds no authority: a deleted secret has opened something for the last time.
func TestT4_AppsHoldNoAuthority(t *testing.T) {
	t.Parallel()
	a := newApart(t)
	for what, try := range map[string]func() error{
		"wrong":    func() error { return second(a.App(t.Context(), "server", chosen, pool.Caller{})) },
		"none":     func() error { return second(a.App(t.Context(), "server", password.Secret{}, pool.Caller{})) },
		"public":   func() error { return second(a.App(t.Context(), "web", password.Secret{}, pool.Caller{})) },
		"unknown":  func() error { return second(a.App(t.Context(), "nobody", a.secret, pool.Caller{})) },
		"another":  func() error { return second(a.App(t.Context(), "other", a.secret, pool.Caller{})) },
		"no name":  func() error { return second(a.App(t.Context(), "", a.secret, pool.Caller{})) },
		"public 2": func() error { return second(a.App(t.Context(), "web", a.secret, pool.Caller{})) },
	} {
		if err := try(); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("%s = %v, want ErrUnknownClient", what, err)
		}
	}
	if err := a.admin().DeleteClientSecret(t.Context(), "server", a.secrets("server")[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := a.server.Introspect(t.Context(), a.mine.Tokens.Access); !errors.Is(err, pool.ErrUnknownClient) {
		t.Errorf("introspect = %v, want ErrUnknownClient", err)
	}
	if err := a.server.Revoke(t.Context(), a.mine.Tokens.Refresh); !errors.Is(err, pool.ErrUnknownClient) {
		t.Errorf("revoke = %v, want ErrUnknownClient", err)
	}
}

// The JSON is that of RFC 7662: nothing beside "active" of what is not.
func TestIntrospectionJSON(t *testing.T) {
	t.Parallel()
	a := newApart(t)
	for what, tt := range map[string]struct {
		s    token.Secret
		want string
	}{
		"none":    {token.Secret{}, "active"},
		"access":  {a.mine.Tokens.Access, "acr active aud auth_time client_id exp iat iss jti origin_jti scope sub token_type username"},
		"refresh": {a.mine.Tokens.Refresh, "active auth_time client_id exp iat iss origin_jti sub username"},
	} {
		text, err := json.Marshal(a.active(a.server, tt.s))
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]any
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(members)), " "); got != tt.want {
			t.Errorf("%s = %s, want %s", what, got, tt.want)
		}
	}
}

// Who acts as a user is no user to a server that asks about tokens either.
func TestS6_IntrospectionNamesTheActor(t *testing.T) {
	t.Parallel()
	a := newApart(t)
	in := pool.ImpersonateInput{ID: a.user(ada).ID, Reason: "why not", Client: "server"}
	done, err := a.admin().Impersonate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(a.active(a.server, done.Tokens.Access))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"act":{"sub":"root"}`) || strings.Contains(string(text), "auth_time") {
		t.Errorf("told %s", text)
	}
}
