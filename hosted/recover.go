package hosted

import (
	"cmp"
	"context"

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

// reset signs nobody in (security.md S4): the next page asks for the new password.
func (v *visit) reset(ctx context.Context) outcome {
	o := v.then(v.pool.ResetPassword(ctx, pool.ResetPasswordInput{
		Ticket: v.flow.Ticket, Code: code(v.in["code"]), Password: password.New(v.in["new_password"]), Caller: v.caller(),
	}))
	o.flow.Notice = "password_changed"
	return o
}
