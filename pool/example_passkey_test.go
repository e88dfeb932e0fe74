package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// A passkey is made in an account, and signs in from then on: without a name and a password, and as two
// factors where it verified its user. The options go to the browser, and what that answers comes back.
func ExampleAccount_AddPasskey() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Passkeys: passkey.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	_, err = p.Admin(pool.Actor{Name: "setup"}).CreateUser(ctx, pool.CreateUserInput{
		Username: "ada@example.com", Password: password.New("a phrase of ada's own"), Permanent: true,
		Attributes: user.Attributes{"email": "ada@example.com"}, EmailVerified: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{
		Username: "ada@example.com", With: pool.Password{Value: password.New("a phrase of ada's own")},
	}))
	if err != nil {
		log.Fatal(err)
	}
	account, err := p.Account(ctx, done.Tokens.Access)
	if err != nil {
		log.Fatal(err)
	}

	device := passkeytest.New("http://localhost") // in production, a browser
	setup, err := account.AddPasskey(ctx, pool.AddPasskeyInput{})
	if err != nil {
		log.Fatal(err)
	}
	made, err := device.Create(setup.Options)
	if err != nil {
		log.Fatal(err)
	}
	_, err = account.ConfirmPasskey(ctx, pool.ConfirmPasskeyInput{
		Ticket: setup.Ticket, Passkey: pool.PasskeyAttestation{JSON: made, Name: "phone"},
	})
	if err != nil {
		log.Fatal(err)
	}

	step, err := p.SignIn(ctx, pool.SignInInput{With: pool.Choice{Kind: mfa.KindPasskey}})
	if err != nil {
		log.Fatal(err)
	}
	need := step.(*pool.NeedPasskey)
	proof, err := device.Get(need.Options)
	if err != nil {
		log.Fatal(err)
	}
	done, err = pool.Finished(p.Respond(ctx, pool.RespondInput{Ticket: need.Ticket, With: pool.PasskeyAssertion{JSON: proof}}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Tokens.Access.IsZero())
	// Output:
	// false
}
