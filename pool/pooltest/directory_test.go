package pooltest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/user"
)

// The clock of a directory does what is due in all pools: mail goes out, keys follow each other, and
// a deleted pool is erased.
func TestDirectory(t *testing.T) {
	t.Parallel()
	d := pooltest.NewDirectory(t, nil, pool.DirectoryConfig{})
	operator := pool.Actor{Name: "operator"}
	var keys []string
	for _, id := range []user.PoolID{"acme", "bolt"} {
		p, err := d.Create(t.Context(), operator, id, "http://localhost/"+string(id), pool.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		login := string(id) + "@example.com"
		up, err := p.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: pooltest.Password})
		if err != nil {
			t.Fatal(err)
		}
		code := pool.CodeInput{Ticket: up.Ticket, Code: d.Mail.Code(login)}
		if _, err := pool.Finished(p.ConfirmSignUp(t.Context(), code)); err != nil && !errors.Is(err, pool.ErrUnfinished) {
			t.Fatal(err)
		}
		keys = append(keys, string(p.JWKS()))
	}
	d.Clock.Advance(91 * 24 * time.Hour)
	for i, id := range []user.PoolID{"acme", "bolt"} {
		p, err := d.Pool(t.Context(), id)
		if err != nil || string(p.JWKS()) == keys[i] {
			t.Errorf("keys of %s did not follow each other: %v", id, err)
		}
	}
	if err := d.Delete(t.Context(), operator, "acme"); err != nil {
		t.Fatal(err)
	}
	d.Clock.Advance(0)
	if _, err := d.Pool(t.Context(), "acme"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("Pool = %v, want ErrNotFound", err)
	}
}
