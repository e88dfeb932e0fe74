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
