package pool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/user"
)

// fullyKeyed gives ada as many passkeys as there may be, of the longest ids that fit.
func (k *kit) fullyKeyed() {
	k.t.Helper()
	k.change(ada, func(u *user.User) {
		u.Factors = &user.Factors{Handle: make([]byte, 64)}
		for i := range user.MaxPasskeys {
			u.Factors.Passkeys = append(u.Factors.Passkeys, mfa.Passkey{
				ID: bytes.Repeat([]byte{byte(i)}, 1023), PublicKey: make([]byte, 77), Model: make([]byte, 16),
				Transports: []string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}, Created: start, Verified: true,
			})
		}
	})
}

// largest asks as many challenges as a program may, of the largest parameters, which are made of a text.
func largest(of string) hook.Set {
	private := map[string]string{"answer": "wombat", "rest": strings.Repeat(of, (4096-16)/len(of))}
	return hook.Set{
		DefineChallenge: func(_ context.Context, e hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
			if len(e.Asked) == hook.MaxChallenges {
				return hook.DefineChallengeAnswer{Enough: true}, nil
			}
			return hook.DefineChallengeAnswer{Name: strings.Repeat("<", 64)}, nil
		},
		CreateChallenge: func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			return hook.CreateChallengeAnswer{Params: private, Private: private}, nil
		},
		VerifyChallenge: func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
			return e.Answer == e.Private["answer"] && maps.Equal(e.Private, private), nil
		},
	}
}

// TestS8_LargestChallenges: all that a program may ask has room, whatever it is made of and whoever is
// asked: the right password is answered with the challenge, and not with a failure that counts nothing.
func TestS8_LargestChallenges(t *testing.T) {
	t.Parallel()
	nobody := strings.Repeat("a", 64) + "@" + strings.Repeat(strings.Repeat("b", 60)+".", 3) + "exampl"
	for _, of := range []string{"a", "<", "\x01", "\u2028"} {
		first := open(t, passkeys, byChallenge(largest(of)), func(c *pool.Config) {
			c.Settings.SignIn.First = append(c.Settings.SignIn.First, mfa.KindPasskey)
		})
		first.confirmed(ada)
		first.fullyKeyed()
		second := open(t, challenges(largest(of)))
		second.confirmed(ada)
		for _, asked := range []struct {
			k      *kit
			ticket string
			ends   error
		}{
			{first, first.riddle(nobody).Ticket, pool.ErrBadCode},
			{first, first.riddle(ada).Ticket, nil},
			{second, second.challenged(ada).Ticket, nil},
		} {
			for range hook.MaxChallenges - 1 {
				if _, err := asked.k.replies(asked.ticket, "wombat"); err != nil {
					t.Fatalf("%q: %v, want another challenge", of, err)
				}
			}
			if _, err := pool.Finished(asked.k.replies(asked.ticket, "wombat")); !errors.Is(err, asked.ends) {
				t.Errorf("%q: in the end %v, want %v", of, err, asked.ends)
			}
		}
	}
}

// TestS17_ManyLongPasskeys: who has as many passkeys as there may be, of the longest ids, is asked for as
// many of them as there is room for, the newest, by each way to them, and signs in otherwise too.
func TestS17_ManyLongPasskeys(t *testing.T) {
	t.Parallel()
	k := open(t, passkeys)
	k.confirmed(ada)
	k.fullyKeyed()
	step, err := k.start(ada, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range []*pool.NeedPasskey{
		k.byPasskey(ada), k.wants(k.answer(step.(*pool.NeedChoice).Ticket, pool.Choice{Kind: mfa.KindPasskey})),
	} {
		var asks struct{ AllowCredentials []struct{ ID string } }
		if err := json.Unmarshal(need.Options, &asks); err != nil || len(asks.AllowCredentials) != 3 || !strings.HasPrefix(asks.AllowCredentials[2].ID, "ExMT") {
			t.Errorf("asked for %.200s, %v, want the newest three", need.Options, err)
		}
	}
}
