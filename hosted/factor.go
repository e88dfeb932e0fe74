package hosted

import (
	"context"
	"maps"
	"slices"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// factorPages are where a kind of factor is asked for, and setUpPages where it is set up.
var (
	factorPages = map[mfa.Kind]string{
		"": choosePage, mfa.KindPassword: passwordPage, mfa.KindTOTP: totpPage, mfa.KindPasskey: passkeyPage, mfa.KindSMS: codePage, mfa.KindEmail: codePage,
		mfa.KindCustom: questionPage,
	}
	setUpPages = map[mfa.Kind]string{
		"": choosePage, mfa.KindTOTP: setUpAppPage, mfa.KindPasskey: setUpKeyPage, mfa.KindSMS: codePage, mfa.KindEmail: codePage,
	}
)

// asking returns the page of what a flow is asked for.
func (f flow) asking() string {
	if f.Enrol {
		return setUpPages[f.By]
	}
	return factorPages[f.By]
}

func kindForm(pool.Settings) []field { return []field{{Name: "kind", Type: "hidden"}} }

func totpForm(pool.Settings) []field {
	f := codeField
	f.words = "totp_code"
	return []field{f}
}

func recoveryForm(pool.Settings) []field {
	return []field{{Name: "recovery_code", Type: "text", Autocomplete: "off", words: "recovery_code"}}
}

// choose asks for another kind of factor, or for another code of the same.
func (v *visit) choose(ctx context.Context) outcome {
	o := v.then(v.respond(ctx, pool.Choice{Kind: mfa.Kind(v.in["kind"])}))
	if v.in["kind"] == string(v.flow.By) && o.flow.To != "" {
		o.flow.Notice = "resent"
	}
	return o
}

// code answers with a code that was sent, or that an app shows.
func (v *visit) code(ctx context.Context) outcome {
	return v.then(v.respond(ctx, pool.Code{Value: code(v.in["code"])}))
}

func (v *visit) recoveryCode(ctx context.Context) outcome {
	return v.then(v.respond(ctx, pool.RecoveryCode{Value: v.in["recovery_code"]}))
}

func answerForm(pool.Settings) []field {
	return []field{{Name: "answer", Type: "text", Autocomplete: "off", words: "answer"}}
}

// answer answers a challenge of the program's own.
func (v *visit) answer(ctx context.Context) outcome {
	return v.then(v.respond(ctx, pool.CustomAnswer{Value: v.in["answer"]}))
}

// asked returns what a challenge of the program's own shows, in the order of its names.
func asked(params map[string]string) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		all = append(all, params[name])
	}
	return all
}

// ticked is what a checkbox sends that is ticked; JSON says the same.
const ticked = "on"

// respond answers the step that the visitor is at.
func (v *visit) respond(ctx context.Context, with pool.Response) (pool.Step, error) {
	return v.pool.Respond(ctx, pool.RespondInput{
		Ticket: v.flow.Ticket, With: with, Remember: v.in[rememberField.Name] == ticked, Caller: v.caller(),
	})
}

// elsewhere returns where the flow of a factor page is by now, "" where it is here: who goes back, or
// has two tabs, may be at the page of a kind that is not asked for any more. To choose, and to type a
// recovery code or say that all is lost, can be done at any time.
func (v *visit) elsewhere() string {
	at := v.flow.asking()
	if !v.page.factor || v.json || v.page.name == choosePage || v.page.name == recoveryPage || v.page.name == lostPage || v.page.name == at {
		return ""
	}
	return at
}

// others returns all kinds that a step can be answered with but one.
func (f flow) others(than mfa.Kind) []mfa.Kind {
	all := f.Kinds
	if f.By != "" && !slices.Contains(all, f.By) {
		all = append([]mfa.Kind{f.By}, all...)
	}
	return slices.DeleteFunc(slices.Clone(all), func(k mfa.Kind) bool { return k == than })
}

// choices returns the other kinds that a step can be answered with: a button each.
func (v *visit) choices() (all []moreView) {
	if v.page.name == signInPage {
		return v.beginnings()
	}
	if !v.page.factor || v.page.name == recoveryPage || v.page.name == lostPage {
		return nil
	}
	kinds := v.flow.Kinds
	if v.page.name == choosePage { // it may have been gone back to
		kinds = v.flow.others("")
	}
	if v.page.name == codePage {
		again := append(v.hidden(v.flow), hidden{"kind", string(v.flow.By)})
		all = append(all, moreView{ID: "to-resend", Text: v.words.say("to.resend"), Href: v.path(choosePage), Hidden: again})
	}
	for _, k := range kinds {
		c := moreView{ID: "choose-" + string(k), Text: v.words.say("kind." + string(k)), Href: v.path(choosePage)}
		switch {
		case c.Text == "": // none of ours
			continue
		case k == mfa.KindRecovery:
			c.Href = v.path(recoveryPage) + "?" + flowField + "=" + v.flow.id
		case k == pool.LostFactors:
			c.Href = v.path(lostPage) + "?" + flowField + "=" + v.flow.id
		default:
			c.Hidden = append(v.hidden(v.flow), hidden{"kind", string(k)})
		}
		all = append(all, c)
	}
	return all
}
