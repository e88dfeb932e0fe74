package pool_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// browser is a caller that package web would make.
var browser = pool.Caller{Browser: true}

// browse signs login in as a browser does.
func (k *kit) browse(login string) *pool.Done {
	k.t.Helper()
	d, err := pool.Finished(k.signInFrom(browser, login, right))
	if err != nil {
		k.t.Fatalf("SignIn(%q): %v", login, err)
	}
	return d
}

// visit returns what a page view with the cookie finds.
func (k *kit) visit(d *pool.Done) error {
	k.t.Helper()
	_, _, err := k.Session(k.t.Context(), d.Cookie)
	return err
}

// opens returns the account of a cookie.
func (k *kit) opens(d *pool.Done) *pool.Account {
	k.t.Helper()
	a, _, err := k.Session(k.t.Context(), d.Cookie)
	if err != nil {
		k.t.Fatalf("Session: %v", err)
	}
	return a
}

func TestT2_BrowserSession(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.browse(ada)
		if d.Tokens != (token.Set{}) || d.Cookie.IsZero() || d.Device == "" {
			t.Errorf("Done = %+v, want a cookie and no tokens", d)
		}
		if want := k.clock.Now().Add(30 * 24 * time.Hour); !d.Expires.Equal(want) {
			t.Errorf("Expires = %v, want %v", d.Expires, want)
		}
		k.store.reset()
		a, profile, err := k.Session(t.Context(), d.Cookie)
		if err != nil || profile.ID != k.user(ada).ID || profile.Username != ada {
			t.Fatalf("Session = %+v, %v", profile, err)
		}
		if reads, commits := k.store.counted(); reads != 1 || len(commits) != 0 {
			t.Errorf("a page view costs %d reads and %d commits, want 1 and none", reads, len(commits))
		}
		if got, err := a.Get(t.Context()); err != nil || got.ID != profile.ID {
			t.Errorf("Get = %+v, %v", got, err)
		}
	})
}

// A sign-in without the mark ends in tokens alone.
func TestT2_TokensWithoutTheMark(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	if d := k.done(ada); !d.Cookie.IsZero() || !d.Expires.IsZero() || d.Tokens.Access.IsZero() {
		t.Errorf("Done = %+v, want tokens and no cookie", d)
	}
}

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

func TestT3_BrowserSessionEndsAtOnce(t *testing.T) {
	t.Parallel()
	ends := map[string]func(k *kit, d *pool.Done) error{
		"sign out": func(k *kit, d *pool.Done) error { return k.opens(d).SignOut(k.t.Context(), browser) },
		"sign out everywhere": func(k *kit, _ *pool.Done) error {
			return k.opens(k.browse(ada)).SignOutEverywhere(k.t.Context(), browser)
		},
		"disabled": func(k *kit, _ *pool.Done) error { k.disable(ada); return nil },
		"status": func(k *kit, _ *pool.Done) error {
			k.change(ada, func(u *user.User) { u.Status = user.ResetRequired })
			return nil
		},
		"password changed elsewhere": func(k *kit, _ *pool.Done) error {
			in := pool.ChangePasswordInput{Old: right, New: another}
			_, err := k.opens(k.browse(ada)).ChangePassword(k.t.Context(), in)
			return err
		},
		"password reset": func(k *kit, _ *pool.Done) error {
			ticket := k.forgot(ada)
			return k.reset(ticket, k.code(ada, 2), another)
		},
		"idle":     func(k *kit, _ *pool.Done) error { k.clock.advance(24 * time.Hour); return nil },
		"absolute": func(k *kit, _ *pool.Done) error { k.clock.advance(30 * 24 * time.Hour); return nil },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, k *kit) {
				k.confirmed(ada)
				d := k.browse(ada)
				a := k.opens(d)
				if err := end(k, d); err != nil {
					t.Fatal(err)
				}
				if err := k.visit(d); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("Session afterwards = %v, want ErrNotAuthorized", err)
				}
				if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("Get of an account from before = %v, want ErrNotAuthorized", err)
				}
			})
		})
	}
}

// Use is noted now and then, so that an idle limit holds without a write at each page.
func TestT2_IdleSessions(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.browse(ada)
	k.store.reset()
	for range 24 * 12 { // three days of a page each quarter of an hour
		k.clock.advance(15 * time.Minute)
		if err := k.visit(d); err != nil {
			t.Fatalf("a session that is used ended: %v", err)
		}
	}
	if _, commits := k.store.counted(); len(commits) != 3*12 {
		t.Errorf("%d commits in three days, want one every two hours", len(commits))
	}
	k.clock.advance(22*time.Hour - time.Microsecond)
	if err := k.visit(d); err != nil {
		t.Errorf("after 22 hours: %v", err)
	}
	for k.clock.Now().Before(d.Expires) {
		if err := k.visit(d); err != nil {
			t.Fatalf("before the absolute limit: %v", err)
		}
		k.clock.advance(6 * time.Hour)
	}
	if err := k.visit(d); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("however busy, after 30 days = %v, want ErrNotAuthorized", err)
	}
}

