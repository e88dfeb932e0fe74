package pool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const month = 30 * day

// Who deletes their account is gone in one commit, and gets a last message.
func TestS13_WhoDeletesThemselvesLeavesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		id := k.user(ada).ID
		d, err := pool.Finished(k.signInFrom(home, ada, right))
		if err != nil {
			t.Fatal(err)
		}
		browser := k.browse(ada)
		ticket := k.forgot(ada)
		k.mails(ada, 2)
		v, err := k.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		a := k.account(d)
		k.store.reset()
		if err := a.Delete(t.Context(), pool.DeleteInput{With: pool.Password{Value: right}, Caller: home}); err != nil {
			t.Fatal(err)
		}
		if _, commits := k.store.counted(); len(commits) != 1 {
			t.Errorf("%d commits, want one", len(commits))
		}
		if ms := k.mails(ada, 3); ms[2].Kind != message.AccountDeleted {
			t.Errorf("mails = %v, want the last to say so", ms)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh = %v", err)
		}
		if _, err := v.Verify(t.Context(), d.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("access token = %v, want ErrRevoked", err)
		}
		if err := k.visit(browser); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("browser = %v", err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-in = %v", err)
		}
		if err := k.reset(ticket, "12345678", another); !errors.Is(err, pool.ErrBadCode) && !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("reset = %v", err)
		}
		if err := a.Delete(t.Context(), pool.DeleteInput{}); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("again = %v, want ErrNotAuthorized", err)
		}
		page, err := k.ListEvents(t.Context(), pool.EventQuery{User: id})
		if err != nil || !slices.ContainsFunc(page.Events, func(e pool.Event) bool { return e.Kind == "delete_user" && e.Actor == "" }) {
			t.Fatalf("events = %+v, %v, want the deletion by the user", page, err)
		}
		if slices.ContainsFunc(page.Events, func(e pool.Event) bool { return e.IP.IsValid() || e.UserAgent != "" }) {
			t.Error("events still say where they were")
		}
		if r, err := k.VerifyEvents(t.Context()); err != nil || !r.Intact() {
			t.Errorf("history = %+v, %v", r, err)
		}
		if err := confirm(k, k.signUp(ada), k.code(ada, 4)); err != nil { // the address is free
			t.Fatal(err)
		}
		if k.user(ada).ID == id {
			t.Error("the id was used again")
		}
	})
}

// A user name rests for 30 days after who had it: it answers as a taken one, to whoever wants it and
// however, and then is free.
func TestS13_UserNamesRest(t *testing.T) {
	t.Parallel()
	for how, leave := range map[string]func(k *kit) error{
		"by themselves": func(k *kit) error {
			return k.account(k.done("ada")).Delete(k.t.Context(), pool.DeleteInput{})
		},
		"by an administrator": func(k *kit) error { return k.admin().DeleteUser(k.t.Context(), k.user("ada").ID) },
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, k *kit) {
				k.confirmed("ada")
				k.confirmed("bob")
				rival := k.signUp("carol") // signed up while the name was free, confirms when it rests
				carol := k.admin()
				made, err := carol.CreateUser(t.Context(), pool.CreateUserInput{Username: "carol", Suppress: true})
				if err != nil {
					t.Fatal(err)
				}
				if err := carol.DeleteUser(t.Context(), made.ID); err != nil {
					t.Fatal(err)
				}
				if err := confirm(k, rival, k.code("carol@example.com", 1)); !errors.Is(err, pool.ErrLoginTaken) {
					t.Errorf("a sign-up of before = %v, want ErrLoginTaken", err)
				}
				taken := func(name string) string {
					k.store.reset()
					res, err := k.signUpAs(name, user.Attributes{"email": "new@example.com"})
					_, commits := k.store.counted()
					return fmt.Sprint(kinds(commits), res, err)
				}
				want := taken("bob")
				if err := leave(k); err != nil {
					t.Fatal(err)
				}
				for _, at := range []time.Duration{0, month - 2*time.Second} {
					k.clock.advance(at)
					k.store.Sweep(t.Context(), k.clock.Now(), 1000)
					if got := taken("ada"); got != want {
						t.Errorf("after %v a resting name answers %q, want as a taken one: %q", at, got, want)
					}
					if got := taken("ADA"); got != want {
						t.Errorf("in other letters %q, want %q", got, want)
					}
					if _, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: "ada", Suppress: true}); !errors.Is(err, pool.ErrLoginTaken) {
						t.Errorf("an administrator gets %v, want ErrLoginTaken", err)
					}
					if _, err := k.signIn("ada", right); !errors.Is(err, pool.ErrNotAuthorized) {
						t.Errorf("sign-in = %v, want ErrNotAuthorized", err)
					}
				}
				k.clock.advance(2 * time.Second)
				if _, err := k.signUpAs("ada", user.Attributes{"email": "new@example.com"}); err != nil {
					t.Errorf("after 30 days = %v, want it free", err)
				}
			}, named)
		})
	}
}

