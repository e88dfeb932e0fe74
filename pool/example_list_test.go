package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// Administrators find users by what they sign in by, by attributes that the schema declares
// searchable, and by group.
func ExampleAdmin_ListUsers() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: mailbox.New(), Settings: &pool.Settings{
		SignIn:     pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username}},
		Attributes: user.Schema{{Name: "custom:plan", Searchable: true}},
		Groups:     []pool.Group{{Name: "editors"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	admin := p.Admin(pool.Actor{Name: "helpdesk"})
	for name, plan := range map[string]string{"ada": "gold", "adam": "free", "eve": "gold plus"} {
		_, err := admin.CreateUser(ctx, pool.CreateUserInput{
			Username: name, Attributes: user.Attributes{"custom:plan": plan}, Groups: []string{"editors"},
			Password: password.New("a phrase of " + name + "'s own"), Permanent: true,
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	for _, f := range []pool.Filter{
		{Attribute: "username", Value: "ada", Prefix: true},
		{Attribute: "custom:plan", Value: "gold"},
	} {
		page, err := admin.ListUsers(ctx, pool.UserQuery{Filter: f, Group: "editors"})
		if err != nil {
			log.Fatal(err)
		}
		for _, u := range page.Users {
			fmt.Println(f.Attribute, u.Username)
		}
	}
	n, err := admin.CountUsers(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n, "users")
	// Output:
	// username ada
	// username adam
	// custom:plan ada
	// 3 users
}

// Groups that administrators make are kept in the store. Who was in one that is deleted is in no
// later one of its name.
func ExampleAdmin_CreateGroup() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: mailbox.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	admin := p.Admin(pool.Actor{Name: "root"})
	for _, g := range []pool.Group{
		{Name: "readers"},
		{Name: "editors", Description: "May change pages.", Precedence: new(1)},
	} {
		if err := admin.CreateGroup(ctx, g); err != nil {
			log.Fatal(err)
		}
	}
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range groups {
		fmt.Println(g.Name)
	}
	if err := admin.DeleteGroup(ctx, "readers"); err != nil {
		log.Fatal(err)
	}
	groups, err = admin.ListGroups(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(groups))
	// Output:
	// editors
	// readers
	// 1
}