// Many tabs whose use is due to be noted, while one of them signs out: nothing brings the session
// back.
func TestT3_UsesDoNotBringASessionBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.browse(ada)
		a := k.opens(d)
		for n := range 4 {
			k.clock.advance(3 * time.Hour)
			var wg sync.WaitGroup
			gate := make(chan struct{})
			for i := range 16 {
				wg.Go(func() {
					<-gate
					if n == 3 && i == 8 {
						if err := a.SignOut(t.Context(), browser); err != nil {
							t.Errorf("SignOut: %v", err)
						}
					} else if err := k.visit(d); err != nil && (n < 3 || !errors.Is(err, pool.ErrNotAuthorized)) {
						t.Errorf("Session: %v", err)
					}
				})
			}
			close(gate)
			wg.Wait()
		}
		if err := k.visit(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("after signing out = %v, want ErrNotAuthorized", err)
		}
	})
}

// That a use could not be noted does not keep anybody out.
func TestUseThatIsNotNoted(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{storage.ErrStale, storage.ErrRetry, errors.New("disk full")} {
		k := open(t)
		k.confirmed(ada)
		d := k.browse(ada)
		k.clock.advance(3 * time.Hour)
		k.store.instead(fail)
		if err := k.visit(d); err != nil {
			t.Errorf("Session while commits fail with %v: %v", fail, err)
		}
	}
}

func TestT2_ChangePasswordReplacesTheCookie(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.browse(ada)
	for _, by := range []pool.Caller{browser, {}} { // whoever it says it is
		next, err := pool.Finished(k.opens(d).ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another, Caller: by}))
		if err != nil || next.Cookie.IsZero() || next.Tokens != (token.Set{}) {
			t.Fatalf("ChangePassword = %+v, %v, want a cookie", next, err)
		}
		if next.Cookie.Reveal() == d.Cookie.Reveal() || k.visit(next) != nil || k.visit(d) == nil {
			t.Error("the cookie stayed what it was")
		}
		if d, err = pool.Finished(k.opens(next).ChangePassword(t.Context(), pool.ChangePasswordInput{Old: another, New: right})); err != nil {
			t.Fatal(err)
		}
	}
	tokens := k.done(ada)
	a, err := k.Account(t.Context(), tokens.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	next, err := pool.Finished(a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another, Caller: browser}))
	if err != nil || !next.Cookie.IsZero() || next.Tokens.Access.IsZero() {
		t.Errorf("ChangePassword by a token = %+v, %v, want tokens", next, err)
	}
}

// What was begun in a browser is answered from one, and nothing else is, at every step.
func TestT2_StepsStayWhereTheyBegan(t *testing.T) {
	t.Parallel()
	for _, begun := range []pool.Caller{browser, {}} {
		other := pool.Caller{Browser: !begun.Browser}
		k := open(t)
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Caller: begun})
		if err != nil {
			t.Fatal(err)
		}
		code := k.code(ada, 1)
		for range 6 { // no try is counted
			if _, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: up.Ticket, Code: code, Caller: other}); !errors.Is(err, pool.ErrWrongStep) {
				t.Fatalf("ConfirmSignUp from elsewhere = %v, want ErrWrongStep", err)
			}
		}
		if _, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: up.Ticket, Caller: other}); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("ResendCode from elsewhere = %v, want ErrWrongStep", err)
		}
		step, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: up.Ticket, Code: code, Caller: begun})
		if err != nil {
			t.Fatal(err)
		}
		ticket := step.(*pool.NeedPassword).Ticket
		if _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Password{Value: right}, Caller: other}); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("Respond from elsewhere = %v, want ErrWrongStep", err)
		}
		done, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Password{Value: right}, Caller: begun}))
		if err != nil || done.Cookie.IsZero() == begun.Browser {
			t.Errorf("Respond = %+v, %v", done, err)
		}
		forgot, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada, Caller: begun})
		if err != nil {
			t.Fatal(err)
		}
		in := pool.ResetPasswordInput{Ticket: forgot.Ticket, Code: k.code(ada, 2), Password: another, Caller: other}
		if _, err := k.ResetPassword(t.Context(), in); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("ResetPassword from elsewhere = %v, want ErrWrongStep", err)
		}
		k.change(ada, func(u *user.User) { u.Status = user.ForceChangePassword })
		step, err = k.signInFrom(begun, ada, right)
		if err != nil {
			t.Fatal(err)
		}
		ticket = step.(*pool.NeedNewPassword).Ticket
		if _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.NewPassword{Value: another}, Caller: other}); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("NewPassword from elsewhere = %v, want ErrWrongStep", err)
		}
		done, err = pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.NewPassword{Value: another}, Caller: begun}))
		if err != nil || done.Cookie.IsZero() == begun.Browser {
			t.Errorf("Respond with a new password = %+v, %v", done, err)
		}
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

