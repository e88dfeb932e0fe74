package hosted

import (
	"net/http"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// then is what follows a step: its page, or the end of the sign-in. A step that these pages do not
// know is said to be unknown, and never let in.
func (v *visit) then(step pool.Step, err error) outcome {
	if err != nil {
		return outcome{err: err}
	}
	if done, ok := step.(*pool.Done); ok {
		return v.enter(done)
	}
	if need, ok := step.(*pool.NeedConfirm); ok && need.Ticket == "" {
		return v.waits()
	}
	if wait, ok := step.(*pool.NeedWait); ok {
		return v.held(wait)
	}
	on, known := flowOf(step)
	switch tooMuch := len(flow{Asked: on.Asked}.encode()) > maxAsked; {
	case tooMuch && v.json: // which has it in the step
		on.Asked = nil
	case tooMuch:
		v.config.Logger.ErrorContext(v.r.Context(), "what a challenge shows is too much for a page", "most", maxAsked*3/4)
		known = false
	}
	if !known {
		return outcome{refused: &refusal{http.StatusNotImplemented, "unsupported"}}
	}
	on.Login, on.Next = v.login(), v.flow.Next
	on.First = v.flow.First
	if on.Ticket == v.flow.Ticket && v.page.factor { // another kind of factor was chosen
		on.id = v.flow.id
		on.Kinds = v.flow.others(on.By)
	} else if v.page.factor { // it is another step, after something was shown
		on.First = false
	}
	return outcome{to: on.Page, flow: on, step: step}
}

// flowOf returns the flow with which a step begins, on its page.
func flowOf(step pool.Step) (on flow, known bool) {
	switch s := step.(type) {
	case *pool.NeedPassword:
		return flow{Page: passwordPage, Ticket: s.Ticket, By: mfa.KindPassword, Kinds: s.Others}, true
	case *pool.NeedConfirm:
		return flow{Page: confirmPage, Ticket: s.Ticket, To: s.Delivery.Destination}, true
	case *pool.NeedNewPassword:
		return flow{Page: newPasswordPage, Ticket: s.Ticket}, true
	case *pool.NeedTOTP:
		on = flow{Ticket: s.Ticket, By: mfa.KindTOTP, Kinds: s.Others}
	case *pool.NeedTOTPSetup:
		on = flow{Ticket: s.Ticket, By: mfa.KindTOTP, Kinds: s.Others, Enrol: true, App: s.URI()}
	case *pool.NeedCode:
		on = flow{Ticket: s.Ticket, By: s.By, Kinds: s.Others, To: s.Delivery.Destination}
	case *pool.NeedCustom:
		on = flow{Ticket: s.Ticket, By: mfa.KindCustom, Kinds: s.Others, Asked: asked(s.Params)}
	case *pool.NeedPasskey:
		on = flow{Ticket: s.Ticket, By: mfa.KindPasskey, Kinds: s.Others}
	case *pool.NeedPasskeySetup:
		on = flow{Ticket: s.Ticket, By: mfa.KindPasskey, Kinds: s.Others, Enrol: true}
	case *pool.NeedChoice:
		on = flow{Ticket: s.Ticket, Kinds: s.Kinds, Enrol: s.Enrol}
	default:
		return flow{}, false
	}
	on.Page = on.asking()
	return on, true
}

// handle returns a step with the name of a cookie in place of its ticket.
func handle(step pool.Step, id string) pool.Step {
	switch s := step.(type) {
	case *pool.Done:
		return s
	case *pool.NeedWait:
		return s
	case *pool.NeedPassword:
		return &pool.NeedPassword{Ticket: id, Expires: s.Expires, Others: s.Others}
	case *pool.NeedConfirm:
		return &pool.NeedConfirm{Ticket: id, Expires: s.Expires, Delivery: s.Delivery}
	case *pool.NeedNewPassword:
		return &pool.NeedNewPassword{Ticket: id, Expires: s.Expires}
	case *pool.NeedTOTP:
		return &pool.NeedTOTP{Ticket: id, Expires: s.Expires, Others: s.Others}
	case *pool.NeedTOTPSetup:
		to := *s
		to.Ticket = id
		return &to
	case *pool.NeedCode:
		return &pool.NeedCode{Ticket: id, Expires: s.Expires, By: s.By, Delivery: s.Delivery, Others: s.Others}
	case *pool.NeedCustom:
		return &pool.NeedCustom{Ticket: id, Expires: s.Expires, Name: s.Name, Params: s.Params, Others: s.Others}
	case *pool.NeedPasskey:
		return &pool.NeedPasskey{Ticket: id, Expires: s.Expires, Options: s.Options, Others: s.Others}
	case *pool.NeedPasskeySetup:
		return &pool.NeedPasskeySetup{Ticket: id, Expires: s.Expires, Options: s.Options, Others: s.Others}
	case *pool.NeedChoice:
		return &pool.NeedChoice{Ticket: id, Expires: s.Expires, Kinds: s.Kinds, Enrol: s.Enrol}
	default:
		return nil // which has no JSON
	}
}
