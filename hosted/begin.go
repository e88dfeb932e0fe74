package hosted

import (
	"context"
	"net/http"
	"slices"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// Sign-ins begin by a password, and by what else the pool offers to everybody. What somebody has set
// up is not shown before they have shown something: it would tell who is there (security.md T7).

// beginPages are the buttons of the sign-in page for what is not a password.
var beginPages = map[mfa.Kind]string{
	mfa.KindPasskey: byPasskeyPage, mfa.KindEmail: byEmailPage, mfa.KindSMS: bySMSPage, mfa.KindCustom: byQuestionPage,
}

// begins reports whether sign-ins begin by a kind.
func (v *visit) begins(k mfa.Kind) bool { return slices.Contains(v.pool.WaysIn(v.config.Client), k) }

// begin begins a sign-in by choice.
func (v *visit) begin(ctx context.Context, with pool.Response) outcome {
	v.flow.First = true
	return v.then(v.pool.SignIn(ctx, pool.SignInInput{
		Client: v.config.Client, Username: v.in["username"], With: with, Caller: v.caller(),
	}))
}

// beginBy begins a sign-in by one kind.
func beginBy(k mfa.Kind) func(*visit, context.Context) outcome {
	return func(v *visit, ctx context.Context) outcome {
		if no := offers(k)(v); no != nil {
			return *no
		}
		return v.begin(ctx, pool.Choice{Kind: k})
	}
}

// offers answers where no sign-in begins by a kind.
func offers(k mfa.Kind) func(*visit) *outcome {
	return func(v *visit) *outcome {
		if v.begins(k) {
			return nil
		}
		return &outcome{refused: &refusal{http.StatusNotFound, "not_found"}}
	}
}

// signInForm asks for the login and the password, or for as much as the settings need.
func signInForm(s pool.Settings) []field {
	switch first := s.SignIn.First; {
	case first == nil || slices.Contains(first, mfa.KindPassword):
		return []field{loginField(s), presentPassword}
	case len(first) == 1 && first[0] == mfa.KindPasskey:
		return nil
	}
	return loginForm(s)
}

// beginnings returns the ways in beside the form of the sign-in page.
func (v *visit) beginnings() (all []moreView) {
	form := v.page.fields(v.settings)
	for _, k := range v.pool.WaysIn(v.config.Client) {
		name, other := beginPages[k]
		if byForm := len(form) < 2 && (k != mfa.KindPasskey || len(form) == 0); !other || byForm {
			continue
		}
		m := v.more(v.page, name)
		m.ID, m.Text = "by-"+string(k), v.words.say("kind."+string(k))
		all = append(all, m)
	}
	return all
}
