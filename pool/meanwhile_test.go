package pool_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
)

// guessing is a way to guess, and what it hears where guessing is locked.
type guessing struct {
	counter string
	locked  error
	// begin returns answers to judge, the right one first, and the ticket that they are to, if any.
	begin func(k *kit) (answers []func() error, ticket string)
	ends  bool // with the first right answer, for all others
}

// signingIn gives passwords to SignIn.
func signingIn(k *kit) []func() error {
	return []func() error{
		func() error { return second(k.signIn(ada, right)) },
		func() error { return second(k.signIn(ada, wrong)) },
	}
}

// confirming gives codes to a ticket.
func confirming(k *kit, ticket, code string) []func() error {
	return []func() error{
		func() error { return confirm(k, ticket, code) },
		func() error { return confirm(k, ticket, "wrong") },
	}
}

var guessings = map[string]guessing{
	"password": {counter: "password", locked: pool.ErrNotAuthorized, begin: func(k *kit) ([]func() error, string) {
		k.confirmed(ada)
		return signingIn(k), ""
	}},
	"temporary password": {counter: "password", locked: pool.ErrNotAuthorized, begin: func(k *kit) ([]func() error, string) {
		k.temporary(ada)
		return signingIn(k), ""
	}},
	"password after a code": {counter: "password", locked: pool.ErrNotAuthorized, begin: func(k *kit) (answers []func() error, _ string) {
		step, err := k.ConfirmSignUp(k.t.Context(), pool.CodeInput{Ticket: k.signUp(ada), Code: k.code(ada, 1)})
		if err != nil {
			k.t.Fatal(err)
		}
		ticket := step.(*pool.NeedPassword).Ticket
		for _, pw := range []password.Secret{right, wrong} {
			answers = append(answers, func() error {
				return second(k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Password{Value: pw}}))
			})
		}
		return answers, ticket
	}},
	"new password": {counter: "password", locked: pool.ErrNotAuthorized, begin: func(k *kit) ([]func() error, string) {
		k.temporary(ada)
		ticket := k.asked(ada)
		return []func() error{
			func() error { return second(k.choose(ticket, another)) },
			func() error { return second(k.choose(ticket, right)) },
		}, ticket
	}},
	"old password": {counter: "password", locked: pool.ErrNotAuthorized, begin: func(k *kit) (answers []func() error, _ string) {
		k.confirmed(ada)
		a, err := k.Account(k.t.Context(), k.done(ada).Tokens.Access)
		if err != nil {
			k.t.Fatal(err)
		}
		for _, in := range []pool.ChangePasswordInput{{Old: right, New: another}, {Old: right, New: password.New(ada)}, {Old: wrong, New: another}} {
			answers = append(answers, func() error { return second(a.ChangePassword(k.t.Context(), in)) })
		}
		return answers, ""
	}, ends: true},
	"code to reset": {counter: "code:reset_password", locked: pool.ErrBadCode, begin: func(k *kit) ([]func() error, string) {
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		return []func() error{
			func() error { return k.reset(ticket, code, another) },
			func() error { return k.reset(ticket, code, password.New(ada)) },
			func() error { return k.reset(ticket, "wrong", another) },
		}, ticket
	}},
	"code to confirm": {counter: "code:confirm_sign_up", locked: pool.ErrBadCode, begin: func(k *kit) ([]func() error, string) {
		ticket := k.signUp(ada)
		return confirming(k, ticket, k.code(ada, 1)), ticket
	}},
	"code after a password": {counter: "code:confirm_sign_up", locked: pool.ErrBadCode, begin: func(k *kit) ([]func() error, string) {
		k.signUp(ada)
		k.code(ada, 1)
		step, err := k.signIn(ada, right)
		if err != nil {
			k.t.Fatal(err)
		}
		ticket := step.(*pool.NeedConfirm).Ticket
		return confirming(k, ticket, k.code(ada, 2)), ticket
	}},
}

