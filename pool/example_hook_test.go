package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage/memory"
)

// A shop whose own invitations prove addresses, and whose tokens say in which tenant somebody is.
func ExampleConfig_hooks() {
	hooks := hook.Set{
		PreSignUp: func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			invited := e.Metadata["invitation"] == "of the mail to "+e.Username
			return hook.PreSignUpAnswer{Confirm: invited, VerifyEmail: invited}, nil
		},
		PreTokenGeneration: func(_ context.Context, e hook.PreTokenGeneration) (hook.PreTokenGenerationAnswer, error) {
			tenant := hook.Claims{Add: map[string]any{"tenant": "acme", "seats": 3}}
			return hook.PreTokenGenerationAnswer{Access: tenant, AddScopes: []string{"orders"}}, nil
		},
	}
	ctx, secret := context.Background(), password.New("correct horse battery staple")
	p, err := pool.Open(ctx, memory.New(), pool.Config{Hooks: hooks})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	up, err := p.SignUp(ctx, pool.SignUpInput{
		Username: "ada@example.com", Password: secret,
		Metadata: map[string]string{"invitation": "of the mail to ada@example.com"},
	})
	if err != nil {
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
	fmt.Println(up.Confirmed, claims.Attributes["tenant"], string(claims.Values["seats"]), claims.Scope)
	// Output: true acme 3 [account orders]
}
