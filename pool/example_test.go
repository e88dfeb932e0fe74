package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// The journey of one user, in memory: what a program's own tests look like.
func Example() {
	ctx := context.Background()
	box := mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	secret := password.New("correct horse battery staple")

	up, err := p.SignUp(ctx, pool.SignUpInput{Username: "ada@example.com", Password: secret})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := box.Wait(ctx, "ada@example.com", 1); err != nil {
		log.Fatal(err)
	}
	if _, err := p.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: box.Code("ada@example.com")}); err != nil {
		log.Fatal(err)
	}
	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{Username: "ada@example.com", With: pool.Password{Value: secret}}))
	if err != nil {
		log.Fatal(err)
	}
	v, err := p.Verifier()
	if err != nil {
		log.Fatal(err)
	}
	claims, err := v.Verify(ctx, done.Tokens.Access.Reveal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Username, claims.Scope)
	// Output: ada@example.com [account]
}
