package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
)

// mailed signs in by a code that is mailed, without a password. Who is nobody gets the same answers.
func (w *walk) mailed(ctx context.Context) error {
	const carol = "carol@example.com"
	if err := w.join(ctx, carol); err != nil {
		return err
	}
	for _, name := range []string{"nobody@example.com", carol} {
		step, err := w.pool.SignIn(ctx, pool.SignInInput{Username: name})
		choice, ok := step.(*pool.NeedChoice)
		if !ok {
			return unexpected(step, err)
		}
		w.say("SignIn of %s without anything gives the step %q: %v.", name, choice.Kind(), choice.Kinds)
		step, err = w.respond(ctx, choice.Ticket, pool.Choice{Kind: mfa.KindEmail})
		code, ok := step.(*pool.NeedCode)
		if !ok {
			return unexpected(step, err)
		}
		if name != carol {
			continue
		}
		if _, err := w.box.Wait(ctx, carol, 2); err != nil { // the first was that of the sign-up
			return err
		}
		if err := w.finish(w.respond(ctx, code.Ticket, pool.Code{Value: w.box.Code(carol)})); err != nil {
			return err
		}
	}
	w.say("The token says acr %q: whoever reads her mail could have done this.", acr(ctx, w))
	return nil
}

// passkey shows what a browser is given to make a passkey, which takes a browser.
func (w *walk) passkey(ctx context.Context) error {
	a, err := w.account(ctx)
	if err != nil {
		return err
	}
	need, err := a.AddPasskey(ctx, pool.AddPasskeyInput{})
	if err != nil {
		return err
	}
	var options map[string]json.RawMessage
	if err := json.Unmarshal(need.Options, &options); err != nil {
		return err
	}
	w.say("AddPasskey gives options for navigator.credentials.create, for the site and the person")
	w.say("  %s", options["rp"])
	w.say("  %s", options["user"])
	w.say("What the browser answers goes to ConfirmPasskey. The pages of package hosted do all of it,")
	w.say("and the example of AddPasskey, with an authenticator for tests.")
	return nil
}

// question asks a second question of the program's own, in another pool.
func (w *walk) question(ctx context.Context) error {
	other, shut, err := begin(ctx, w, pool.Config{
		Settings: &pool.Settings{MFA: pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindCustom}}},
		Hooks: hook.Set{
			CreateChallenge: func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
				return hook.CreateChallengeAnswer{
					Params:  map[string]string{"question": "Which word is third on your card?"},
					Private: map[string]string{"word": "harbour"}, // as the program's records have it
				}, nil
			},
			VerifyChallenge: func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
				return subtle.ConstantTimeCompare([]byte(e.Answer), []byte(e.Private["word"])) == 1, nil
			},
		},
	})
	if err != nil {
		return err
	}
	defer shut()
	if err := other.join(ctx, ada); err != nil {
		return err
	}
	step, err := other.signIn(ctx, ada)
	need, ok := step.(*pool.NeedCustom)
	if !ok {
		return unexpected(step, err)
	}
	w.say("It shows %q.", need.Params["question"])
	_, err = other.respond(ctx, need.Ticket, pool.CustomAnswer{Value: "gull"})
	w.say("Another word: %v.", err)
	if err := refused(err, pool.ErrBadCode); err != nil {
		return err
	}
	return other.finish(other.respond(ctx, need.Ticket, pool.CustomAnswer{Value: "harbour"}))
}

// remembered asks for no second factor where Ada has shown one and had the browser remembered.
func (w *walk) remembered(ctx context.Context) error {
	w.wait(time.Minute)
	step, err := w.signIn(ctx, ada)
	need, ok := step.(*pool.NeedTOTP)
	if !ok {
		return unexpected(step, err)
	}
	done, err := pool.Finished(w.pool.Respond(ctx, pool.RespondInput{
		Ticket: need.Ticket, With: pool.Code{Value: w.seed.Code(w.today())}, Remember: true,
	}))
	if err != nil {
		return err
	}
	w.say("She asked for that with her code: the app keeps Done.Remembered, and gives it back in Caller.")
	step, err = w.pool.SignIn(ctx, pool.SignInInput{
		Username: ada, With: pool.Password{Value: secret}, Caller: pool.Caller{Remembered: done.Remembered},
	})
	if err := w.finish(step, err); err != nil {
		return err
	}
	w.say("SignIn with the password gives the step %q there. The token says acr %q: a device proves nothing.", step.Kind(), acr(ctx, w))
	return nil
}
