package hosted

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// codesBy shows whether codes of a kind are sent as a second factor. Without an address that is proven
// there is nothing to set up.
func (v *visit) codesBy(kind mfa.Kind, on bool) groupView {
	name := v.words.say("security." + string(kind))
	g := groupView{ID: string(kind), Heading: name, Text: v.words.say("security.none")}
	which := hidden{"kind", string(kind)}
	switch {
	case on:
		g.Text = v.words.say("security.on")
		b := v.button(removeFactorPage, which)
		b.ID, b.As = "remove-"+string(kind), v.words.say("security.remove", "name", name)
		g.Actions = []moreView{b}
	case slices.Contains(v.factors.Kinds, kind):
		b := v.button(addCodesPage, which)
		b.ID, b.As = "add-"+string(kind), v.words.say("security.set_up", "name", name)
		g.Actions = []moreView{b}
	}
	return g
}

// addCodes begins to set up codes that are sent.
func (v *visit) addCodes(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		need, err := a.AddCodes(ctx, pool.AddCodesInput{By: mfa.Kind(v.in["kind"]), Caller: v.caller()})
		if err != nil {
			return outcome{err: err}
		}
		on, _ := flowOf(need)
		on.Kinds = nil // there is no other way to show that codes arrive
		return outcome{to: confirmCodesPage, flow: on, step: need}
	})
}

// confirmCodes takes the first code that arrived.
func (v *visit) confirmCodes(ctx context.Context) outcome {
	return v.act(func(a *pool.Account) outcome {
		step, err := a.ConfirmCodes(ctx, pool.ConfirmCodesInput{
			By: v.flow.By, Ticket: v.flow.Ticket, Code: code(v.in["code"]), Caller: v.caller(),
		})
		return v.changed(step, err, flow{Notice: "factor_added"})
	})
}
