package lifecycle_test

import (
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// movers is what people do with their addresses, and those do who had them before.
var movers = []operation{
	{"ask for another address", 4, []string{"Account.ChangeAddress"}, askAddress},
	{"prove the address", 6, []string{"Account.ConfirmAddress"}, proveAddress},
	{"ask for its code again", 1, []string{"Account.ResendAddressCode"}, askAgain},
	{"give the address up", 1, []string{"Account.RemoveAddress"}, removeAddress},
	{"take an address back", 3, []string{"Pool.CancelChange"}, takeBack},
}

// pending is an address that is to be proven.
type pending struct {
	to    string
	code  string // "" means that none was sent
	until time.Time
	era   int
	tries int
}

// former is an address that was given up, and can be restored by a link.
type former struct {
	to, link string
	until    time.Time
}

// rest is for how long nobody takes a login but who has given it up.
type rest struct {
	until time.Time
	by    *person // nil means nobody at all
}

// restorable returns what of p's addresses can be restored: for a week, and as long as they have the
// address that they have moved to themselves.
func (w *world) restorable(p *person) []former {
	if p.gone || p.movedTo != p.email {
		return nil
	}
	return of(p.formers, func(f former) bool { return w.now().Before(f.until) })
}

func askAddress(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	p, to := s.of, one(w, addresses)
	typed, with := w.proof(p)
	w.say("%s with %q", to, typed)
	_, err := a.ChangeAddress(w.ctx, pool.ChangeAddressInput{To: to, With: with, Caller: w.caller(s.browser())})
	switch {
	case to == p.email && p.proven:
		w.want(err, pool.ErrInvalid)
		return
	case p.proven && len(w.restorable(p)) == 8, !p.asks.open(w.now(), 5):
		w.want(err, pool.ErrLimited)
		return
	case !w.proves(s, typed, err):
		return
	}
	w.asksFor(t, p, to, w.now().Add(attemptLife))
}

// asksFor takes the message that a new address has caused: a code there or, where it is somebody
// else's, a notice to them.
func (w *world) asksFor(t *town, p *person, to string, until time.Time) {
	p.asks.take(w.now(), 5)
	owner := t.owner(to)
	next := &pending{to: to, until: until, era: p.era}
	switch {
	case !at(t.mails, "sign up "+to).take(w.now(), 5):
		w.silence(t)
		if old := p.pending; old != nil && w.provable(p) && old.to == to {
			next.code, next.until = old.code, old.until // what sends nothing voids nothing
		}
	case owner != nil && owner != p:
		w.letter(t, message.AlreadyRegistered, to)
	default:
		w.letter(t, message.ConfirmAddress, to)
		next.code = t.box.Code(to)
	}
	p.pending = next
}

// provable reports whether p can prove the address that they have asked for.
func (w *world) provable(p *person) bool {
	q := p.pending
	return q != nil && w.now().Before(q.until) && q.era == p.era && q.tries < 5
}

func askAgain(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	p := s.of
	_, err := a.ResendAddressCode(w.ctx, pool.AddressCodeInput{Channel: message.Email, Caller: w.caller(s.browser())})
	switch {
	case !w.provable(p):
		w.want(err, pool.ErrTicketGone)
	case !p.asks.open(w.now(), 5):
		w.want(err, pool.ErrLimited)
	default:
		w.want(err, nil)
		w.asksFor(t, p, p.pending.to, p.pending.until)
	}
}

func proveAddress(w *world, t *town) {
	held := of(t.sessions, func(s *session) bool { return !s.unheld })
	s := mostly(w, held, func(s *session) bool { return s.alive(w.now()) && w.provable(s.of) })
	if s == nil {
		return
	}
	a := w.account(t, s)
	if a == nil {
		return
	}
	p, now, code := s.of, w.now(), "12345"
	if p.pending != nil && p.pending.code != "" && !w.chance(4) {
		code = p.pending.code
	}
	w.say("%s", code)
	in := pool.ConfirmAddressInput{Channel: message.Email, Code: code, Caller: w.caller(s.browser())}
	step, err := a.ConfirmAddress(w.ctx, in)
	switch {
	case !w.provable(p):
		w.want(err, pool.ErrTicketGone)
	case p.proofs.closed(now):
		w.want(err, pool.ErrBadCode)
	case code != p.pending.code:
		w.want(err, pool.ErrBadCode)
		p.proofs.fail(now, false)
		p.pending.tries++
	case p.proven && p.email != p.pending.to && len(w.restorable(p)) == 8:
		w.want(err, pool.ErrLimited)
	case t.taken(p.pending.to, p):
		w.want(err, pool.ErrLoginTaken)
	default:
		w.want(err, nil)
		to := p.pending.to
		p.pending, p.proofs = nil, lock{}
		w.moves(t, s, to, "", step)
	}
}

// moves gives somebody another address, or none, with a password or nothing. The one of before is told,
// and can be restored.
func (w *world) moves(t *town, s *session, to, typed string, step pool.Step) {
	p := s.of
	if to != "" {
		delete(t.rests, to)
	}
	was, told, until, formers := p.email, p.proven && p.email != to, w.now().Add(week), w.restorable(p)
	p.email, p.proven, p.movedTo, p.formers = to, to != "", to, formers // what could not be restored before cannot be ever
	p.revoke()
	w.goesOn(t, s, typed, step)
	if !told {
		return
	}
	_, link, _ := strings.Cut(w.letter(t, message.AddressReplaced, was).Text, t.Issuer()+"/cancel?link=")
	if link == "" {
		w.fail("no link to restore %s leads to a page of %s", was, t.Issuer())
	}
	p.formers = append(formers, former{was, link[:min(64, len(link))], until})
	t.rests[was] = rest{until, p}
}

func removeAddress(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	p := s.of
	typed, with := w.proof(p)
	w.say("with %q", typed)
	step, err := a.RemoveAddress(w.ctx, pool.RemoveAddressInput{Channel: message.Email, With: with, Caller: w.caller(s.browser())})
	switch {
	case p.email == "":
		w.want(err, pool.ErrInvalid)
	case p.name == "":
		w.want(err, pool.ErrNotAllowed) // it is all that they sign in by
	case p.proven && len(w.restorable(p)) == 8:
		w.want(err, pool.ErrLimited)
	case w.proves(s, typed, err):
		w.moves(t, s, "", typed, step)
	}
}

// takeBack restores an address by the link that was sent there, whoever has taken it away.
func takeBack(w *world, t *town) {
	all := of(append(slices.Clone(t.people), t.left...), func(p *person) bool { return len(p.formers) > 0 })
	p := mostly(w, all, func(p *person) bool { return len(w.restorable(p)) > 0 })
	if p == nil || len(p.formers) == 0 {
		return
	}
	f := one(w, p.formers)
	w.say("%s of %s", f.to, p.login())
	err := t.CancelChange(w.ctx, pool.CancelInput{Link: f.link, Caller: w.caller(false)})
	live := w.restorable(p)
	n := slices.Index(live, f)
	if n < 0 {
		w.want(err, pool.ErrTicketGone)
		return
	}
	w.want(err, nil)
	w.post(t, message.AddressesChanged) // perhaps it was they
	for _, undone := range live[n:] {
		delete(t.rests, undone.to)
	}
	p.formers = live[:n]
	p.email, p.proven, p.movedTo = f.to, true, f.to
	if status, err := user.Next(p.status, user.RequireReset); err == nil {
		p.status = status
	}
	p.revoke()
}
