package lifecycle_test

import (
	"slices"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// owners is what people do with their own account, by an access token or by a cookie.
var owners = []operation{
	{"look at oneself", 4, []string{"Account.Get", "Pool.Session"}, look},
	{"change the password", 4, []string{"Account.ChangePassword"}, change},
	{"change a nickname", 1, []string{"Account.UpdateAttributes"}, rename},
	{"end one session", 3, []string{"Account.Sessions", "Account.EndSession"}, endOne},
	{"end the other sessions", 2, []string{"Account.EndOtherSessions"}, endOthers},
	{"delete oneself", 1, []string{"Account.Delete"}, vanish},
	{"sign out here", 2, []string{"Account.SignOut"}, leave},
	{"sign out everywhere", 1, []string{"Account.SignOutEverywhere"}, leaveEverywhere},
	{"step up", 2, []string{"Account.StepUp"}, stepUp},
}

// account opens the account of a session, and returns nil where that is over, as it must be.
func (w *world) account(t *town, s *session) *pool.Account {
	live := s.alive(w.now())
	if s.browser() {
		a, _, err := t.Session(w.ctx, s.cookie)
		if live {
			w.want(err, nil)
			s.uses(w.now())
			w.heard()
			return a
		}
		w.want(err, pool.ErrNotAuthorized)
		return nil
	}
	newest := s.access[len(s.access)-1]
	a, err := t.Account(w.ctx, newest.token)
	if err == nil {
		_, err = a.Get(w.ctx)
	}
	if live && newest.era == s.era && w.now().Before(newest.until) {
		w.want(err, nil)
		return a
	}
	w.want(err, pool.ErrNotAuthorized)
	return nil
}

// anyAccount returns one of the accounts that are open, with its session; mostly there is one.
func (w *world) anyAccount(t *town) (*pool.Account, *session) {
	s := w.session(t, func(*session) bool { return true })
	if s == nil {
		return nil, nil
	}
	w.say("of %s, browser %t", s.of.login(), s.browser())
	return w.account(t, s), s
}

func look(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	got, err := a.Get(w.ctx)
	w.want(err, nil)
	if got.ID != s.of.id || got.Email != s.of.email || got.EmailVerified != s.of.proven || got.Attributes["nickname"] != s.of.nickname || (len(got.Groups) == 1) != s.of.staff {
		w.fail("the account is %+v, want %+v", got, *s.of)
	}
}

func change(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	p, now := s.of, w.now()
	old, next := w.guess(p), w.secret(t)
	w.say("%q to %q", old, next)
	step, err := a.ChangePassword(w.ctx, pool.ChangePasswordInput{
		Old: password.New(old), New: password.New(next), Caller: w.caller(s.browser()),
	})
	switch {
	case p.guesses.closed(now):
		w.want(err, pool.ErrNotAuthorized)
	case old != p.password:
		w.want(err, pool.ErrNotAuthorized)
		p.guesses.fail(now, true)
	default:
		w.want(err, nil)
		if w.withheld(&p.guesses) {
			return
		}
		p.sets(next, now)
		p.guesses = lock{}
		w.enters(t, p, step, s.browser(), now)
	}
}

func leave(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	w.want(a.SignOut(w.ctx, w.caller(false)), nil)
	s.over = true
}

func leaveEverywhere(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	w.want(a.SignOutEverywhere(w.ctx, w.caller(false)), nil)
	s.of.revoke()
}

func rename(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	name := one(w, []string{"", "Countess", "Enchantress"})
	in := pool.ChangeAttributesInput{Attributes: user.Attributes{"nickname": name}, Caller: w.caller(false)}
	w.want(a.UpdateAttributes(w.ctx, in), nil)
	s.of.nickname = name
	in.Attributes = user.Attributes{"email": "another@example.com"}
	w.want(a.UpdateAttributes(w.ctx, in), pool.ErrInvalid)
	in.Attributes = user.Attributes{"email_verified": "true"}
	w.want(a.UpdateAttributes(w.ctx, in), pool.ErrInvalid)
}

// proof is what a sensitive act is asked with: nothing where the sign-in is fresh, or a password.
func (w *world) proof(p *person) (typed string, with pool.Response) {
	if w.chance(2) {
		return "", nil
	}
	typed = w.guess(p)
	return typed, pool.Password{Value: password.New(typed)}
}

// proves wants the answer to a sensitive act, and reports whether it was done.
func (w *world) proves(s *session, typed string, err error) bool {
	p, now := s.of, w.now()
	switch {
	case typed == "" && now.Sub(s.since) >= fresh:
		w.want(err, pool.ErrNeedsProof)
		return false
	case typed != "" && p.guesses.closed(now):
		w.want(err, pool.ErrNotAuthorized)
		return false
	case typed != "" && typed != p.password:
		w.want(err, pool.ErrNotAuthorized)
		p.guesses.fail(now, true)
		return false
	}
	w.want(err, nil)
	if typed != "" {
		if w.withheld(&p.guesses) {
			return false
		}
		p.guesses = lock{}
	}
	return true
}

// endOne ends one of one's own sessions, which are those that the model holds for alive.
func endOne(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	live := of(t.sessions, func(o *session) bool { return o.of == s.of && o.alive(w.now()) })
	held := of(live, func(o *session) bool { return !o.unheld })
	all, err := a.Sessions(w.ctx)
	w.want(err, nil)
	if len(all) != len(live) {
		w.fail("%d sessions are alive, want %d", len(all), len(live))
	}
	other := one(w, held)
	id := w.idOf(t, other)
	if id == "" {
		return // its access token is over: nobody can say which it is
	}
	typed, with := w.proof(s.of)
	w.say("%s with %q", id, typed)
	if w.proves(s, typed, a.EndSession(w.ctx, pool.EndSessionInput{ID: id, With: with, Caller: w.caller(false)})) {
		other.over = true
	}
}

// idOf returns the id of a live session as its owner sees it, or "".
func (w *world) idOf(t *town, s *session) string {
	a := w.account(t, s)
	if a == nil {
		return ""
	}
	all, err := a.Sessions(w.ctx)
	w.want(err, nil)
	for _, o := range all {
		if o.This {
			return o.ID
		}
	}
	w.fail("the acting session of %s is not among its sessions", s.of.login())
	return ""
}

func endOthers(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	typed, with := w.proof(s.of)
	w.say("with %q", typed)
	step, err := a.EndOtherSessions(w.ctx, pool.EndOtherSessionsInput{With: with, Caller: w.caller(false)})
	if w.proves(s, typed, err) {
		s.of.revoke()
		w.goesOn(t, s, typed, step)
	}
}

// goesOn is what an act leaves of the acting session: one in its place or, where an access token alone
// was shown, itself, with the refresh token that it had.
func (w *world) goesOn(t *town, s *session, typed string, step pool.Step) {
	if s.browser() || typed != "" {
		next := w.enters(t, s.of, step, s.browser(), s.since)
		next.ends = s.ends // nothing was proven anew
		return
	}
	d := leads[pool.Done](w, step)
	if s.era = s.of.era; w.lost {
		return
	}
	if !d.Tokens.Refresh.IsZero() {
		w.fail("an access token alone was changed for a refresh token")
	}
	s.access = append(s.access, access{d.Tokens.Access, w.now().Add(accessLife), s.era})
}

// stepUp takes a session's place without asking for more than it has shown. By an access token all is
// asked for anew.
func stepUp(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	step, err := a.StepUp(w.ctx, pool.StepUpInput{Caller: w.caller(false)})
	w.want(err, nil)
	if !s.browser() && s.since.Before(w.now()) {
		leads[pool.NeedPassword](w, step)
		return
	}
	s.over = true
	next := w.enters(t, s.of, step, s.browser(), s.since)
	next.ends = s.ends // nothing was proven anew
}

func vanish(w *world, t *town) {
	a, s := w.anyAccount(t)
	if a == nil {
		return
	}
	p := s.of
	typed, with := w.proof(p)
	w.say("with %q", typed)
	if !w.proves(s, typed, a.Delete(w.ctx, pool.DeleteInput{With: with, Caller: w.caller(false)})) {
		return
	}
	var told, want []string
	for _, f := range w.restorable(p) { // those hear of it, who could have taken it back
		if !slices.Contains(want, f.to) {
			want = append(want, f.to)
		}
	}
	p.erase()
	if p.proven && at(t.mails, "sign up "+p.email).take(w.now(), 5) {
		want = append(want, p.email)
	}
	for _, m := range w.post(t, message.AccountDeleted) {
		told = append(told, m.To)
	}
	slices.Sort(told)
	slices.Sort(want)
	if !slices.Equal(told, want) {
		w.fail("of the deletion are told %v, want %v", told, want)
	}
}

// verifies wants the verifier of a pool to take the access tokens of a session that are good, and no
// others.
func (w *world) verifies(t *town, s *session) {
	for _, a := range s.access[max(0, len(s.access)-3):] {
		_, err := t.verifier.Verify(w.ctx, a.token.Reveal())
		live := !s.over && !s.of.gone && a.era == s.of.era && w.now().Before(a.until)
		if live != (err == nil) {
			w.fail("the verifier says %v of a token of %s that is good: %t", err, s.of.login(), live)
		}
	}
}

// opens wants nothing of a session to open anything in another pool.
func (w *world) opens(other *town, s *session) {
	if s.browser() {
		_, _, err := other.Session(w.ctx, s.cookie)
		w.want(err, pool.ErrNotAuthorized)
		return
	}
	if _, err := other.verifier.Verify(w.ctx, s.access[0].token.Reveal()); err == nil {
		w.fail("%s takes an access token of %s", other.ID(), s.of.town.ID())
	}
	_, err := other.Account(w.ctx, s.access[0].token)
	w.want(err, pool.ErrNotAuthorized)
	last := s.refresh[len(s.refresh)-1]
	_, err = other.Refresh(w.ctx, pool.RefreshInput{Token: last, Caller: w.caller(false)})
	w.want(err, pool.ErrNotAuthorized)
	// What never was is signed out (RFC 7009, 2.2); what is must not be.
	w.want(other.SignOut(w.ctx, pool.SignOutInput{Token: last, Caller: w.caller(false)}), nil, pool.ErrNotAuthorized)
	w.want(other.SignOut(w.ctx, pool.SignOutInput{Token: token.NewSecret("v1.AAAA"), Caller: w.caller(false)}), pool.ErrNotAuthorized)
}
