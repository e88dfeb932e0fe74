package pool_test

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage/memory"
)

// A company whose staff carry hardware tokens, each with a key that the program knows: a challenge is a
// number that the token signs.
func ExampleConfig_challenge() {
	key := []byte("of the token in Ada's hand")
	signed := func(nonce string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(nonce))
		return hex.EncodeToString(mac.Sum(nil))
	}
	hooks := hook.Set{
		CreateChallenge: func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			nonce := rand.Text()
			return hook.CreateChallengeAnswer{
				Params: map[string]string{"nonce": nonce}, Private: map[string]string{"expected": signed(nonce)},
			}, nil
		},
		VerifyChallenge: func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
			return hmac.Equal([]byte(e.Answer), []byte(e.Private["expected"])), nil
		},
	}
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Hooks: hooks, Settings: &pool.Settings{
		MFA: pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindCustom}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	secret := password.New("correct horse battery staple")
	_, err = p.Admin(pool.Actor{Name: "setup"}).CreateUser(ctx, pool.CreateUserInput{
		Username: "ada@example.com", EmailVerified: true, Password: secret, Permanent: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	step, err := p.SignIn(ctx, pool.SignInInput{Username: "ada@example.com", With: pool.Password{Value: secret}})
	if err != nil {
		log.Fatal(err)
	}
	need, ok := step.(*pool.NeedCustom)
	if !ok {
		log.Fatalf("a step of kind %s", step.Kind())
	}
	for _, answer := range []string{"a guess", signed(need.Params["nonce"])} {
		_, err = pool.Finished(p.Respond(ctx, pool.RespondInput{Ticket: need.Ticket, With: pool.CustomAnswer{Value: answer}}))
		fmt.Println(err)
	}
	// Output:
	// pool: wrong code
	// <nil>
}
