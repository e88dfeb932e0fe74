package pool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// signedIn opens a pool with one user, who is signed in.
func signedIn(ctx context.Context) (*pool.Pool, *mailbox.Mailbox, *pool.Account) {
	box := mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box, CancelURL: "https://shop.example.com/not-me"})
	if err != nil {
		log.Fatal(err)
	}
	made := pool.CreateUserInput{
		Username: "ada@example.com", EmailVerified: true, Password: password.New("correct horse battery staple"), Permanent: true,
	}
	if _, err := p.Admin(pool.Actor{Name: "example"}).CreateUser(ctx, made); err != nil {
		log.Fatal(err)
	}
	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{Username: "ada@example.com", With: pool.Password{Value: made.Password}}))
	if err != nil {
		log.Fatal(err)
	}
	a, err := p.Account(ctx, done.Tokens.Access)
	if err != nil {
		log.Fatal(err)
	}
	return p, box, a
}

// A new address is proven by a code before it takes the place of the old one, which gets a link that
// undoes it.
func ExampleAccount_ChangeAddress() {
	ctx := context.Background()
	p, box, account := signedIn(ctx)
	defer p.Close(ctx)

	to, err := account.ChangeAddress(ctx, pool.ChangeAddressInput{To: "ada@lovelace.example"})
	if errors.Is(err, pool.ErrNeedsProof) { // the sign-in was a while ago: ask for the password, and give it as With
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a code went to", to.Destination)
	box.Wait(ctx, to.Destination, 1)

	in := pool.ConfirmAddressInput{Channel: to.Channel, Code: box.Code(to.Destination)}
	done, err := pool.Finished(account.ConfirmAddress(ctx, in)) // with new tokens: all sessions of before are over
	if err != nil {
		log.Fatal(err)
	}
	if account, err = p.Account(ctx, done.Tokens.Access); err != nil {
		log.Fatal(err)
	}
	profile, err := account.Get(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the address is", profile.Email)

	ms, _ := box.Wait(ctx, "ada@example.com", 1)
	_, link, _ := strings.Cut(ms[0].Text, "?link=")
	if err := p.CancelChange(ctx, pool.CancelInput{Link: link[:64]}); err != nil {
		log.Fatal(err)
	}
	_, err = account.Get(ctx)
	fmt.Println("after the link of the old address:", err)
	// Output:
	// a code went to ada@lovelace.example
	// the address is ada@lovelace.example
	// after the link of the old address: pool: not authorized
}

// Attributes are the user's own, as far as the schema and the app client let them.
func ExampleAccount_UpdateAttributes() {
	ctx := context.Background()
	p, _, account := signedIn(ctx)
	defer p.Close(ctx)

	err := account.UpdateAttributes(ctx, pool.ChangeAttributesInput{Attributes: user.Attributes{"name": "Ada", "nickname": ""}})
	fmt.Println(err)
	err = account.UpdateAttributes(ctx, pool.ChangeAttributesInput{Attributes: user.Attributes{"birthdate": "yesterday"}})
	fmt.Println(err)
	// Output:
	// <nil>
	// pool: invalid input: Attributes.birthdate has not the form of its kind
}

// Users see where they are signed in, and end the rest.
func ExampleAccount_EndOtherSessions() {
	ctx := context.Background()
	p, _, account := signedIn(ctx)
	defer p.Close(ctx)

	sessions, err := account.Sessions(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range sessions {
		fmt.Println(s.Kind, "of", s.Client, "this one:", s.This)
	}
	done, err := pool.Finished(account.EndOtherSessions(ctx, pool.EndOtherSessionsInput{
		With: pool.Password{Value: password.New("correct horse battery staple")},
	}))
	fmt.Println(done != nil, err)
	// Output:
	// grant of default this one: true
	// true <nil>
}

// A new password ends all other sessions; the acting one goes on with the tokens that come back.
func ExampleAccount_ChangePassword() {
	ctx := context.Background()
	p, _, account := signedIn(ctx)
	defer p.Close(ctx)

	done, err := pool.Finished(account.ChangePassword(ctx, pool.ChangePasswordInput{
		Old: password.New("correct horse battery staple"), New: password.New("a new horse, the old battery"),
	}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = account.Get(ctx)
	fmt.Println("with the token of before:", err)
	if account, err = p.Account(ctx, done.Tokens.Access); err != nil {
		log.Fatal(err)
	}
	profile, err := account.Get(ctx)
	fmt.Println(profile.Email, err)
	// Output:
	// with the token of before: pool: not authorized
	// ada@example.com <nil>
}

// Users take their data along, and leave.
func ExampleAccount_Delete() {
	ctx := context.Background()
	p, box, account := signedIn(ctx)
	defer p.Close(ctx)

	if err := account.Export(ctx, io.Discard, pool.ExportInput{}); err != nil {
		log.Fatal(err)
	}
	if err := account.Delete(ctx, pool.DeleteInput{}); err != nil {
		log.Fatal(err)
	}
	ms, _ := box.Wait(ctx, "ada@example.com", 1)
	fmt.Println(ms[0].Kind == message.AccountDeleted, ms[0].Subject)
	// Output:
	// true Your account is gone
}
