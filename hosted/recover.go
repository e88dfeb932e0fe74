package hosted

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// forgot answers alike whether or not there is such a user.
func (v *visit) forgot(ctx context.Context) outcome {
	sent, err := v.pool.ForgotPassword(ctx, pool.ForgotPasswordInput{
		Client: v.config.Client, Username: v.in["username"], Caller: v.caller(),
	})
	if err != nil {
		return outcome{err: err}
	}
	on := flow{
		Ticket: sent.Ticket, To: cmp.Or(sent.Delivery.Destination, v.in["username"]),
		Login: v.in["username"], Next: v.flow.Next,
	}
	return outcome{to: resetPage, flow: on, kind: "reset", sent: sent.Delivery}
}

// mayForgetName answers where no user has a name beside an address.
func (v *visit) mayForgetName() *outcome {
	if v.namesBesideAddresses() {
		return nil
	}
	return &outcome{refused: &refusal{http.StatusNotFound, "not_found"}}
}

func (v *visit) namesBesideAddresses() bool {
	return slices.Contains(v.settings.SignIn.Identifiers, pool.Username) && addressForm(v.settings) != nil
}

// forgotName answers alike whether or not there is such a user.
func (v *visit) forgotName(ctx context.Context) outcome {
	if no := v.mayForgetName(); no != nil {
		return *no
	}
	sent, err := v.pool.ForgotUsername(ctx, pool.ForgotUsernameInput{
		Client: v.config.Client, Address: v.in["username"], Caller: v.caller(),
	})
	if err != nil {
		return outcome{err: err}
	}
	return outcome{to: signInPage, flow: flow{Notice: "name_sent", Next: v.flow.Next}, kind: "sign_in", sent: sent}
}

// reset signs nobody in (security.md S4): the next page asks for the new password.
func (v *visit) reset(ctx context.Context) outcome {
	o := v.then(v.pool.ResetPassword(ctx, pool.ResetPasswordInput{
		Ticket: v.flow.Ticket, Code: code(v.in["code"]), Password: password.New(v.in["new_password"]), Caller: v.caller(),
	}))
	o.flow.Notice = "password_changed"
	return o
}
