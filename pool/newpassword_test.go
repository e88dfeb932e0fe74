package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// temporary makes login a user whose password is a temporary one, as an administrator would.
func (k *kit) temporary(login string) {
	k.t.Helper()
	k.confirmed(login)
	k.change(login, func(u *user.User) {
		u.Status, u.Password.Set = user.ForceChangePassword, k.clock.Now()
		u.Epoch++
	})
}

// asked signs login in with the temporary password and returns the ticket of the step.
func (k *kit) asked(login string) (ticket string) {
	k.t.Helper()
	step, err := k.signIn(login, right)
	need, ok := step.(*pool.NeedNewPassword)
	if err != nil || !ok {
		k.t.Fatalf("SignIn(%q) = %T, %v, want *NeedNewPassword", login, step, err)
	}
	return need.Ticket
}

func (k *kit) choose(ticket string, pw password.Secret) (*pool.Done, error) {
	return pool.Finished(k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.NewPassword{Value: pw}, Caller: home}))
}

func TestNewPassword(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.temporary(ada)
		before := k.user(ada)
		ticket := k.asked(ada)
		k.store.reset()
		hashes := k.Hashes()
		done, err := k.choose(ticket, another)
		if err != nil {
			t.Fatalf("Respond: %v", err)
		}
		if reads, commits := k.store.counted(); reads != 1 || len(commits) != 1 || k.Hashes()-hashes != 2 {
			t.Errorf("%d reads, %d commits, %d hashes, want 1, 1 and 2", reads, len(commits), k.Hashes()-hashes)
		}
		u := k.user(ada)
		if u.Status != user.Confirmed || u.Epoch != before.Epoch+1 || u.Password.Revision != before.Password.Revision+1 {
			t.Errorf("status %s, epoch %d after %d, want confirmed and one more", u.Status, u.Epoch, before.Epoch)
		}
		if _, err := k.refresh(done); err != nil {
			t.Errorf("refresh: %v: the session must rest on the password that was chosen", err)
		}
		if _, err := k.choose(ticket, right); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the ticket again = %v, want ErrTicketGone", err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the temporary password = %v, want ErrNotAuthorized", err)
		}
		if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
			t.Errorf("the chosen password: %v", err)
		}
		if ms := k.mails(ada, 2); ms[1].Kind != message.PasswordChanged {
			t.Errorf("the owner got %s, want a notice", ms[1].Kind)
		}
		seen := map[string]int{}
		for _, e := range k.events(pool.EventQuery{User: u.ID}) {
			seen[e.Kind+" "+e.Outcome+" "+e.Reason]++
		}
		if seen["sign_in step new_password"] != 1 || seen["new_password success "] != 1 {
			t.Errorf("events = %v", seen)
		}
	})
}

// A refused password leaves the step to be answered again, and changes nothing.
func TestNewPasswordRefuses(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.temporary(ada)
	ticket := k.asked(ada)
	for name, tt := range map[string]struct {
		with pool.Response
		want error
	}{
		"no password":       {pool.NewPassword{}, pool.ErrInvalid},
		"short":             {pool.NewPassword{Value: password.New("1234567")}, pool.ErrInvalid},
		"common":            {pool.NewPassword{Value: password.New("password1")}, pool.ErrInvalid},
		"login":             {pool.NewPassword{Value: password.New("ada@example.com")}, pool.ErrInvalid},
		"the temporary one": {pool.NewPassword{Value: right}, pool.ErrInvalid},
		"a password":        {pool.Password{Value: right}, pool.ErrWrongStep},
		"a code":            {pool.Code{Value: "123456"}, pool.ErrWrongStep},
		"not UTF-8":         {pool.NewPassword{Value: password.New("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7")}, pool.ErrInvalid},
		"NUL":               {pool.NewPassword{Value: password.New("a\x00b and so on")}, pool.ErrInvalid},
		"1 MB":              {pool.NewPassword{Value: password.New(strings.Repeat("a", 1<<20))}, pool.ErrInvalid},
		"nothing":           {nil, pool.ErrInvalid},
	} {
		if _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: tt.with}); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", name, err, tt.want)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: the error repeats the input", name)
		}
	}
	in := pool.SignInInput{Username: ada, With: pool.NewPassword{Value: another}}
	if _, err := k.SignIn(t.Context(), in); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("as the first proof = %v, want ErrWrongStep", err)
	}
	if _, err := k.choose(flip(ticket, 60), another); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("with another's ticket = %v, want ErrTicketGone", err)
	}
	if u := k.user(ada); u.Status != user.ForceChangePassword {
		t.Errorf("status after refusals = %s", u.Status)
	}
	if _, err := k.choose(ticket, another); err != nil {
		t.Errorf("after refusals: %v", err)
	}
	for name, other := range map[string]string{"sign-up": k.signUp("bob@example.com"), "reset": k.forgot(ada)} {
		if _, err := k.choose(other, another); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("with the ticket of a %s = %v, want ErrWrongStep", name, err)
		}
	}
}

