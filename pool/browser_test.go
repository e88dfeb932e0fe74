package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
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
