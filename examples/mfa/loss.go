package main

import (
	"context"
	"net/netip"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// lost sets up another app in place of all that Ada has lost, after a wait in which she is told.
func (w *walk) lost(ctx context.Context) error {
	step, err := w.signIn(ctx, ada)
	need, ok := step.(*pool.NeedTOTP)
	if !ok {
		return unexpected(step, err)
	}
	w.say("Beside the code she may say that she has none of these any more: %v.", need.Others)
	step, err = w.respond(ctx, need.Ticket, pool.Choice{Kind: pool.LostFactors})
	wait, ok := step.(*pool.NeedWait)
	if !ok {
		return unexpected(step, err)
	}
	w.say("She is told at every address, with a link that ends it, and waits for %v.", wait.Until.Sub(w.today()).Round(time.Hour))

	w.wait(wait.Until.Sub(w.today()))
	if step, err = w.signIn(ctx, ada); err != nil {
		return err
	}
	if need, ok = step.(*pool.NeedTOTP); !ok {
		return unexpected(step, err)
	}
	step, err = w.respond(ctx, need.Ticket, pool.Choice{Kind: pool.LostFactors})
	if choice, ok := step.(*pool.NeedChoice); ok && err == nil {
		step, err = w.respond(ctx, choice.Ticket, pool.Choice{Kind: mfa.KindTOTP})
	}
	setup, ok := step.(*pool.NeedTOTPSetup)
	if !ok {
		return unexpected(step, err)
	}
	w.seed = setup.Seed
	if err := w.finish(w.respond(ctx, setup.Ticket, pool.Code{Value: w.seed.Code(w.today())})); err != nil {
		return err
	}
	w.say("The app of before is of no use any more. She has %d new recovery codes.", len(w.done.RecoveryCodes))
	return nil
}

// texted has codes sent to a phone that an administrator vouches for.
func (w *walk) texted(ctx context.Context) error {
	const dora, phone = "dora@example.com", "+4915112345678"
	_, err := w.pool.Admin(pool.Actor{Name: "the walk"}).CreateUser(ctx, pool.CreateUserInput{
		Username: dora, EmailVerified: true, PhoneVerified: true, Password: secret, Permanent: true,
		Attributes: user.Attributes{"phone_number": phone},
	})
	if err != nil {
		return err
	}
	if err := w.finish(w.signIn(ctx, dora)); err != nil {
		return err
	}
	a, err := w.account(ctx)
	if err != nil {
		return err
	}
	need, err := a.AddCodes(ctx, pool.AddCodesInput{By: mfa.KindSMS})
	if err != nil {
		return err
	}
	w.say("AddCodes sends one to %s, which she brings to ConfirmCodes.", need.Delivery.Destination)
	code, err := w.sms(ctx, phone, 1)
	if err != nil {
		return err
	}
	confirm := pool.ConfirmCodesInput{By: mfa.KindSMS, Ticket: need.Ticket, Code: code}
	if err := w.finish(a.ConfirmCodes(ctx, confirm)); err != nil {
		return err
	}
	step, err := w.signIn(ctx, dora)
	need, ok := step.(*pool.NeedCode)
	if !ok {
		return unexpected(step, err)
	}
	if code, err = w.sms(ctx, phone, 2); err != nil {
		return err
	}
	return w.finish(w.respond(ctx, need.Ticket, pool.Code{Value: code}))
}

// sms returns the code in the n-th message to a number.
func (w *walk) sms(ctx context.Context, number string, n int) (string, error) {
	_, err := w.box.Wait(ctx, number, n)
	return w.box.Code(number), err
}

// risk signs in from three networks to a pool that does not treat them alike.
func (w *walk) risk(ctx context.Context) error {
	other, shut, err := begin(ctx, w, pool.Config{Settings: &pool.Settings{Risk: pool.RiskSettings{
		Block:  []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
		Allow:  []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, // the office
		Medium: pool.RiskRequire,                                         // a new device in a new network
	}}})
	if err != nil {
		return err
	}
	defer shut()
	if err := other.join(ctx, ada); err != nil {
		return err
	}
	for _, tt := range []struct {
		from string
		want error
	}{{"203.0.113.9", pool.ErrNetworkBlocked}, {"192.0.2.1", pool.ErrNotAuthorized}, {"198.51.100.7", nil}} {
		in := pool.SignInInput{Username: ada, With: pool.Password{Value: secret}, Caller: pool.Caller{IP: netip.MustParseAddr(tt.from)}}
		_, err := other.pool.SignIn(ctx, in)
		w.say("SignIn with the right password from %s: %v.", tt.from, err)
		if err := refused(err, tt.want); err != nil {
			return err
		}
	}
	w.say("The first is refused whoever it is, the second has no second factor to show, the third is the office.")
	return nil
}
