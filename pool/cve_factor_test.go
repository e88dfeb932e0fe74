package pool_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Between two factors there is no session: the ticket of the step opens nothing, and nobody is listed as
// signed in (CVE class 2).
func TestCVE2_NoSessionBetweenTwoFactors(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.enrolled(ada)
		ticket := token.NewSecret(k.askedTOTP(ada))
		if _, err := k.Account(t.Context(), ticket); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("as an access token = %v, want ErrNotAuthorized", err)
		}
		if _, _, err := k.Session(t.Context(), ticket); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("as a cookie = %v, want ErrNotAuthorized", err)
		}
		if step, err := k.Refresh(t.Context(), pool.RefreshInput{Token: ticket}); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("as a refresh token = %v, %v, want ErrNotAuthorized", step, err)
		}
		page, err := k.store.Sessions(t.Context(), k.ID(), storage.SessionQuery{User: k.user(ada).ID, Now: k.clock.Now()})
		if err != nil || len(page.Sessions) > 0 {
			t.Errorf("stored are %+v, %v, want none", page.Sessions, err)
		}
	})
}

// How strong a session is, is what its proofs say that still hold: with the factor goes the level, at the
// next token and at once for the account (CVE class 3).
func TestCVE3_TheLevelGoesWithTheFactor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.doneTwice(ada, k.enrolled(ada))
		if c := k.verified(d); c.ACR != token.AAL2 {
			t.Fatalf("acr = %q by two factors", c.ACR)
		}
		k.change(ada, func(u *user.User) { u.Factors = nil }) // and nothing that revokes
		d, err := k.refresh(d)
		if err != nil {
			t.Fatal(err)
		}
		if c := k.verified(d); c.ACR != token.AAL1 {
			t.Errorf("acr = %q without the factor, want %q", c.ACR, token.AAL1)
		}
		if step, err := k.stepUp(d, token.AAL2, 0); !errors.Is(err, pool.ErrNoFactor) {
			t.Errorf("to aal2 = %v, %v, want ErrNoFactor", step, err)
		}
	})
}

// Whichever of the names of an account a guess is at, however it is written, it is one of five (CVE class
// 8).
func TestCVE8_NamesShareOneLock(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) {
		c.Settings = &pool.Settings{SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Email}}}
	})
	in := pool.CreateUserInput{
		Username: "ada", Attributes: user.Attributes{"email": ada}, EmailVerified: true, Password: right, Permanent: true,
	}
	if _, err := k.admin().CreateUser(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	names := []string{"ada", ada, "ADA", "Ada@Example.COM", "\uff41\uff44\uff41"} // the last is full width
	for _, name := range names {
		if _, err := k.signIn(name, right); err != nil {
			t.Fatalf("%q is none of theirs: %v", name, err)
		}
	}
	for _, name := range names {
		k.signIn(name, wrong)
	}
	for _, name := range names {
		if _, err := k.signIn(name, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%q after five guesses at five names = %v, want it locked", name, err)
		}
	}
}

// Of failures at once each is counted: five leave no more, whichever came in between (CVE class 66).
func TestCVE66_FailuresAtOnceAreAllCounted(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() { k.signInFrom(from(i), ada, wrong) })
		}
		wg.Wait()
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the right password after five = %v, want it locked", err)
		}
	})
}
