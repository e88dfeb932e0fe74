package pooltest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// Somebody waits for a code, and nobody for a notice: codes go first, however many notices came before.
func TestCodesGoBeforeNotices(t *testing.T) {
	t.Parallel()
	var sent []message.Kind
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{
		Sender: message.SenderFunc(func(_ context.Context, m message.Message) error {
			sent = append(sent, m.Kind) // one at a time: the chores of a kit run by hand
			return nil
		}),
	}))
	k.Person(ada)
	others := make([]*pooltest.Person, 8)
	for i := range others {
		others[i] = k.Person(fmt.Sprintf("p%d@example.com", i))
	}
	sent = nil
	for _, p := range others {
		account, err := k.Account(t.Context(), p.Tokens().Access)
		if err != nil {
			t.Fatal(err)
		}
		change := pool.ChangePasswordInput{Old: pooltest.Password, New: password.New("another horse, no staple")}
		if _, err := account.ChangePassword(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada}); err != nil {
		t.Fatal(err)
	}
	k.Clock.Advance(0)
	if len(sent) != 9 || sent[0] != message.ResetPassword {
		t.Errorf("sent %q, want the code first of 9", sent)
	}
}
