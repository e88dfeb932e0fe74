package pool

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/userpool-go/userpool/storage"
)

// RiskSettings say from where the pool serves nobody, and what it does about sign-ins whose
// circumstances are out of the ordinary ([hook.AssessRisk]).
//
// Networks are about [Caller].IP alone: a caller without an address is in none, and so neither
// blocked nor allowed. Whoever counts on them sees to it that the program knows where its visitors
// are, behind proxies too. A network is a prefix whose bits beyond its length are zero; a /32, or for
// IPv6 a /128, is one address. IPv4 is in networks of IPv4 only, however it is written: an address or
// a prefix that is mapped into IPv6 (::ffff:192.0.2.0/120) is the IPv4 one.
type RiskSettings struct {
	// Block are networks whose visitors are refused with [ErrNetworkBlocked] whatever they want,
	// before any work and before anything of a user is looked at: Cognito's BlockedIPRangeList. At
	// most 200.
	//
	// That goes for every call that says who makes it: of visitors, of those who are signed in, and of
	// app clients. Only to sign out they may from anywhere. What names no caller goes on: profiles
	// and pages are shown to sessions that there are, and access tokens are good until they expire.
	// Nor is an [Admin] refused, who is the program itself.
	Block []netip.Prefix `json:",omitzero"`
	// Allow are networks from which no sign-in is a risk, such as those of the office: Cognito's
	// SkippedIPRangeList. Nothing else is skipped: locks, limits, blocked networks and the factors
	// that the pool requires hold there as anywhere. At most 200, and none within one of Block.
	Allow []netip.Prefix `json:",omitzero"`
	// Low, Medium and High are what is done about a sign-in at such a risk, none milder than the one
	// before. A new device and a new network are a medium one; with guesses that were wrong, or a
	// password that everybody uses, it is high. "" means RiskAllow for Low, and what the one before
	// means for the others, which is at least RiskAsk for High.
	Low    RiskAction `json:",omitzero"`
	Medium RiskAction `json:",omitzero"`
	High   RiskAction `json:",omitzero"`
}

const maxNetworks = 200

// defaults returns s with every default written out and each network in the one form that it has,
// sharing nothing.
func (s RiskSettings) defaults() RiskSettings {
	s.Low = cmp.Or(s.Low, RiskAllow)
	s.Medium = cmp.Or(s.Medium, stricter(s.Low, RiskAllow))
	s.High = cmp.Or(s.High, stricter(s.Medium, RiskAsk))
	for _, list := range []*[]netip.Prefix{&s.Block, &s.Allow} {
		*list = slices.Clone(*list)
		for i, n := range *list {
			if n.Addr().Is4In6() && n.Bits() >= 96 {
				(*list)[i] = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
			}
		}
	}
	return s
}

// problems returns what is wrong with settings whose defaults are written out.
func (s RiskSettings) problems() (ps []string) {
	for _, list := range []struct {
		name     string
		networks []netip.Prefix
	}{{"blocked", s.Block}, {"allowed", s.Allow}} {
		if len(list.networks) > maxNetworks {
			ps = append(ps, fmt.Sprintf("risk: %d %s networks are more than %d", len(list.networks), list.name, maxNetworks))
		}
		for _, n := range list.networks {
			if !n.IsValid() {
				ps = append(ps, fmt.Sprintf("risk: a %s network is none", list.name))
			} else if n != n.Masked() { // a slip, and perhaps far more than was meant
				ps = append(ps, fmt.Sprintf("risk: %s network %v has bits beyond its length; it would be %v", list.name, n, n.Masked()))
			}
		}
	}
	for _, n := range s.Allow { // which would do nothing, and seem to
		if i := slices.IndexFunc(s.Block, func(b netip.Prefix) bool { return b.Bits() <= n.Bits() && b.Contains(n.Addr()) }); i >= 0 {
			ps = append(ps, fmt.Sprintf("risk: allowed network %v lies in %v, which is blocked", n, s.Block[i]))
		}
	}
	return append(ps, s.actionProblems()...)
}

// blocks reports whether a caller is in a blocked network.
func (s RiskSettings) blocks(c Caller) bool { return c.in(s.Block) }

// in reports whether the caller's address is in one of some networks. A zone says on which interface
// of ours the address was seen, and nothing of where it is.
func (c Caller) in(networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(c.address()) })
}

// visit reads for a call that somebody makes, and returns it with the settings that bind as of that
// read. All reading for visitors and owners of accounts begins here, so that no entrance forgets
// whom the pool refuses wherever they knock: by what this process knows before it does anything, and
// by what it has read (security.md S18).
func (p *Pool) visit(ctx context.Context, from Caller, w storage.Want) (storage.Got, *state, error) {
	if err := p.admits(ctx, p.state.Load(), from); err != nil {
		return storage.Got{}, nil, err
	}
	got, err := p.read(ctx, w)
	if err != nil {
		return storage.Got{}, nil, err
	}
	s, err := p.current(ctx, got.PoolEpoch)
	if err != nil {
		return storage.Got{}, nil, err
	}
	return got, s, p.admits(ctx, s, from)
}

// admits refuses a caller in a blocked network.
func (p *Pool) admits(ctx context.Context, s *state, from Caller) error {
	if !s.settings.Risk.blocks(from) {
		return nil
	}
	return p.unjudged(ctx, occurrence{from: from, Kind: visitEvent}, networkBlocked, ErrNetworkBlocked)
}
