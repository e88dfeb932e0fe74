package pool_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/message/smtp"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
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

// A pool in production: a database file, a keyring beside it, a mail server, and an app that adds a
// row of its own to the commit in which a user first is somebody.
func ExampleOpen() {
	ctx := context.Background()
	ring, err := seal.File("userpool.keys") // made on first use; back it up, beside but outside the database
	if err != nil {
		log.Fatal(err)
	}
	mail, err := smtp.New(smtp.Config{
		Addr: "mail.example.com:587", From: "no-reply@example.com",
		Username: "shop", Password: password.New(os.Getenv("SMTP_PASSWORD")),
	})
	if err != nil {
		log.Fatal(err)
	}
	account := func(c storage.UserChange) []sqlite.Exec {
		if !c.Created() {
			return nil
		}
		return []sqlite.Exec{{SQL: `INSERT INTO accounts (user_id, plan) VALUES (?, 'free')`, Args: []any{string(c.User.ID)}}}
	}
	st, err := sqlite.Open(ctx, "shop.db", sqlite.Config{Also: account})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	p, err := pool.Open(ctx, st, pool.Config{Issuer: "https://id.example.com", Keys: ring, Sender: mail})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
}

// askForCode asks the visitor for the code that was sent.
func askForCode(pool.Delivery) string { return "123456" }

// askForPassword asks the visitor for a password of their own.
func askForPassword() password.Secret { return password.New("correct horse battery staple") }

// What may take more than one step returns a [pool.Step]. A step that the program does not know is
// refused, never let in.
func ExampleStep() {
	ctx, login, secret := context.Background(), "ada@example.com", password.New("correct horse battery staple")
	p, err := pool.Open(ctx, memory.New(), pool.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	step, err := p.SignIn(ctx, pool.SignInInput{Username: login, With: pool.Password{Value: secret}})
	for err == nil {
		switch s := step.(type) {
		case *pool.Done:
			fmt.Println("signed in for", s.Tokens.Lifetime)
			return
		case *pool.NeedConfirm: // the password was right, the address is not proven yet
			code := askForCode(s.Delivery)
			step, err = p.Respond(ctx, pool.RespondInput{Ticket: s.Ticket, With: pool.Code{Value: code}})
		case *pool.NeedNewPassword: // the password was right, and a temporary one
			own := pool.NewPassword{Value: askForPassword()}
			step, err = p.Respond(ctx, pool.RespondInput{Ticket: s.Ticket, With: own})
		default:
			err = fmt.Errorf("cannot do %s", s.Kind())
		}
	}
	fmt.Println(err)
	// Output: pool: not authorized
}
