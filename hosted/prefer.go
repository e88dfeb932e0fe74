package hosted

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// has returns the kinds that could be asked for first.
func (f *factors) has() (kinds []mfa.Kind) {
	for _, k := range []struct {
		kind mfa.Kind
		has  bool
	}{
		{mfa.KindTOTP, len(f.Apps) > 0}, {mfa.KindPasskey, f.AskForPasskey}, {mfa.KindSMS, f.SMS}, {mfa.KindEmail, f.Email},
	} {
		if k.has {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

// preferred adds to a group whether its kind is asked for first, where there are several.
func (v *visit) preferred(kind mfa.Kind, g *groupView) {
	has := v.factors.has()
	if len(has) < 2 || !slices.Contains(has, kind) {
		return
	}
	b := v.button(preferPage, hidden{"kind", string(kind)})
	b.ID, b.As = "prefer-"+string(kind), v.words.say("security.prefer", "name", g.Heading)
	if v.factors.Preferred == kind {
		g.Note = v.words.say("security.preferred")
		b = v.button(preferPage, hidden{"kind", ""})
		b.ID, b.Text = "prefer-none", v.words.say("to.prefer_none")
	}
	g.Actions = append(g.Actions, b)
}

// prefer says which factor is asked for first.
func (v *visit) prefer(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		err := a.PreferFactor(ctx, pool.PreferFactorInput{Kind: mfa.Kind(v.in["kind"]), Caller: v.caller()})
		if err != nil {
			return outcome{err: err}
		}
		return outcome{to: securityPage, kind: "preferred"}
	})
}

// asksForPasskey adds to the group of passkeys whether one is asked for after a password, and the switch.
func (v *visit) asksForPasskey(g *groupView) {
	on := v.factors.AskForPasskey
	if len(v.factors.Passkeys) == 0 || !on && !slices.Contains(v.factors.Kinds, mfa.KindPasskey) {
		return
	}
	b := v.button(askForPasskeyPage, hidden{"on", ticked})
	g.Text = v.words.say("security.passkey_alone")
	if on {
		g.Text = v.words.say("security.passkey_asked")
		b = v.button(askForPasskeyPage, hidden{"on", ""})
		b.Text = v.words.say("to.ask_for_no_passkey")
	}
	g.Actions = append(g.Actions, b)
}

// askForPasskey has a passkey asked for after a password, or not any more.
func (v *visit) askForPasskey(ctx context.Context) outcome {
	on := v.in["on"] == ticked
	notice := "factor_removed"
	if on {
		notice = "factor_added"
	}
	return v.act(func(a *pool.Account) outcome {
		step, err := a.AskForPasskey(ctx, pool.AskForPasskeyInput{On: on, Caller: v.caller()})
		return v.changed(step, err, flow{Notice: notice})
	})
}

func switchForm(pool.Settings) []field { return []field{{Name: "on", Type: "hidden"}} }
