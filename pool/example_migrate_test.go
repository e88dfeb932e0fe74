package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// Users of an old system come over as they sign in, and keep their passwords: it is asked once about
// each, and may be shut down when nobody comes any more.
func ExampleConfig_migration() {
	ask := func(_ context.Context, e hook.MigrateUser) (hook.MigrateUserAnswer, error) {
		fmt.Println("asked about", e.Username) // which is where the old system would be called
		if e.Username != "ada@example.com" || e.Password.Reveal() != "qwerty" {
			return hook.MigrateUserAnswer{}, nil
		}
		return hook.MigrateUserAnswer{
			Found: true, EmailVerified: true, Attributes: user.Attributes{"name": "Ada Lovelace"},
		}, nil
	}
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Hooks: hook.Set{MigrateUser: ask}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	for range 2 {
		with := pool.Password{Value: password.New("qwerty")}
		done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{Username: "ada@example.com", With: with}))
		if err != nil {
			log.Fatal(err)
		}
		a, err := p.Account(ctx, done.Tokens.Access)
		if err != nil {
			log.Fatal(err)
		}
		me, err := a.Get(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(me.Attributes["name"])
	}
	// Output:
	// asked about ada@example.com
	// Ada Lovelace
	// Ada Lovelace
}
