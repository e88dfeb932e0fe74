package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// Users sign in by a code that goes to their email address. Whoever else types it hears the same.
func ExampleChoice_passwordless() {
	ctx, box := context.Background(), mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box, Settings: &pool.Settings{
		SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindEmail, mfa.KindPassword}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	made := pool.CreateUserInput{
		Username: "ada@example.com", EmailVerified: true, Password: password.New("correct horse battery staple"), Permanent: true,
	}
	if _, err := p.Admin(pool.Actor{Name: "example"}).CreateUser(ctx, made); err != nil {
		log.Fatal(err)
	}

	step, err := p.SignIn(ctx, pool.SignInInput{Username: "ada@example.com", With: pool.Choice{Kind: mfa.KindEmail}})
	if err != nil {
		log.Fatal(err)
	}
	need := step.(*pool.NeedCode)
	fmt.Println("a code went by", need.Delivery.Channel, "to", need.Delivery.Destination)
	if _, err := box.Wait(ctx, "ada@example.com", 1); err != nil {
		log.Fatal(err)
	}
	code := pool.Code{Value: box.Code("ada@example.com")}
	done, err := pool.Finished(p.Respond(ctx, pool.RespondInput{Ticket: need.Ticket, With: code}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed in for", done.Tokens.Lifetime)

	// Output:
	// a code went by email to ada@example.com
	// signed in for 15m0s
}

// A user makes codes by SMS a second factor: one goes to the phone number that they have proven, and
// comes back.
func ExampleAccount_AddCodes() {
	ctx, box := context.Background(), mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box, Settings: &pool.Settings{
		MFA: pool.MFASettings{Kinds: []mfa.Kind{mfa.KindSMS}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	secret, number := password.New("correct horse battery staple"), "+4915112345678"
	made := pool.CreateUserInput{
		Username: "ada@example.com", EmailVerified: true, Password: secret, Permanent: true,
		Attributes: user.Attributes{"phone_number": number}, PhoneVerified: true,
	}
	if _, err := p.Admin(pool.Actor{Name: "example"}).CreateUser(ctx, made); err != nil {
		log.Fatal(err)
	}
	in := pool.SignInInput{Username: "ada@example.com", With: pool.Password{Value: secret}}
	done, err := pool.Finished(p.SignIn(ctx, in))
	if err != nil {
		log.Fatal(err)
	}
	account, err := p.Account(ctx, done.Tokens.Access)
	if err != nil {
		log.Fatal(err)
	}

	need, err := account.AddCodes(ctx, pool.AddCodesInput{By: mfa.KindSMS})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a code went to", need.Delivery.Destination)
	if _, err := box.Wait(ctx, number, 1); err != nil {
		log.Fatal(err)
	}
	confirm := pool.ConfirmCodesInput{By: mfa.KindSMS, Ticket: need.Ticket, Code: box.Code(number)}
	if done, err = pool.Finished(account.ConfirmCodes(ctx, confirm)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(done.RecoveryCodes), "recovery codes")
	step, err := p.SignIn(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signing in takes one, by", step.(*pool.NeedCode).By)

	// Output:
	// a code went to +*********5678
	// 10 recovery codes
	// signing in takes one, by sms
}
