package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// TestT6_StrangersLockNoKnownDeviceOut: wrong answers of strangers, to a code or a challenge by which a
// sign-in begins, lock strangers only: a device that the owner has signed in on has tries of its own, and
// no more than those.
func TestT6_StrangersLockNoKnownDeviceOut(t *testing.T) {
	t.Parallel()
	for kind, wrong := range map[mfa.Kind]pool.Response{
		mfa.KindEmail: pool.Code{Value: "00000000"}, mfa.KindCustom: pool.CustomAnswer{Value: "koala"},
	} {
		k := open(t, byChallenge(animal()), func(c *pool.Config) {
			c.Settings.SignIn.First = append(c.Settings.SignIn.First, mfa.KindEmail)
		})
		k.confirmed(ada)
		known := pool.Caller{Device: k.done(ada).Device}
		begin := func(c pool.Caller) string {
			t.Helper()
			k.delivered()
			step, err := k.SignIn(t.Context(), pool.SignInInput{Username: ada, With: pool.Choice{Kind: kind}, Caller: c})
			if err != nil {
				t.Fatal(err)
			}
			k.delivered()
			if need, ok := step.(*pool.NeedCustom); ok {
				return need.Ticket
			}
			return step.(*pool.NeedCode).Ticket
		}
		answer := func(c pool.Caller, ticket string, with pool.Response) error {
			return second(k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: with, Caller: c}))
		}
		rightly := func() pool.Response {
			if kind == mfa.KindCustom {
				return pool.CustomAnswer{Value: "wombat"}
			}
			return pool.Code{Value: k.box.Code(ada)}
		}
		for _, tt := range []struct {
			who       pool.Caller
			shut, own error // to the right answer after five wrong ones of strangers, and of one's own
		}{{pool.Caller{}, pool.ErrBadCode, pool.ErrBadCode}, {known, nil, pool.ErrBadCode}} {
			k.clock.advance(time.Hour)
			for _, from := range []pool.Caller{{}, tt.who} {
				ticket := begin(from)
				for range 5 {
					if err := answer(from, ticket, wrong); !errors.Is(err, pool.ErrBadCode) {
						t.Errorf("%s: a wrong answer: %v, want ErrBadCode", kind, err)
					}
				}
				want := tt.own
				if from == (pool.Caller{}) {
					want = tt.shut
				}
				if err := answer(tt.who, begin(tt.who), rightly()); !errors.Is(err, want) {
					t.Errorf("%s: known %t: the right answer: %v, want %v", kind, tt.who == known, err, want)
				}
			}
		}
	}
}
