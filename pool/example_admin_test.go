package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// An administrator makes a user, who is invited by mail, and shuts them out again.
func ExampleAdmin() {
	ctx, box := context.Background(), mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box, Settings: &pool.Settings{
		SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Email}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	admin := p.Admin(pool.Actor{Name: "helpdesk"})
	made, err := admin.CreateUser(ctx, pool.CreateUserInput{
		Username: "Countess", Attributes: user.Attributes{"email": "ada@example.com", "name": "Ada"}, EmailVerified: true,
		Password: password.New("until tomorrow, 1843"), // leave it out, and one is made
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made.Username, made.Status)
	mails, err := box.Wait(ctx, "ada@example.com", 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(mails[0].Subject)

	step, err := p.SignIn(ctx, pool.SignInInput{Username: "countess", With: pool.Password{Value: password.New("until tomorrow, 1843")}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(step.Kind())

	if err := admin.Disable(ctx, made.ID); err != nil {
		log.Fatal(err)
	}
	found, err := admin.FindUser(ctx, "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.ID == made.ID, found.Disabled)
	err = admin.ConfirmSignUp(ctx, pool.ConfirmUserInput{ID: made.ID}) // who has not signed up
	fmt.Println(errors.Is(err, pool.ErrNotAllowed))
	// Output:
	// Countess force_change_password
	// Your account
	// new_password
	// true true
	// true
}
