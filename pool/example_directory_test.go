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

// A program serves many customers, each with a pool of its own: made while it runs, and found by the
// host of a request, which is that of the pool's issuer.
func ExampleOpenDirectory() {
	ctx := context.Background()
	dir, err := pool.OpenDirectory(ctx, memory.New(), pool.DirectoryConfig{Config: pool.Config{Sender: mailbox.New()}})
	if err != nil {
		log.Fatal(err)
	}
	defer dir.Close(ctx)
	operator := pool.Actor{Name: "provisioner"}
	for _, id := range []string{"acme", "bolt"} {
		// In production the issuer is such as https://acme.id.example.com.
		if _, err := dir.Create(ctx, operator, user.PoolID(id), "http://localhost/"+id, pool.Settings{}); err != nil {
			log.Fatal(err)
		}
	}

	acme, err := dir.ByIssuer(ctx, "http://localhost/acme")
	if err != nil {
		log.Fatal(err)
	}
	in := pool.CreateUserInput{
		Username: "ada@example.com", EmailVerified: true, Permanent: true,
		Password: password.New("correct horse battery staple"),
	}
	if _, err := acme.Admin(operator).CreateUser(ctx, in); err != nil {
		log.Fatal(err)
	}
	for _, id := range []string{"acme", "bolt"} {
		p, err := dir.Pool(ctx, user.PoolID(id))
		if err != nil {
			log.Fatal(err)
		}
		_, err = p.SignIn(ctx, pool.SignInInput{Username: in.Username, With: pool.Password{Value: in.Password}})
		fmt.Println(p.ID(), err)
	}
	// Output:
	// acme <nil>
	// bolt pool: not authorized
}

// Pools are listed page by page, whether or not they can be served, and a deleted one is gone for good.
func ExampleDirectory_Pools() {
	ctx := context.Background()
	dir, err := pool.OpenDirectory(ctx, memory.New(), pool.DirectoryConfig{Config: pool.Config{Sender: mailbox.New()}})
	if err != nil {
		log.Fatal(err)
	}
	defer dir.Close(ctx)
	operator := pool.Actor{Name: "operator"}
	for _, id := range []user.PoolID{"acme", "bolt", "cord"} {
		if _, err := dir.Create(ctx, operator, id, "http://localhost/"+string(id), pool.Settings{}); err != nil {
			log.Fatal(err)
		}
	}
	if err := dir.Delete(ctx, operator, "bolt"); err != nil { // refused under Settings.DeletionProtection
		log.Fatal(err)
	}

	q := pool.PoolQuery{Limit: 1}
	for {
		page, err := dir.Pools(ctx, operator, q)
		if err != nil {
			log.Fatal(err)
		}
		for _, info := range page.Pools {
			fmt.Println(info.ID, info.Issuer, info.Users)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	_, err = dir.Create(ctx, operator, "bolt", "http://localhost/new", pool.Settings{})
	fmt.Println(err)
	// Output:
	// acme http://localhost/acme 0
	// cord http://localhost/cord 0
	// pool: already exists: a pool has, or had, the id "bolt"
}
