package hosted

import (
	"context"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/web"
)

func (v *visit) signIn(ctx context.Context) outcome {
	switch fields := v.page.fields(v.settings); len(fields) {
	case 0:
		return v.begin(ctx, pool.Choice{Kind: mfa.KindPasskey})
	case 1:
		return v.begin(ctx, nil)
	}
	return v.then(v.pool.SignIn(ctx, pool.SignInInput{
		Client: v.config.Client, Username: v.in["username"],
		With: pool.Password{Value: password.New(v.in["password"])}, Caller: v.caller(),
	}))
}

// password answers the step that asks for one.
func (v *visit) password(ctx context.Context) outcome {
	return v.then(v.pool.Respond(ctx, pool.RespondInput{
		Ticket: v.flow.Ticket, With: pool.Password{Value: password.New(v.in["password"])}, Caller: v.caller(),
	}))
}

// newPassword takes the place of a temporary one.
func (v *visit) newPassword(ctx context.Context) outcome {
	return v.then(v.pool.Respond(ctx, pool.RespondInput{
		Ticket: v.flow.Ticket, With: pool.NewPassword{Value: password.New(v.in["new_password"])}, Caller: v.caller(),
	}))
}

func (v *visit) signOut(context.Context) outcome {
	if err := v.sessions.End(v.w, v.r); err != nil {
		return outcome{err: err}
	}
	for _, f := range v.flows(v.r) {
		if f.Codes != nil {
			v.drop(v.w, f.id)
		}
	}
	v.renew()
	return outcome{to: signInPage, flow: flow{Notice: "signed_out"}, kind: "signed_out"}
}

// alreadyIn takes who is signed in to where they were going, rather than ask them to sign in again.
func (v *visit) alreadyIn() *outcome {
	if !v.signedIn() || v.flow.id != "" || v.mustBeAnew() {
		return nil
	}
	return &outcome{leave: v.next()}
}

// mustBeAnew reports whether a guard has sent the visitor, whom it would send again: web.Config's
// StepUpPath.
func (v *visit) mustBeAnew() bool {
	q := v.r.URL.Query()
	return q.Has("max_age") || q.Has("acr_values")
}

// mustBeIn takes who is not signed in to where they can.
func (v *visit) mustBeIn() *outcome {
	if v.signedIn() {
		return nil
	}
	return &outcome{to: signInPage, flow: flow{Next: v.path(v.page.name)}, err: pool.ErrNotAuthorized}
}

func (v *visit) signedIn() bool { return web.User(v.r.Context()).ID != "" }

// enter begins the session of a sign-in that has ended.
func (v *visit) enter(done *pool.Done) outcome {
	if err := v.sessions.Start(v.w, v.r, done); err != nil {
		return outcome{err: err}
	}
	v.renew()
	if len(done.RecoveryCodes) > 0 {
		return outcome{to: codesPage, flow: flow{Codes: done.RecoveryCodes, Next: v.flow.Next}, step: done}
	}
	return outcome{leave: v.next(), step: done}
}
