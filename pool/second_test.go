package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// TestT1_AppIsAskedFor: who has an authenticator app gets no session without its code, and a code is
// good once (security.md S17, CVE class 4).
func TestT1_AppIsAskedFor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		seed := k.enrolled(ada)
		step, err := k.signIn(ada, right)
		need, ok := step.(*pool.NeedTOTP)
		if err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		answer := func(ticket, code string) (pool.Step, error) {
			return k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Code{Value: code}})
		}
		code := seed.Code(k.clock.Now())
		wrong := "000000"
		if wrong == code {
			wrong = "000001"
		}
		if _, err := answer(need.Ticket, wrong); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a wrong code: %v, want ErrBadCode", err)
		}
		if _, err := pool.Finished(answer(need.Ticket, code)); err != nil {
			t.Fatalf("the right code: %v", err)
		}
		step, err = k.signIn(ada, right)
		if need, ok = step.(*pool.NeedTOTP); err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		if _, err := answer(need.Ticket, code); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a code that was used: %v, want ErrBadCode", err)
		}
		k.clock.advance(30 * time.Second)
		if _, err := pool.Finished(answer(need.Ticket, seed.Code(k.clock.Now()))); err != nil {
			t.Errorf("the next code: %v", err)
		}
	})
}

// enrolled gives a user an authenticator app.
func (k *kit) enrolled(login string) mfa.Seed {
	k.t.Helper()
	u := k.user(login)
	seed := mfa.NewSeed()
	pool.Seal(k.Pool, u, seed)
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
		k.t.Fatal(err)
	}
	return seed
}

// TestT6_ChoicesAreBounded: each choice writes, so a ticket has its holder make no more than twenty, who
// may be anybody; the kind that was chosen last can be answered still.
func TestT6_ChoicesAreBounded(t *testing.T) {
	t.Parallel()
	set := func(c *pool.Config) {
		passkeys(c)
		begun(c)
		c.Settings.Groups = []pool.Group{{Name: "staff", RequireMFA: true}}
		c.Settings.MFA.Kinds = []mfa.Kind{mfa.KindTOTP, mfa.KindPasskey}
	}
	for what, tt := range map[string]struct {
		begin func(k *kit) (pool.Step, error)
		kind  mfa.Kind
		last  func(k *kit, ticket string) error // what comes of an answer to the last
	}{
		"nobody": {
			func(k *kit) (pool.Step, error) { return k.start("nobody@example.com", nil) }, mfa.KindPassword,
			func(k *kit, ticket string) error {
				return expect(second(k.respond(ticket, wrong)), pool.ErrNotAuthorized)
			},
		},
		"the first factor": {
			func(k *kit) (pool.Step, error) { return k.start(ada, nil) }, mfa.KindPassword,
			func(k *kit, ticket string) error { return second(k.respond(ticket, right)) },
		},
		"a set-up": {
			func(k *kit) (pool.Step, error) {
				k.change(ada, func(u *user.User) { u.Groups = []string{"staff"} })
				return k.signIn(ada, right)
			}, mfa.KindTOTP,
			func(k *kit, ticket string) error {
				return expect(second(k.answer(ticket, pool.Code{Value: "000000"})), pool.ErrBadCode)
			},
		},
	} {
		k := open(t, set)
		k.confirmed(ada)
		step, err := tt.begin(k)
		choice, ok := step.(*pool.NeedChoice)
		if err != nil || !ok {
			t.Fatalf("%s: %v, %v, want NeedChoice", what, step, err)
		}
		for n := range 20 {
			if _, err := k.answer(choice.Ticket, pool.Choice{Kind: tt.kind}); err != nil {
				t.Fatalf("%s: choice %d: %v", what, n, err)
			}
		}
		if _, err := k.answer(choice.Ticket, pool.Choice{Kind: tt.kind}); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("%s: one more: %v, want ErrTicketGone", what, err)
		}
		if err := tt.last(k, choice.Ticket); err != nil {
			t.Errorf("%s: an answer after it: %v", what, err)
		}
	}
}
