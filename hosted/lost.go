package hosted

import (
	"context"

	"github.com/userpool-go/userpool/pool"
)

// loseFactors says that the visitor has none of their factors any more. It has a page of its own, and is
// no button among the kinds: the owner is told at every address.
func (v *visit) loseFactors(ctx context.Context) outcome {
	return v.then(v.respond(ctx, pool.Choice{Kind: pool.LostFactors}))
}

// held is what follows where others may be set up, but not yet.
func (v *visit) held(s *pool.NeedWait) outcome {
	on := flow{Notice: "recovery_wait", To: s.Until.UTC().Format("2006-01-02 15:04 UTC"), Next: v.flow.Next}
	return outcome{to: signInPage, flow: on, step: s}
}

// undo takes a change back with the link that told its owner of it (security.md S4, S5). They set a
// new password next, since whoever made it knew theirs.
func (v *visit) undo(ctx context.Context) outcome {
	if err := v.pool.CancelChange(ctx, pool.CancelInput{Link: v.flow.Ticket, Caller: v.caller()}); err != nil {
		return outcome{err: err}
	}
	return outcome{to: forgotPage, flow: flow{Notice: "undone"}, kind: "forgot"}
}
