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

// An administrator closes the sign-up of a running pool. Where somebody else changes the settings
// at the same time, theirs are read and the change is made to them.
func ExampleAdmin_PutSettings() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: mailbox.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	admin := p.Admin(pool.Actor{Name: "root"})

	for {
		s, version, err := admin.Settings(ctx)
		if err != nil {
			log.Fatal(err)
		}
		s.SignUp.Closed = true
		if err = admin.PutSettings(ctx, s, version); err == nil {
			break
		}
		if !errors.Is(err, pool.ErrStale) {
			log.Fatal(err)
		}
	}
	in := pool.SignUpInput{Username: "ada@example.com", Password: password.New("correct horse battery staple")}
	_, err = p.SignUp(ctx, in)
	fmt.Println(err)
	// Output: pool: not authorized
}

// Before settings are changed an administrator asks whom they would affect.
func ExampleAdmin_Plan() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: mailbox.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	admin := p.Admin(pool.Actor{Name: "root"})
	in := pool.CreateUserInput{Username: "ada@example.com", EmailVerified: true}
	if _, err := admin.CreateUser(ctx, in); err != nil {
		log.Fatal(err)
	}

	s, _, err := admin.Settings(ctx)
	if err != nil {
		log.Fatal(err)
	}
	s.Attributes = append(s.Attributes, user.Attribute{Name: "name", Required: true})
	s.SignIn.Identifiers = []pool.Identifier{pool.Phone}
	plan, err := admin.Plan(ctx, s)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range plan.Affected {
		fmt.Println(a.Effect, a.Name, a.Users)
	}
	// Output:
	// lacks_attribute name 1
	// locked_out  1
}