// What happens to the user meanwhile ends the step.
func TestT3_NewPasswordStepEnds(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(k *kit){
		"disabled":              func(k *kit) { k.disable(ada) },
		"disabled, epoch kept":  func(k *kit) { k.change(ada, func(u *user.User) { u.Disabled = true }) },
		"another temporary one": func(k *kit) { k.change(ada, func(u *user.User) { u.Password.Revision++ }) },
		"confirmed meanwhile":   func(k *kit) { k.change(ada, func(u *user.User) { u.Status = user.Confirmed }) },
		"epoch":                 func(k *kit) { k.change(ada, func(u *user.User) { u.Epoch++ }) },
		"three minutes":         func(k *kit) { k.clock.advance(3 * time.Minute) },
		"the password has gone": func(k *kit) { k.change(ada, func(u *user.User) { u.Password = nil }) },
		"the week has ended": func(k *kit) {
			k.change(ada, func(u *user.User) { u.Password.Set = u.Password.Set.Add(-7 * 24 * time.Hour) })
		},
		"answered":    func(k *kit) { _, _ = k.choose(k.asked(ada), password.New("chosen by another hand")) },
		"to be reset": func(k *kit) { k.change(ada, func(u *user.User) { u.Status = user.ResetRequired }) },
	} {
		k := open(t)
		k.temporary(ada)
		ticket := k.asked(ada)
		meanwhile(k)
		if done, err := k.choose(ticket, another); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("%s: %v, %v, want ErrTicketGone", name, done, err)
		}
	}
}

// A session of before the change was forced ends, whether or not the epoch says so.
func TestT1_ForcedChangeMintsNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	k.change(ada, func(u *user.User) { u.Status = user.ForceChangePassword })
	if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("refresh = %v, want ErrNotAuthorized", err)
	}
	a, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("account = %v, want ErrNotAuthorized", err)
	}
	if _, err := a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("change = %v, want ErrNotAuthorized", err)
	}
}

// An expired temporary password is a wrong one to the visitor; the operator sees which it was.
func TestTemporaryPasswordExpires(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, validity := range []time.Duration{0, time.Hour, 365 * day} {
		k := open(t, func(c *pool.Config) {
			c.Settings = &pool.Settings{Passwords: password.Policy{TemporaryValidity: validity}}
		})
		k.temporary(ada)
		if validity == 0 {
			validity = 7 * day
		}
		k.clock.advance(validity - time.Second)
		k.asked(ada)
		k.clock.advance(time.Second)
		if step, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("after %v: %T, %v, want ErrNotAuthorized", validity, step, err)
		}
		if e := k.last(k.user(ada).ID); e.Outcome != "refused" || e.Reason != "temporary_password_expired" {
			t.Errorf("event = %+v", e)
		}
	}
}

