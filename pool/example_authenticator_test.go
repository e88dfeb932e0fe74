package pool_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// An authenticator app is shown a picture, and counts once it has shown a code. The recovery codes come
// with the first one: they are there this once.
func ExampleAccount_AddAuthenticator() {
	ctx := context.Background()
	p, _, account := signedIn(ctx)
	defer p.Close(ctx)

	setup, err := account.AddAuthenticator(ctx, pool.AddAuthenticatorInput{})
	if err != nil {
		log.Fatal(err)
	}
	picture, err := setup.QR()
	if err != nil {
		log.Fatal(err)
	}
	_ = picture.SVG("Scan this with your app") // show it, and setup.Seed.Text() beside it

	code := setup.Seed.Code(time.Now()) // as the app shows it
	step, err := account.ConfirmAuthenticator(ctx, pool.ConfirmAuthenticatorInput{Ticket: setup.Ticket, Code: code, Name: "phone"})
	done, err := pool.Finished(step, err)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(done.RecoveryCodes), "codes to write down")
	// Output:
	// 10 codes to write down
}

// Where a second factor is required, who has none sets one up within the sign-in: there are no tokens
// before that.
func ExampleNeedTOTPSetup() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Settings: &pool.Settings{MFA: pool.MFASettings{Require: mfa.Required}}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	secret := password.New("correct horse battery staple")
	made := pool.CreateUserInput{Username: "ada@example.com", EmailVerified: true, Password: secret, Permanent: true}
	if _, err := p.Admin(pool.Actor{Name: "example"}).CreateUser(ctx, made); err != nil {
		log.Fatal(err)
	}

	step, err := p.SignIn(ctx, pool.SignInInput{Username: "ada@example.com", With: pool.Password{Value: secret}})
	if err != nil {
		log.Fatal(err)
	}
	switch s := step.(type) {
	case *pool.NeedTOTPSetup: // show s.QR() and s.Seed.Text(), and ask for the code
		code := pool.Code{Value: s.Seed.Code(time.Now())}
		done, err := pool.Finished(p.Respond(ctx, pool.RespondInput{Ticket: s.Ticket, With: code}))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("signed in, with", len(done.RecoveryCodes), "recovery codes to write down")
	default:
		fmt.Println("not yet:", step.Kind())
	}
	// Output:
	// signed in, with 10 recovery codes to write down
}
