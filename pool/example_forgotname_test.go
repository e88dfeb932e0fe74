package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// Whoever has forgotten their user name has it sent to their address; the answer is the same for an
// address that nobody has.
func ExamplePool_ForgotUsername() {
	ctx, box := context.Background(), mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box, Settings: &pool.Settings{
		SignIn:   pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Email, pool.PreferredUsername}},
		SignUp:   pool.SignUpSettings{Verifies: []pool.Identifier{pool.Email}},
		Recovery: pool.RecoverySettings{By: []pool.Identifier{pool.Email}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	_, err = p.Admin(pool.Actor{Name: "root"}).CreateUser(ctx, pool.CreateUserInput{
		Username: "Countess", EmailVerified: true, Suppress: true,
		Attributes: user.Attributes{"email": "ada@example.com", "preferred_username": "Lovelace"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, address := range []string{"nobody@example.com", "ada@example.com"} {
		to, err := p.ForgotUsername(ctx, pool.ForgotUsernameInput{Address: address})
		fmt.Println(to.Channel, to.Destination, err)
	}
	ms, err := box.Wait(ctx, "ada@example.com", 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ms[0].Subject)

	// Output:
	// email nobody@example.com <nil>
	// email ada@example.com <nil>
	// Your user name
}
