package main

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

const ada = "ada@example.com"

// app sets up an authenticator app on one's own account.
func (w *walk) app(ctx context.Context) error {
	if err := w.join(ctx, ada); err != nil {
		return err
	}
	if err := w.finish(w.signIn(ctx, ada)); err != nil {
		return err
	}
	a, err := w.account(ctx)
	if err != nil {
		return err
	}
	setup, err := a.AddAuthenticator(ctx, pool.AddAuthenticatorInput{})
	if err != nil {
		return err
	}
	picture, err := setup.QR()
	if err != nil {
		return err
	}
	w.say("AddAuthenticator gives a picture to scan (%d bytes of SVG), and a key to type:", len(picture.SVG("")))
	w.say("  %s, for %s at %s", setup.Seed.Text(), setup.Account, setup.Issuer)
	w.seed = setup.Seed // as her phone has it now
	if err := w.finish(a.ConfirmAuthenticator(ctx, pool.ConfirmAuthenticatorInput{
		Ticket: setup.Ticket, Code: w.seed.Code(w.today()), Name: "phone",
	})); err != nil {
		return err
	}
	w.codes = w.done.RecoveryCodes
	w.say("ConfirmAuthenticator with the code that the app shows: it counts from now on.")
	w.say("There are %d recovery codes to print, such as %s. They are shown this once.", len(w.codes), w.codes[0])
	return nil
}

// signInByApp signs in by a code, which is good once (RFC 6238, 5.2).
func (w *walk) signInByApp(ctx context.Context) error {
	w.wait(time.Minute)
	code := pool.Code{Value: w.seed.Code(w.today())}
	step, err := w.signIn(ctx, ada)
	need, ok := step.(*pool.NeedTOTP)
	if !ok {
		return unexpected(step, err)
	}
	if err := w.finish(w.respond(ctx, need.Ticket, code)); err != nil {
		return err
	}
	w.say("The token says acr %q: two factors.", acr(ctx, w))
	step, err = w.signIn(ctx, ada)
	if need, ok = step.(*pool.NeedTOTP); !ok {
		return unexpected(step, err)
	}
	_, err = w.respond(ctx, need.Ticket, code)
	w.say("The same code again: %v.", err)
	return refused(err, pool.ErrBadCode)
}

// recoveryCode signs in without the phone.
func (w *walk) recoveryCode(ctx context.Context) error {
	step, err := w.signIn(ctx, ada)
	need, ok := step.(*pool.NeedTOTP)
	if !ok {
		return unexpected(step, err)
	}
	w.say("It can be answered by other kinds: %v.", need.Others)
	if err := w.finish(w.respond(ctx, need.Ticket, pool.RecoveryCode{Value: w.codes[0]})); err != nil {
		return err
	}
	a, err := w.account(ctx)
	if err != nil {
		return err
	}
	factors, err := a.Factors(ctx)
	if err != nil {
		return err
	}
	w.say("%d recovery codes are left, and a mail tells her that one was used.", factors.RecoveryCodes)
	return nil
}

// stepUp asks who is signed in for a sign-in that is new enough (RFC 9470).
func (w *walk) stepUp(ctx context.Context) error {
	w.wait(time.Hour)
	step, err := w.pool.Refresh(ctx, pool.RefreshInput{Token: w.done.Tokens.Refresh})
	if err := w.finish(step, err); err != nil {
		return err
	}
	a, err := w.account(ctx)
	if err != nil {
		return err
	}
	w.say("Assured(aal2, 5 min): %v.", a.Assured(token.AAL2, 5*time.Minute))
	step, err = a.StepUp(ctx, pool.StepUpInput{ACR: token.AAL2, MaxAge: 5 * time.Minute})
	for range 2 {
		if err != nil {
			return err
		}
		w.say("The step-up asks for %q.", step.Kind())
		switch need := step.(type) {
		case *pool.NeedPassword:
			step, err = w.respond(ctx, need.Ticket, pool.Password{Value: secret})
		case *pool.NeedTOTP:
			step, err = w.respond(ctx, need.Ticket, pool.Code{Value: w.seed.Code(w.today())})
		default:
			return unexpected(step, nil)
		}
	}
	if err := w.finish(step, err); err != nil {
		return err
	}
	if a, err = w.account(ctx); err != nil {
		return err
	}
	w.say("Assured(aal2, 5 min), by the session that takes the place of the one before: %v.", a.Assured(token.AAL2, 5*time.Minute))
	return a.Assured(token.AAL2, 5*time.Minute)
}

// mustEnrol signs in who has to set up a factor on the way.
func (w *walk) mustEnrol(ctx context.Context) error {
	const bob = "bob@example.com"
	if err := w.join(ctx, bob); err != nil {
		return err
	}
	admin := w.pool.Admin(pool.Actor{Name: "the walk"})
	u, err := admin.FindUser(ctx, bob)
	if err != nil {
		return err
	}
	if err := admin.AddToGroup(ctx, u.ID, "staff"); err != nil {
		return err
	}
	step, err := w.signIn(ctx, bob)
	if choice, ok := step.(*pool.NeedChoice); ok && err == nil {
		w.say("He can set up %v, and has no session before he has.", choice.Kinds)
		step, err = w.respond(ctx, choice.Ticket, pool.Choice{Kind: mfa.KindTOTP})
	}
	setup, ok := step.(*pool.NeedTOTPSetup)
	if !ok {
		return unexpected(step, err)
	}
	done, err := pool.Finished(w.respond(ctx, setup.Ticket, pool.Code{Value: setup.Seed.Code(w.today())}))
	if err != nil {
		return err
	}
	w.say("He is signed in, and has %d recovery codes.", len(done.RecoveryCodes))
	return nil
}

// acr returns how strong ada's token says that her sign-in was.
func acr(ctx context.Context, w *walk) string {
	v, err := w.pool.Verifier()
	if err != nil {
		return err.Error()
	}
	claims, err := v.Verify(ctx, w.done.Tokens.Access.Reveal())
	if err != nil {
		return err.Error()
	}
	return claims.ACR
}
