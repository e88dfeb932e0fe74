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

// A group gives its members permissions, with which they administer those below them.
func ExampleAccount_Admin() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Settings: &pool.Settings{
		SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username}},
		Groups: []pool.Group{
			{Name: "support", May: pool.MayReadUsers | pool.MayWriteUsers},
			{Name: "owners", May: pool.MayEverything},
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	secret := password.New("correct horse battery staple")
	ids := map[string]user.ID{}
	for name, groups := range map[string][]string{"ada": nil, "grace": {"support"}, "root": {"owners"}} {
		u, err := p.Admin(pool.Actor{Name: "setup"}).CreateUser(ctx, pool.CreateUserInput{
			Username: name, Password: secret, Permanent: true, Groups: groups,
		})
		if err != nil {
			log.Fatal(err)
		}
		ids[name] = u.ID
	}

	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{Username: "grace", With: pool.Password{Value: secret}}))
	if err != nil {
		log.Fatal(err)
	}
	account, err := p.Account(ctx, done.Tokens.Access)
	if err != nil {
		log.Fatal(err)
	}
	grace := account.Admin()
	fmt.Println(grace.Role(ctx))
	fmt.Println(grace.Disable(ctx, ids["ada"]))
	fmt.Println(errors.Is(grace.Disable(ctx, ids["root"]), pool.ErrForbidden))
	fmt.Println(errors.Is(grace.AddToGroup(ctx, ids["ada"], "owners"), pool.ErrForbidden))
	// Output:
	// read_users,write_users <nil>
	// <nil>
	// true
	// true
}

// Staff look at what a user sees. The tokens name them, and cannot be refreshed.
func ExampleAdmin_Impersonate() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	ada, err := p.Admin(pool.Actor{Name: "setup"}).CreateUser(ctx, pool.CreateUserInput{
		Username: "ada@example.com", EmailVerified: true,
		Password: password.New("correct horse battery staple"), Permanent: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	desk := p.Admin(pool.Actor{Name: "helpdesk/7"}).Only(pool.MayReadUsers | pool.MayImpersonate)
	done, err := desk.Impersonate(ctx, pool.ImpersonateInput{ID: ada.ID, Reason: "ticket 4711"})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := p.Verifier()
	if err != nil {
		log.Fatal(err)
	}
	claims, err := verifier.Verify(ctx, done.Tokens.Access.Reveal())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(claims.Subject == string(ada.ID), claims.Actor, done.Tokens.Refresh.IsZero())
	// Output: true helpdesk/7 true
}
