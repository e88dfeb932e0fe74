package hosted

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// signUp answers alike whether or not the address was taken (security.md T7).
func (v *visit) signUp(ctx context.Context) outcome {
	if closed := v.maySignUp(); closed != nil {
		return *closed
	}
	up, err := v.pool.SignUp(ctx, pool.SignUpInput{
		Client: v.config.Client, Username: v.in["username"], Password: password.New(v.in["password"]),
		Attributes: v.attributes(), Caller: v.caller(),
	})
	switch {
	case err != nil:
		return outcome{err: err}
	case up.Confirmed:
		return outcome{to: signInPage, flow: flow{Notice: "confirmed", Typed: v.typed(), Next: v.flow.Next}, kind: "sign_in"}
	case up.Ticket == "":
		return v.waits()
	}
	on := flow{Ticket: up.Ticket, To: up.Delivery.Destination, Login: v.login(), Next: v.flow.Next}
	return outcome{to: confirmPage, flow: on, kind: "confirm", sent: up.Delivery}
}

// waits says that an administrator confirms the sign-up.
func (v *visit) waits() outcome {
	return outcome{to: signInPage, flow: flow{Notice: "waits", Typed: v.typed(), Next: v.flow.Next}, kind: "wait"}
}

// maySignUp answers where nobody signs up by themselves.
func (v *visit) maySignUp() *outcome {
	if v.settings.SignUp.Closed {
		return &outcome{refused: &refusal{http.StatusForbidden, "closed"}}
	}
	return nil
}

func (v *visit) confirm(ctx context.Context) outcome {
	o := v.then(v.pool.ConfirmSignUp(ctx, pool.CodeInput{
		Ticket: v.flow.Ticket, Code: code(v.in["code"]), Caller: v.caller(),
	}))
	o.flow.Notice = "confirmed"
	return o
}

// resend replaces the ticket in the flow, so that every tab that shows it goes on with the new code.
func (v *visit) resend(ctx context.Context) outcome {
	up, err := v.pool.ResendCode(ctx, pool.ResendInput{Ticket: v.flow.Ticket, Caller: v.caller()})
	if err != nil {
		return outcome{err: err}
	}
	on := v.flow
	on.Ticket, on.Slips = up.Ticket, nil
	on.Notice = "resent"
	return outcome{to: confirmPage, flow: on, kind: "confirm", sent: up.Delivery}
}

// byLink reports whether a sign-up is confirmed by a link rather than a code.
func (v *visit) byLink() bool {
	return v.page.name == confirmPage && v.settings.SignUp.ByLink && strings.Contains(v.flow.To, "@")
}

// landed takes the link of a mail out of the URL, where history, logs and the next page would find
// it, into a short cookie. It consumes nothing: mail scanners open links before people do
// (security.md S2).
func (v *visit) landed() *outcome {
	q := v.r.URL.Query()
	if !q.Has("link") {
		return nil
	}
	link := q.Get("link")
	if len(link) > 256 || len(q["link"]) > 1 {
		link = "" // no link of ours: the page says that it is over
	}
	return &outcome{to: v.page.name, flow: flow{Ticket: link}, kind: v.page.key()}
}

// confirmLink confirms with the link, at once where this browser signed up, and beside the password
// elsewhere (security.md T7). Which of the browser's sign-ups the link is of, if any, is found by
// asking: with the ticket of another one nothing is done.
func (v *visit) confirmLink(ctx context.Context) outcome {
	in := pool.LinkInput{Link: v.flow.Ticket, Caller: v.caller()}
	for _, begun := range slices.Backward(v.flows(v.r)) {
		if in.Ticket = begun.Ticket; in.Ticket == "" || begun.Page != confirmPage {
			continue
		}
		step, err := v.pool.ConfirmLink(ctx, in)
		if err != nil {
			return outcome{err: err}
		}
		if need, asks := step.(*pool.NeedPassword); asks && v.isLink(need) {
			continue
		}
		v.drop(v.w, begun.id)
		v.flow.Next, v.flow.Login = begun.Next, begun.Login
		o := v.then(step, nil)
		o.flow.Notice = "confirmed"
		return o
	}
	in.Ticket = ""
	o := v.then(v.pool.ConfirmLink(ctx, in))
	o.flow.Notice = "link_password"
	return o
}

// isLink reports whether a step asks for the password that is to confirm beside the link.
func (v *visit) isLink(s *pool.NeedPassword) bool { return strings.HasSuffix(s.Ticket, v.flow.Ticket) }
