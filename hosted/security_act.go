package hosted

import (
	"context"
	"errors"
	"net/http"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// errStandsOn is of an act that needs a sign-in by something else: to show the same once more is of no use.
var errStandsOn = errors.New("this sign-in rests on what would go, or has not shown what would stay")

// act does something in one's own account. An act that needs fresh proof leads to the step-up, and
// back (see [visit.end]); where the sign-in is fresh already, it would lead round and round.
func (v *visit) act(do func(*pool.Account) outcome) outcome {
	account, err := v.sessions.Account(v.r)
	if err != nil {
		return outcome{err: err}
	}
	o := do(account)
	if errors.Is(o.err, pool.ErrNeedsProof) && !errors.Is(o.err, pool.ErrNeedsStepUp) && account.Assured("", freshness(v.settings)) == nil {
		o.err = errStandsOn
	}
	return o
}

// changed is what follows an act that takes the place of the session: recovery codes, where it made
// some, and else the page of one's factors.
func (v *visit) changed(step pool.Step, err error, then flow) outcome {
	if err != nil {
		return outcome{err: err}
	}
	done, ok := step.(*pool.Done)
	if !ok {
		return outcome{refused: &refusal{http.StatusNotImplemented, "unsupported"}}
	}
	v.flow.Next = v.path(securityPage)
	o := v.enter(done)
	if o.leave != "" {
		o.leave, o.to, o.flow = "", securityPage, then
	}
	return o
}

// addApp begins to set up an app.
func (v *visit) addApp(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		s, err := a.AddAuthenticator(ctx, pool.AddAuthenticatorInput{Caller: v.caller()})
		if err != nil {
			return outcome{err: err}
		}
		return outcome{to: newAppPage, flow: flow{Ticket: s.Ticket, App: s.URI()}, step: &pool.NeedTOTPSetup{AuthenticatorSetup: s}}
	})
}

// newApp takes the first code of an app.
func (v *visit) newApp(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		step, err := a.ConfirmAuthenticator(ctx, pool.ConfirmAuthenticatorInput{
			Ticket: v.flow.Ticket, Code: code(v.in["code"]), Name: v.in["name"], Caller: v.caller(),
		})
		return v.changed(step, err, flow{Notice: "factor_added"})
	})
}

// addPasskey begins to make a passkey.
func (v *visit) addPasskey(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		need, err := a.AddPasskey(ctx, pool.AddPasskeyInput{Caller: v.caller()})
		if err != nil {
			return outcome{err: err}
		}
		return outcome{to: newKeyPage, flow: flow{Ticket: need.Ticket}, step: need}
	})
}

// confirmPasskey takes a passkey that was made.
func (v *visit) confirmPasskey(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		step, err := a.ConfirmPasskey(ctx, pool.ConfirmPasskeyInput{
			Ticket: v.flow.Ticket, Passkey: pool.PasskeyAttestation{JSON: []byte(v.in["passkey"]), Name: v.in["name"]}, Caller: v.caller(),
		})
		return v.changed(step, err, flow{Notice: "passkey_added"})
	})
}

func (v *visit) newCodes(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		step, err := a.MakeRecoveryCodes(ctx, pool.MakeRecoveryCodesInput{Caller: v.caller()})
		return v.changed(step, err, flow{})
	})
}

func (v *visit) renameFactor(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		err := pool.ErrNotFound
		switch v.in["kind"] {
		case string(mfa.KindTOTP):
			err = a.RenameAuthenticator(ctx, pool.RenameAuthenticatorInput{ID: v.in["id"], Name: v.in["name"], Caller: v.caller()})
		case string(mfa.KindPasskey):
			err = a.RenamePasskey(ctx, pool.RenamePasskeyInput{ID: v.in["id"], Name: v.in["name"], Caller: v.caller()})
		case string(deviceKind):
			err = a.RenameDevice(ctx, pool.RenameDeviceInput{ID: v.in["id"], Name: v.in["name"], Caller: v.caller()})
		}
		if err != nil {
			return outcome{err: err}
		}
		return outcome{to: securityPage, kind: "renamed"}
	})
}

func (v *visit) removeFactor(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		var step pool.Step
		err := pool.ErrNotFound
		switch v.in["kind"] {
		case string(mfa.KindTOTP):
			step, err = a.RemoveAuthenticator(ctx, pool.RemoveAuthenticatorInput{ID: v.in["id"], Caller: v.caller()})
		case string(mfa.KindPasskey):
			step, err = a.RemovePasskey(ctx, pool.RemovePasskeyInput{ID: v.in["id"], Caller: v.caller()})
		case string(deviceKind):
			return v.forgetDevice(ctx, a)
		case string(mfa.KindSMS), string(mfa.KindEmail):
			step, err = a.RemoveCodes(ctx, pool.RemoveCodesInput{By: mfa.Kind(v.in["kind"]), Caller: v.caller()})
		}
		return v.changed(step, err, flow{Notice: "factor_removed"})
	})
}