// eachGuess gives every answer of every way to guess, each in a pool of its own, in the moment in
// which something happens. All must hear what is heard where guessing is locked.
func eachGuess(t *testing.T, happens func(k *kit, g guessing), hooks func() (hook.Set, func())) {
	for name, g := range guessings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, all := 0, 1; n < all; n++ {
				s, arm := hooks()
				k := open(t, with(s))
				answers, _ := g.begin(k)
				all = len(answers)
				arm()
				k.store.meanwhile(func() { happens(k, g) })
				if err := answers[n](); err == nil || err.Error() != g.locked.Error() {
					t.Errorf("answer %d = %v, want %v", n, err, g.locked)
				}
			}
		})
	}
}

// Where guessing is locked in the moment in which an answer is judged, what leaves is the refusal
// of a lock, whatever came out: else each of any number of guesses at once would tell whether it
// was right. So it is where a hook withholds the tokens, too.
func TestT5_LockedMeanwhileTellsNothing(t *testing.T) {
	t.Parallel()
	lock := func(k *kit, g guessing) {
		u := k.user(ada)
		k.use(storage.Count{
			Key:  storage.CounterKey{Pool: u.Pool, Owner: string(u.ID), Name: g.counter},
			Rule: storage.Rule{Free: 1, Base: time.Minute, Max: time.Hour},
		}, 1)
	}
	t.Run("as it is", func(t *testing.T) {
		eachGuess(t, lock, func() (hook.Set, func()) { return hook.Set{}, func() {} })
	})
	t.Run("tokens withheld", func(t *testing.T) {
		eachGuess(t, lock, func() (hook.Set, func()) {
			deny := false
			return hook.Set{PreTokenGeneration: func(context.Context, hook.PreTokenGeneration) (a hook.PreTokenGenerationAnswer, err error) {
				if deny {
					err = errStaff
				}
				return a, err
			}}, func() { deny = true }
		})
	})
}

// use counts so often what c counts.
func (k *kit) use(c storage.Count, times int) {
	k.t.Helper()
	c.Now = k.clock.Now()
	for range times {
		if err := k.store.Store.Commit(k.t.Context(), c); err != nil {
			k.t.Fatal(err)
		}
	}
}

// Where the tries of a ticket are used up in the moment in which an answer to it is judged, no
// answer passes, the right one neither: else all that are under way would be guesses, where five
// may be.
func TestS1_TriesUsedUpMeanwhile(t *testing.T) {
	t.Parallel()
	for name, g := range guessings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			answers, ticket := g.begin(k)
			if ticket == "" {
				return
			}
			raw, err := base64.RawURLEncoding.DecodeString(ticket)
			if err != nil {
				t.Fatal(err)
			}
			k.store.meanwhile(func() {
				key := storage.CounterKey{Pool: "default", Owner: base64.RawURLEncoding.EncodeToString(raw[:16]), Name: "tries"}
				k.use(storage.Count{Key: key, Rule: storage.Rule{Free: 5}}, 5)
			})
			if err := answers[0](); !errors.Is(err, g.locked) {
				t.Errorf("the right answer = %v, want %v", err, g.locked)
			}
			if err := answers[0](); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("afterwards = %v, want ErrTicketGone", err)
			}
		})
	}
}

// One who guesses at the code of a sign-up of their own, at an address that is not theirs, has no
// more guesses at a ticket whose last try is left, once the lock of the code is forgotten, than
// that one.
func TestS1_LastTryIsOneGuess(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	code := k.code(ada, 1)
	for range 4 {
		_ = confirm(k, ticket, "wrong")
	}
	step, err := k.signIn(ada, right)
	if err != nil {
		t.Fatal(err)
	}
	_ = confirm(k, step.(*pool.NeedConfirm).Ticket, "wrong") // the fifth locks the code, and not the ticket
	k.clock.advance(16 * time.Minute)
	var heard []error
	k.store.meanwhile(func() { // a guess that came first
		heard = append(heard, confirm(k, ticket, "wrong"))
	})
	heard = append(heard, confirm(k, ticket, code))
	if got := fmt.Sprint(heard); got != fmt.Sprint([]error{pool.ErrBadCode, pool.ErrBadCode}) {
		t.Errorf("two guesses at once heard %s: one try was left", got)
	}
}
