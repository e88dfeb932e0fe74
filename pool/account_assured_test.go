package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// How somebody has signed in is what their token says, and their browser session. Neither a refresh nor
// the use of the session makes it newer.
func TestT2_AssuredByTheSignIn(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	tokens, cookie := k.done(ada), k.browse(ada)
	for name, account := range map[string]func() *pool.Account{
		"token": func() *pool.Account { return k.account(tokens) }, "cookie": func() *pool.Account { return k.opens(cookie) },
	} {
		a := account()
		for _, acr := range []string{"", token.AAL1} {
			if err := a.Assured(acr, time.Minute); err != nil {
				t.Errorf("%s: %q at once: %v", name, acr, err)
			}
		}
		stepsUp(t, name+": two factors", a.Assured(token.AAL2, 0), token.AAL2, 0)
		stepsUp(t, name+": two new factors", a.Assured(token.AAL2, time.Hour), token.AAL2, time.Hour)
		for _, acr := range []string{"aal3", "AAL1", " ", "pwd"} {
			forbidden(t, name+": acr "+acr, a.Assured(acr, 0))
		}
		forbidden(t, name+": a negative age", a.Assured("", -1))
	}
	old := k.opens(cookie)
	k.clock.advance(10*time.Minute + time.Second)
	stepsUp(t, "an account that was held", old.Assured("", 10*time.Minute), "", 10*time.Minute)
	stepsUp(t, "a cookie that is used", k.opens(cookie).Assured("", 10*time.Minute), "", 10*time.Minute)
	next, err := pool.Finished(k.Refresh(t.Context(), pool.RefreshInput{Token: tokens.Tokens.Refresh}))
	if err != nil {
		t.Fatal(err)
	}
	stepsUp(t, "a token that was refreshed", k.account(next).Assured(token.AAL1, 10*time.Minute), token.AAL1, 10*time.Minute)
}

// stepsUp fails the test unless err asks for a sign-in.
func stepsUp(t *testing.T, what string, err error, acr string, age time.Duration) {
	t.Helper()
	if e, ok := errors.AsType[*token.StepUpError](err); !ok || e.ACR != acr || e.MaxAge != age {
		t.Errorf("%s: %v, want a step up to %q within %v", what, err, acr, age)
	}
}

func forbidden(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, pool.ErrForbidden) {
		t.Errorf("%s: %v, want ErrForbidden", what, err)
	}
}

// An administrator who acts as the user has shown nothing of the user's.
func TestS6_ActorsAreNotAssured(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for _, browser := range []bool{false, true} {
		a, err := k.entered(k.acting(ada, browser))
		if err != nil {
			t.Fatal(err)
		}
		forbidden(t, "an age", a.Assured("", time.Hour))
		forbidden(t, "one factor", a.Assured(token.AAL1, 0))
		forbidden(t, "two", a.Assured(token.AAL2, 0))
		if err := a.Assured("", 0); err != nil {
			t.Errorf("nothing: %v", err)
		}
	}
}
