package hook_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage/memory"
)

// A pool that takes only people of one company.
func Example() {
	errStaff := errors.New("staff only")
	staff := func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
		if !strings.HasSuffix(e.Username, "@example.com") {
			return hook.PreSignUpAnswer{}, errStaff
		}
		return hook.PreSignUpAnswer{}, nil
	}
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Hooks: hook.Set{PreSignUp: staff}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	secret := password.New("correct horse battery staple")
	_, err = p.SignUp(ctx, pool.SignUpInput{Username: "eve@example.net", Password: secret})
	fmt.Println(errors.Is(err, errStaff))
	_, err = p.SignUp(ctx, pool.SignUpInput{Username: "ada@example.com", Password: secret})
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

// A pool that lets its administrators in from where they have been before, and nobody else as them.
func ExampleSet_assessRisk() {
	strict := func(_ context.Context, e hook.AssessRisk) (hook.Risk, error) {
		if strings.HasPrefix(e.Username, "root@") && e.NewNetwork {
			return hook.HighRisk, nil
		}
		return e.Risk, nil
	}
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{
		Hooks:    hook.Set{AssessRisk: strict},
		Settings: &pool.Settings{Risk: pool.RiskSettings{High: pool.RiskBlock}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	secret := password.New("correct horse battery staple")
	for _, login := range []string{"ada@example.com", "root@example.com"} {
		in := pool.CreateUserInput{Username: login, EmailVerified: true, Password: secret, Permanent: true}
		if _, err := p.Admin(pool.Actor{Name: "setup"}).CreateUser(ctx, in); err != nil {
			log.Fatal(err)
		}
		_, err := p.SignIn(ctx, pool.SignInInput{Username: login, With: pool.Password{Value: secret}})
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// pool: not authorized
}