func TestS18_LoweredLimitsBindBrowserSessions(t *testing.T) {
	t.Parallel()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New()
	old := openOn(t, st, func(c *pool.Config) { c.Keys = ring })
	old.confirmed(ada)
	d := old.browse(ada)
	strict := func(s pool.SessionSettings) *kit {
		k := openOn(t, st, func(c *pool.Config) { c.Keys, c.Settings = ring, &pool.Settings{Sessions: s} })
		k.clock.advance(time.Hour)
		return k
	}
	for _, s := range []pool.SessionSettings{{Idle: time.Hour}, {Absolute: time.Hour}} {
		if err := strict(s).visit(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("an hour after %+v = %v, want ErrNotAuthorized", s, err)
		}
	}
	if err := strict(pool.SessionSettings{Idle: 61 * time.Minute}).visit(d); err != nil {
		t.Errorf("within the lowered limit: %v", err)
	}
}

func TestSessionSettings(t *testing.T) {
	t.Parallel()
	for s, ok := range map[pool.SessionSettings]bool{
		{}:                          true,
		{Absolute: time.Hour}:       true, // and idle no longer
		{Idle: 5 * time.Minute}:     true,
		{Idle: 30 * 24 * time.Hour}: true,
		{Idle: 400 * 24 * time.Hour, Absolute: 400 * 24 * time.Hour}: true,
		{Absolute: 401 * 24 * time.Hour}:                             false,
		{Absolute: time.Minute}:                                      false,
		{Idle: time.Minute}:                                          false,
		{Idle: -1}:                                                   false,
		{Absolute: -1}:                                               false,
		{Idle: 31 * 24 * time.Hour}:                                  false,
		{Idle: 2 * time.Hour, Absolute: time.Hour}:                   false,
	} {
		p, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &pool.Settings{Sessions: s}})
		if err == nil {
			p.Close(t.Context())
		}
		if _, refused := errors.AsType[*pool.SettingsError](err); refused == ok {
			t.Errorf("Open with %+v: %v", s, err)
		}
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

// A link in a mail is opened wherever its owner reads mail: the session is of whoever opens it.
func TestLinkOpenedInABrowser(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	k.signUp(ada)
	step, err := k.ConfirmLink(t.Context(), pool.LinkInput{Link: k.link(ada, 1), Caller: browser})
	if err != nil {
		t.Fatal(err)
	}
	in := pool.RespondInput{Ticket: step.(*pool.NeedPassword).Ticket, With: pool.Password{Value: right}, Caller: browser}
	done, err := pool.Finished(k.Respond(t.Context(), in))
	if err != nil || done.Cookie.IsZero() || k.visit(done) != nil {
		t.Errorf("Respond = %+v, %v, want a browser session", done, err)
	}
}

// What was granted under a browser session goes with it, and what was granted beside it stays.
func TestT2_GrantsEndWithTheBrowser(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d, beside := k.browse(ada), k.done(ada)
		sessions := func() (parent, under *token.Session) {
			page, err := k.store.Sessions(t.Context(), "default", storage.SessionQuery{User: k.user(ada).ID, Now: k.clock.Now()})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.Sessions {
				if s.Kind == token.Browser {
					parent = s
				} else if s.Parent != "" {
					under = s
				}
			}
			return parent, under
		}
		parent, _ := sessions()
		grant := parent.Clone()
		grant.ID, grant.Kind, grant.Parent, grant.Version = "grant", token.Grant, parent.ID, 0
		if err := k.store.Store.Commit(t.Context(), storage.Put(grant)); err != nil {
			t.Fatal(err)
		}
		if err := k.opens(d).SignOut(t.Context(), browser); err != nil {
			t.Fatal(err)
		}
		if parent, under := sessions(); parent != nil || under != nil {
			t.Errorf("left over: %v, %v", parent, under)
		}
		if _, err := k.refresh(beside); err != nil {
			t.Errorf("the session beside it: %v", err)
		}
	})
}
