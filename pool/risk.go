package pool

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// RiskAction is what is done about a sign-in at a risk. None of them tells the visitor: who is
// refused hears what a wrong password hears, after the same work, and it counts like one.
type RiskAction string

// The actions, from the mildest, beside Cognito's names for them.
const (
	RiskAllow   RiskAction = "allow"   // NO_ACTION: it goes the usual way
	RiskAsk     RiskAction = "ask"     // MFA_IF_CONFIGURED: whoever has a second factor shows it, on a remembered device too
	RiskRequire RiskAction = "require" // MFA_REQUIRED: whoever has none is refused, a new user too
	RiskBlock   RiskAction = "block"   // BLOCK: it is refused
)

// riskActions are all of them, in their order, and what the gate is told.
var (
	riskActions = []RiskAction{RiskAllow, RiskAsk, RiskRequire, RiskBlock}
	gateRisks   = []gate.Risk{0, gate.Ask, gate.Must, gate.Block}
)

// actions returns what is done at each risk but none.
func (s *RiskSettings) actions() []*RiskAction { return []*RiskAction{&s.Low, &s.Medium, &s.High} }

// stricter returns the stricter of two actions, of which b is one.
func stricter(a, b RiskAction) RiskAction {
	return riskActions[max(slices.Index(riskActions, a), slices.Index(riskActions, b))]
}

// does returns what the gate is told of a risk.
func (s RiskSettings) does(r hook.Risk) gate.Risk {
	if r == hook.NoRisk {
		return 0
	}
	return gateRisks[slices.Index(riskActions, *s.actions()[r-1])]
}

// actionProblems returns what is wrong with the actions.
func (s RiskSettings) actionProblems() (ps []string) {
	mildest := 0
	for i, a := range s.actions() {
		level := []string{"low", "medium", "high"}[i]
		switch n := slices.Index(riskActions, *a); {
		case n < 0:
			ps = append(ps, fmt.Sprintf("risk: at a %s one there is no action %.40q: there are %q", level, *a, riskActions))
		case n < mildest:
			ps = append(ps, fmt.Sprintf("risk: %q at a %s one is milder than at one below", *a, level))
		default:
			mildest = n
		}
	}
	return ps
}

// manyFailures in a row are out of the ordinary; two more lock.
const manyFailures = 3

// circumstances are what is known of an attempt to sign in before anything is proven.
type circumstances struct {
	device  device // that the caller has, of whomever
	from    Caller
	user    *user.User // nil means nobody
	guesses storage.Counter
	typed   password.Secret // zero means none
}

// judged is what the pool makes of circumstances.
func (c circumstances) judged() (e hook.AssessRisk) {
	known := c.device.knows(c.user)
	e.UserNotFound = c.user == nil
	e.NewDevice, e.NewNetwork = !known, !known || !c.from.in(c.device.Networks)
	e.Failures = c.guesses.Run >= manyFailures
	e.CommonPassword = password.Common().Contains(c.typed)
	for _, odd := range []bool{e.NewDevice, e.NewNetwork, e.Failures, e.CommonPassword} {
		if odd && e.Risk < hook.HighRisk {
			e.Risk++
		}
	}
	return e
}

// assess judges the circumstances of an attempt to sign in, which the gate then goes by, and asks
// AssessRisk about them. It stands before the proof, whoever is there: what a program takes its
// time for must not show that a password was right. Where the hook fails, so does the call.
func (p *Pool) assess(
	ctx context.Context, h *hooked, r round, login string, c circumstances,
) (gate.Risk, error) {
	s := r.state.settings.Risk
	if c.from.in(s.Allow) {
		return 0, nil
	}
	e := c.judged()
	if f := p.config.Hooks.AssessRisk; f != nil {
		level, err := once(&h.assessed, func() (hook.Risk, error) {
			e.Event = h.about(r.client, login, c.user)
			e.Source = hook.Authentication
			return consult(ctx, p, assessRisk, f, e, wellJudged)
		})
		if err != nil {
			return 0, err
		}
		e.Risk = level
	}
	return s.does(e.Risk), nil
}

// wellJudged checks an answer to AssessRisk.
func wellJudged(r hook.Risk) error {
	if r < hook.NoRisk || r > hook.HighRisk {
		return fmt.Errorf("%d is no risk", r)
	}
	return nil
}

const maxSurroundings = 8 // networks that a device remembers: home, work, and what lies between

// surroundings returns the networks that a device of the user has been in, with that of the caller
// first. They are wide, because addresses change within them from day to day, and stand in the
// device's own token, sealed: the pool keeps no list of where its users are.
func (d device) surroundings(u *user.User, from Caller) (all []netip.Prefix) {
	if d.User == u.ID {
		all = d.Networks
	}
	ip := from.address()
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	here, err := ip.Prefix(bits)
	if err != nil {
		return all
	}
	others := slices.DeleteFunc(slices.Clone(all), func(n netip.Prefix) bool { return n == here })
	return append([]netip.Prefix{here}, others[:min(len(others), maxSurroundings-1)]...)
}
