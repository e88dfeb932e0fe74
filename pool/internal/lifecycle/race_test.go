package lifecycle_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
)

const origin = "http://localhost"

var known = pool.Password{Value: password.New("correct horse battery staple")}

// racing are two processes on one store, with one mailbox, for which time stands still.
type racing struct {
	pools []*pool.Pool
	box   *mailbox.Mailbox
	now   time.Time
}

func racers(t *testing.T, st storage.Store) *racing {
	t.Helper()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	r := &racing{box: mailbox.New(), now: time.Now()}
	ctx := t.Context()
	for range 2 {
		p, err := pool.Open(ctx, st, pool.Config{
			Keys: ring, Sender: r.box, Passkeys: passkey.New(), Hooks: asking(),
			InsecureHash: &password.Params{Memory: 8, Time: 1, Threads: 1}, Now: func() time.Time { return r.now },
			Settings: &pool.Settings{
				SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindPassword, mfa.KindPasskey, mfa.KindEmail, mfa.KindCustom}},
				MFA:    pool.MFASettings{Kinds: []mfa.Kind{mfa.KindTOTP, mfa.KindPasskey, mfa.KindEmail}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close(context.WithoutCancel(ctx)) })
		r.pools = append(r.pools, p)
	}
	return r
}

// asking are hooks whose challenge is to repeat a word.
func asking() hook.Set {
	return hook.Set{
		CreateChallenge: func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			word := map[string]string{"say": rand.Text()}
			return hook.CreateChallengeAnswer{Params: word, Private: word}, nil
		},
		VerifyChallenge: func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
			return e.Answer == e.Private["say"], nil
		},
	}
}