// A hook that vouches for a visitor gets them no name that rests, and no address.
func TestS13_VouchedForAtARestingName(t *testing.T) {
	t.Parallel()
	k := open(t, named, func(c *pool.Config) {
		c.Hooks.PreSignUp = func(context.Context, hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			return hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, nil
		}
	})
	if _, err := k.signUpAs("ada", user.Attributes{"email": ada}); err != nil {
		t.Fatal(err)
	}
	if err := k.admin().DeleteUser(t.Context(), k.user("ada").ID); err != nil {
		t.Fatal(err)
	}
	if _, err := k.signUpAs("ada", user.Attributes{"email": ada}); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("= %v, want ErrLoginTaken", err)
	}
}

// Who takes a name and who gives it up at once: never are there two, nor one who has it while it
// rests.
func TestS13_TakenWhileItIsGivenUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed("ada")
		id := k.user("ada").ID
		errs := make([]error, 8)
		together(len(errs), func(n int) {
			if n == 0 {
				errs[n] = k.admin().DeleteUser(t.Context(), id)
				return
			}
			_, errs[n] = k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: "ada", Suppress: true})
		})
		if errs[0] != nil {
			t.Fatal(errs[0])
		}
		for _, err := range errs[1:] {
			if !errors.Is(err, pool.ErrLoginTaken) {
				t.Errorf("= %v, want ErrLoginTaken", err)
			}
		}
	}, named)
}

// A foreign key of the app's own rows may refuse the delete. That shows that a password was right,
// and so it is counted.
func TestT5_ReferencedUsersAreCounted(t *testing.T) {
	t.Parallel()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.DB().ExecContext(t.Context(), `CREATE TABLE orders (user_id TEXT REFERENCES userpool_users(id))`); err != nil {
		t.Fatal(err)
	}
	k := openOn(t, st)
	a := k.account(k.signedIn())
	if _, err := st.DB().ExecContext(t.Context(), `INSERT INTO orders VALUES (?)`, string(k.user(ada).ID)); err != nil {
		t.Fatal(err)
	}
	if err := a.Delete(t.Context(), pool.DeleteInput{}); !errors.Is(err, storage.ErrReferenced) {
		t.Errorf("= %v, want ErrReferenced", err)
	}
	for range 5 {
		if err := a.Delete(t.Context(), pool.DeleteInput{With: pool.Password{Value: right}}); !errors.Is(err, storage.ErrReferenced) {
			t.Fatalf("= %v, want ErrReferenced", err)
		}
	}
	if err := a.Delete(t.Context(), pool.DeleteInput{With: pool.Password{Value: right}}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("after five = %v, want it locked", err)
	}
	if _, err := a.Get(t.Context()); err != nil {
		t.Errorf("after all that: %v", err)
	}
}
