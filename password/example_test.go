package password_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/password"
)

// A policy tells all that is wrong with a password at once.
func ExamplePolicy_Check() {
	policy := password.Policy{MinLength: 12, RequireNumbers: true}
	err := policy.Check(password.New("Dragon!"), password.Facts{Words: []string{"ada@example.com", "Orchard"}})
	if broken, ok := errors.AsType[*password.PolicyError](err); ok {
		for _, v := range broken.Violations {
			fmt.Println(v.Rule, v.Min)
		}
	}
	// Output:
	// length 12
	// numbers 0
	// common 0
}

// All hashes of a process go through one door, which is told for whom they are.
func ExampleHasher_For() {
	ctx, door := context.Background(), password.NewHasher(0)
	from := password.From{Pool: "shop", Source: "192.0.2.0/24", Account: "ada@example.com"}
	h, err := door.For(from).Hash(ctx, password.Default(), password.New("correct horse battery"))
	if err != nil {
		fmt.Println(err)
		return
	}
	ok, err := door.For(from).Verify(ctx, h, password.New("incorrect horse battery"), password.FormNFC)
	if busy, full := errors.AsType[*password.BusyError](err); full {
		fmt.Println("come again in", busy.RetryAfter)
		return
	}
	fmt.Println(ok, err)
	// Output: false <nil>
}

// A changed password may not be one of the last five. That costs hashes, so it goes through the
// door.
func ExampleHasher_Used() {
	ctx, door := context.Background(), password.NewHasher(0)
	typed := password.New("correct horse battery")
	last, err := door.Hash(ctx, password.Default(), typed)
	if err != nil {
		fmt.Println(err)
		return
	}
	policy := password.Policy{History: 5}
	fmt.Println(policy.Check(typed, password.Facts{Used: func(s password.Secret) (bool, error) {
		return door.Used(ctx, []password.Hash{last}, s)
	}}))
	// Output: password: not one that may be chosen: it breaks history
}