// The right temporary password is a verdict that left, so it is counted until the session clears it.
func TestT5_RightTemporaryPasswordIsCounted(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.temporary(ada)
	for range 4 {
		k.asked(ada)
	}
	k.asked(ada) // the fifth verdict locks
	if step, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("a sixth verdict = %T, %v, want it locked", step, err)
	}
	k.clock.advance(time.Hour)
	if _, err := k.choose(k.asked(ada), another); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		k.signIn(ada, wrong)
	}
	if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
		t.Errorf("after four wrong ones: %v: the session that was minted must have cleared the run", err)
	}
}

// Each comparison with old passwords costs hashes, so refusals are counted, and past the limit
// nothing is hashed.
func TestT5_RefusedNewPasswordsAreCounted(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.temporary(ada)
	ticket := k.asked(ada)
	for range 4 {
		if _, err := k.choose(ticket, right); !errors.Is(err, pool.ErrInvalid) {
			t.Fatalf("the temporary one = %v, want ErrInvalid", err)
		}
	}
	before := k.Hashes()
	for range 3 {
		if _, err := k.choose(ticket, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("past the limit = %v, want ErrNotAuthorized", err)
		}
	}
	if n := k.Hashes() - before; n != 0 {
		t.Errorf("%d hashes past the limit", n)
	}
	k.clock.advance(time.Second)
	if _, err := k.choose(ticket, another); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestS1_ParallelNewPasswordsHaveOneWinner(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.temporary(ada)
		ticket := k.asked(ada)
		number := func(i int) password.Secret { return password.New(fmt.Sprintf("password number %d", i)) }
		var (
			wg   sync.WaitGroup
			gate = make(chan struct{})
			errs [32]error
		)
		for i := range errs {
			wg.Go(func() {
				<-gate
				_, errs[i] = k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.NewPassword{Value: number(i)}, Caller: from(i)})
			})
		}
		close(gate)
		wg.Wait()
		var won []int
		for i, err := range errs {
			if err == nil {
				won = append(won, i)
			} else if !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("loser = %v, want ErrTicketGone", err)
			}
		}
		if len(won) != 1 {
			t.Fatalf("%d winners, want 1", len(won))
		}
		if _, err := pool.Finished(k.signIn(ada, number(won[0]))); err != nil {
			t.Errorf("the winner's password: %v", err)
		}
	})
}

// An answer that was lost is found out, and one that lost a race judges again what it finds.
func TestNewPasswordSurvivesTheStore(t *testing.T) {
	t.Parallel()
	st := &rival{Store: memory.New()}
	k := openOn(t, st)
	k.temporary(ada)
	ticket := k.asked(ada)
	st.once(func() { k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"name": "Ada"} }) })
	before := k.Hashes()
	k.store.answer(func(err error) error {
		if err == nil {
			return storage.ErrUnknown
		}
		return err
	})
	if _, err := k.choose(ticket, another); err != nil {
		t.Fatal(err)
	}
	k.store.answer(nil)
	if u := k.user(ada); u.Attributes["name"] != "Ada" || u.Status != user.Confirmed {
		t.Errorf("user = %v, %s: the rival's write is lost", u.Attributes, u.Status)
	}
	if n := k.Hashes() - before; n != 2 {
		t.Errorf("%d hashes over two rounds, want 2: each made once", n)
	}

	k.temporary("bob@example.com")
	ticket = k.asked("bob@example.com")
	st.once(func() { k.disable("bob@example.com") })
	if _, err := k.choose(ticket, another); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("disabled between read and commit = %v, want ErrTicketGone", err)
	}
}

// rival is a store where somebody else is faster.
type rival struct {
	storage.Store
	mu     sync.Mutex
	before func()
}

// once lets f happen before the next commit that writes a user.
func (r *rival) once(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = f
}

func (r *rival) Commit(ctx context.Context, changes ...storage.Change) error {
	for _, c := range changes {
		if put, ok := c.(storage.PutRecord); ok {
			if _, ok := put.Record.(*user.User); ok {
				r.mu.Lock()
				f := r.before
				r.before = nil
				r.mu.Unlock()
				if f != nil {
					f()
				}
			}
		}
	}
	return r.Store.Commit(ctx, changes...)
}
