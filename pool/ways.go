package pool

import (
	"slices"

	"github.com/userpool-go/userpool/mfa"
)

// WaysIn returns how sign-ins to an app client may begin, the preferred way first: what a page offers
// to everybody. These are the [SignInSettings].First that this process can judge and that lead
// somewhere. All but a password need [FlowChoice]. A client of "" is the pool's only one; one that
// there is not has none. It reads nothing.
func (p *Pool) WaysIn(client string) []mfa.Kind {
	s := p.state.Load()
	c, err := s.settings.client(client)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(p.beginnings(round{state: s, client: c}), func(k mfa.Kind) bool {
		return !c.has(FlowChoice) && (k != mfa.KindPassword || !c.has(FlowPassword))
	})
}
