package pool_test

import (
	"strings"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// withTexts gives ada, who is signed in, a phone, and codes to it as a second factor.
func (k *kit) withTexts(d *pool.Done) *pool.Done {
	k.t.Helper()
	d = k.changed(d, phone, 1)
	own := k.account(d)
	need, err := own.AddCodes(k.t.Context(), pool.AddCodesInput{By: mfa.KindSMS})
	if err != nil {
		k.t.Fatal(err)
	}
	in := pool.ConfirmCodesInput{By: mfa.KindSMS, Ticket: need.Ticket, Code: k.factorCode(phone)}
	next, err := pool.Finished(own.ConfirmCodes(k.t.Context(), in))
	if err != nil {
		k.t.Fatal(err)
	}
	return goesOn(d, next)
}

// A second factor that goes with its address is told like any other that is removed, whoever takes the
// address away.
func TestS5_AFactorThatGoesWithItsAddressIsTold(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(k *kit, d *pool.Done) error{
		"an administrator": func(k *kit, _ *pool.Done) error {
			return k.admin().UpdateAttributes(k.t.Context(), pool.UpdateAttributesInput{
				ID: k.user(ada).ID, Attributes: user.Attributes{"phone_number": ""},
			})
		},
		"the owner, where the pool has no such codes any more": func(k *kit, d *pool.Done) error {
			k.put(func(s *pool.Settings) { s.MFA.Kinds = []mfa.Kind{mfa.KindTOTP} })
			return second(k.account(d).RemoveAddress(k.t.Context(), pool.RemoveAddressInput{Channel: message.SMS}))
		},
		"the link against a thief who has added it": func(k *kit, _ *pool.Done) error { return k.cancel(k.undo(ada, 2)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, k *kit) {
				k.put(func(s *pool.Settings) { s.MFA.Kinds = []mfa.Kind{mfa.KindSMS} })
				k.confirmed(ada)
				d := k.withTexts(k.done(ada))
				if err := take(k, d); err != nil {
					t.Fatal(err)
				}
				if has := k.user(ada).Factors.Has(); len(has) > 0 {
					t.Errorf("factors %v are left without an address", has)
				}
				if ms := k.got(ada, message.FactorRemoved); len(ms) != 1 || !strings.Contains(ms[0].Text, "SMS") {
					t.Errorf("told %+v, want it once", ms)
				}
			}, restores)
		})
	}
}
