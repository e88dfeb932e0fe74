package hosted

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/web"
)

// stepUpForm carries on what a guard asks for ([web.Config].StepUpPath). It is the visitor's to change,
// and worth nothing: the guard judges what came of it.
func stepUpForm(pool.Settings) []field {
	return []field{{Name: "acr_values", Type: "hidden"}, {Name: "max_age", Type: "hidden"}}
}

// mayStepUp takes who is not signed in to where they can, and from there to where they were going.
func (v *visit) mayStepUp() *outcome {
	if v.signedIn() {
		return nil
	}
	return &outcome{to: signInPage, flow: flow{Next: v.next()}, err: pool.ErrNotAuthorized}
}

// stepUp asks who is signed in for what their session lacks. What comes of it takes its place.
func (v *visit) stepUp(ctx context.Context) outcome {
	account, err := v.sessions.Account(v.r)
	if err != nil {
		return outcome{err: err}
	}
	var seconds int64
	if age := v.in["max_age"]; age != "" {
		if seconds, err = strconv.ParseInt(age, 10, 32); err != nil {
			return outcome{err: &pool.ValidationError{Fields: []pool.FieldError{{Field: "MaxAge", Reason: "must be seconds"}}}}
		}
	}
	v.flow.Login = web.User(v.r.Context()).Username
	return v.then(account.StepUp(ctx, pool.StepUpInput{
		ACR: v.in["acr_values"], MaxAge: time.Duration(seconds) * time.Second, Caller: v.caller(),
	}))
}

// proveAnew leads to the step-up, and from there back to a page of one's own, where an act needs a
// sign-in that is fresh.
func (v *visit) proveAnew(page string) string {
	q := url.Values{nextField: {v.path(page)}}
	q.Set("max_age", strconv.FormatInt(int64(freshness(v.settings)/time.Second), 10))
	return v.path(stepUpPage) + "?" + q.Encode()
}

// freshness is how long ago a sign-in that is fresh may have been. Who is asked has some time to act.
func freshness(s pool.Settings) time.Duration { return max(s.Sessions.Fresh/2, time.Second) }
