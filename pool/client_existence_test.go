package pool_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/userpool-go/userpool/pool"
)

// A client that is told who has an account is told, and each answer is counted; the client beside it
// learns as little as ever (security.md T7).
func TestT7_InsecureTellExistence(t *testing.T) {
	t.Parallel()
	const nobody = "nobody@example.com"
	calls := map[string]struct {
		call          func(k *kit, client, login string) error
		unknown, some error // what the client is told of nobody, and of somebody
	}{
		"sign in": {func(k *kit, c, login string) error {
			return second(k.SignIn(t.Context(), pool.SignInInput{Client: c, Username: login, With: pool.Password{Value: wrong}}))
		}, pool.ErrNotFound, pool.ErrNotAuthorized},
		"forgot": {func(k *kit, c, login string) error {
			return second(k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Client: c, Username: login}))
		}, pool.ErrNotFound, nil},
		"sign up": {func(k *kit, c, login string) error {
			return second(k.SignUp(t.Context(), pool.SignUpInput{Client: c, Username: login, Password: right}))
		}, nil, pool.ErrLoginTaken},
	}
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, apps(pool.Client{ID: "web"}, pool.Client{ID: "leaky", InsecureTellExistence: true}))
			k.permanent(ada)
			for login, want := range map[string]error{nobody: tt.unknown, ada: tt.some} {
				k.store.reset()
				if err := tt.call(k, "leaky", login); !errors.Is(err, want) {
					t.Errorf("%s = %v, want %v", login, err, want)
				}
				if _, commits := k.store.counted(); kinds(commits)["Count"] == 0 {
					t.Errorf("%s: nothing was counted: %v", login, kinds(commits))
				}
			}
			var told [2]string
			for i, login := range []string{"eve@example.com", ada} {
				k := open(t, apps(pool.Client{ID: "web"}, pool.Client{ID: "leaky", InsecureTellExistence: true}))
				k.permanent(ada)
				k.store.reset()
				before := k.Hashes()
				err := tt.call(k, "web", login)
				reads, commits := k.store.counted()
				told[i] = fmt.Sprint(err, k.Hashes()-before, reads, kinds(commits))
			}
			if told[0] != told[1] {
				t.Errorf("the other client is told\n%s\nof nobody and\n%s\nof somebody", told[0], told[1])
			}
		})
	}
	k := open(t, apps(pool.Client{ID: "leaky", InsecureTellExistence: true}))
	for n := range 101 {
		err := second(k.signIn(fmt.Sprintf("guess%d@example.com", n), wrong))
		if want := []error{pool.ErrNotFound, pool.ErrLimited}[n/100]; !errors.Is(err, want) {
			t.Fatalf("question %d = %v, want %v", n, err, want)
		}
	}
}
