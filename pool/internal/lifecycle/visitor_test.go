package lifecycle_test

import (
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// visitors is what people do without being signed in.
var visitors = []operation{
	{"sign up", 8, []string{"Pool.SignUp"}, signUp},
	{"bring a code", 16, []string{"Pool.ConfirmSignUp"}, confirm},
	{"open a link elsewhere", 3, []string{"Pool.ConfirmLink"}, openLink},
	{"ask for another code", 2, []string{"Pool.ResendCode"}, resend},
	{"sign in", 18, []string{"Pool.SignIn"}, signIn},
	{"answer a step", 16, []string{"Pool.Respond"}, answer},
	{"forget the password", 4, []string{"Pool.ForgotPassword"}, forget},
	{"bring a reset code", 8, []string{"Pool.ResetPassword"}, reset},
	{"guess at a password", 2, []string{"Pool.SignIn"}, guessPassword},
	{"guess at a code", 3, []string{"Pool.ConfirmSignUp", "Pool.ResetPassword"}, guessCode},
	{"refresh", 10, []string{"Pool.Refresh"}, refresh},
	{"sign out", 2, []string{"Pool.SignOut"}, signOut},
}

func signUp(w *world, t *town) {
	free := func(login string) bool { return !t.taken(login, nil) }
	email, name, secret := mostly(w, addresses, free), "", w.secret(t)
	in := pool.SignUpInput{Username: email, Password: password.New(secret), Caller: w.caller(w.chance(3))}
	if t.named {
		name = mostly(w, names, free)
		in.Username, in.Attributes = name, user.Attributes{"email": email}
	}
	w.say("%s %s %q", name, email, secret)
	up, err := t.SignUp(w.ctx, in)
	if t.closed {
		w.want(err, pool.ErrNotAuthorized)
		return
	}
	if name != "" && t.taken(name, nil) {
		w.want(err, pool.ErrLoginTaken)
		return
	}
	w.want(err, nil)
	p := &person{town: t, status: w.status("", user.SignUp), name: name, email: email, made: w.now()}
	p.password, p.salt = secret, email
	for _, there := range []*person{t.newest(email), t.owner(email)} {
		if there != nil {
			p.salt = there.salt
		}
	}
	if rivals := t.attempts(p.login()); len(rivals) == 3 {
		rivals[0].erase()
	}
	t.people = append(t.people, p)
	w.coded(t, t.issue(&ticket{
		kind: confirming, text: up.Ticket, of: p, until: w.now().Add(attemptLife), browser: in.Caller.Browser,
		taken: t.owner(email) != nil,
	}))
}

// coded takes the message that a ticket for a sign-up has caused: a code or a link at an address
// that nobody owns, as often as one is sent there.
func (w *world) coded(t *town, tk *ticket) {
	to := tk.of.email
	switch {
	case !at(t.mails, "sign up "+to).take(w.now(), 5):
		w.silence(t)
	case tk.taken:
		w.letter(t, message.AlreadyRegistered, to)
	case t.byLink:
		w.letter(t, message.ConfirmSignUpLink, to)
		_, tk.code, _ = strings.Cut(t.box.Link(to), "?link=")
	default:
		w.letter(t, message.ConfirmSignUp, to)
		tk.code = t.box.Code(to)
	}
}

func confirm(w *world, t *town) {
	tk := w.ticket(t, confirming)
	if tk == nil {
		return
	}
	w.brings(t, tk, w.codeFor(t, tk))
}

// brings brings a code with the ticket of a sign-up.
func (w *world) brings(t *town, tk *ticket, code string) {
	w.say("of %s: %q", tk.of.login(), code)
	by := w.caller(tk.browser)
	step, err := pool.Step(nil), error(nil)
	if t.byLink && code == tk.code && w.chance(2) {
		step, err = t.ConfirmLink(w.ctx, pool.LinkInput{Link: code, Ticket: tk.text, Caller: by})
	} else {
		step, err = t.ConfirmSignUp(w.ctx, pool.CodeInput{Ticket: tk.text, Code: code, Caller: by})
	}
	w.confirmed(t, tk, code, step, err)
}

// confirmed wants the answer to a code that was brought with the ticket of a sign-up.
func (w *world) confirmed(t *town, tk *ticket, code string, step pool.Step, err error) {
	p, now := tk.of, w.now()
	right := code != "" && code == tk.code && !p.somebody()
	switch {
	case !tk.good(now), p.confirms.closed(now), t.closed:
		w.want(err, refused...)
	case right && tk.shown && p.guesses.closed(now):
		w.want(err, append(refused, pool.ErrLoginTaken)...)
	case !right, p.disabled:
		w.want(err, refused...)
		p.confirms.fail(now, false)
		tk.tries++
	case w.rival(t, p):
		w.want(err, pool.ErrLoginTaken)
	default:
		w.want(err, nil)
		if w.withheld(&p.confirms, &p.guesses) {
			return
		}
		w.joins(t, p, tk, step)
	}
}

// rival reports whether somebody else owns what p would by confirming.
func (w *world) rival(t *town, p *person) bool {
	return t.taken(p.email, p) || p.name != "" && t.taken(p.name, p)
}

// joins makes a user of a sign-up whose address was proven.
func (w *world) joins(t *town, p *person, tk *ticket, step pool.Step) {
	p.status, p.proven = w.status(p.status, user.Confirm), true
	p.confirms, tk.used = lock{}, true
	if tk.beside != nil {
		tk.beside.used = true
	}
	if tk.shown {
		p.guesses = lock{}
		w.enters(t, p, step, tk.browser, tk.since)
		return
	}
	need := leads[pool.NeedPassword](w, step)
	t.issue(&ticket{kind: byPassword, text: need.Ticket, of: p, until: w.now().Add(stepLife), since: w.now(), browser: tk.browser})
}

// openLink opens the link of a sign-up in a browser that has no ticket, where it asks for the
// password.
func openLink(w *world, t *town) {
	tk := w.ticket(t, confirming)
	if tk == nil || !t.byLink || tk.code == "" {
		return
	}
	w.say("of %s", tk.of.login())
	step, err := t.ConfirmLink(w.ctx, pool.LinkInput{Link: tk.code, Caller: w.caller(false)})
	if !tk.good(w.now()) || tk.of.somebody() {
		w.want(err, pool.ErrTicketGone)
		return
	}
	if t.closed {
		w.want(err, pool.ErrNotAuthorized)
		return
	}
	w.want(err, nil)
	need := leads[pool.NeedPassword](w, step)
	t.issue(&ticket{kind: byLinkAlone, text: need.Ticket, of: tk.of, until: tk.until, shown: true, beside: tk})
}

func resend(w *world, t *town) {
	tk := w.ticket(t, confirming)
	if tk == nil {
		return
	}
	w.say("of %s", tk.of.login())
	res, err := t.ResendCode(w.ctx, pool.ResendInput{Ticket: tk.text, Caller: w.caller(tk.browser)})
	if !tk.good(w.now()) {
		w.want(err, pool.ErrTicketGone)
		return
	}
	if tk.of.somebody() {
		w.want(err, pool.ErrWrongStep)
		return
	}
	if t.closed {
		w.want(err, pool.ErrNotAuthorized)
		return
	}
	w.want(err, nil)
	tk.used = true
	next := &ticket{
		kind: confirming, text: res.Ticket, of: tk.of, until: tk.until, shown: tk.shown, since: tk.since, browser: tk.browser,
		taken: tk.taken,
	}
	w.coded(t, t.issue(next))
}

// signIn tries a password at a login: mostly the right one, or one of somebody else's, or of
// before.
func signIn(w *world, t *town) {
	login := w.login(t)
	w.types(t, login, w.guess(t.owner(login), t.newest(login)), w.chance(3))
}

// guessPassword guesses at one password until there is no use in it, and then types the right one.
func guessPassword(w *world, t *town) {
	login := w.login(t)
	for range 1 + w.rand.IntN(6) {
		w.types(t, login, "not the password of anybody", false)
	}
	if w.chance(2) {
		w.pass(one(w, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}))
	}
	if p := t.owner(login); p != nil {
		w.types(t, login, p.password, false)
	}
}

// types signs in by a password.
func (w *world) types(t *town, login, typed string, browser bool) {
	w.say("%s %q", login, typed)
	owner, attempt, now := t.owner(login), t.newest(login), w.now()
	if t.closed || t.named && owner != nil && login == owner.name {
		attempt = nil // a closed sign-up is nobody's, and that a name is taken shows
	}
	step, err := t.SignIn(w.ctx, pool.SignInInput{
		Username: login, With: pool.Password{Value: password.New(typed)}, Caller: w.caller(browser),
	})
	guesses := at(t.strangers, login)
	if owner != nil {
		guesses = &owner.guesses
	}
	if guesses.closed(now) {
		w.want(err, pool.ErrNotAuthorized)
		return
	}
	switch right := owner != nil && !owner.disabled && typed == owner.password; {
	case right && owner.status == user.Confirmed:
		w.want(err, nil)
		if w.withheld(guesses) {
			return
		}
		*guesses = lock{}
		w.enters(t, owner, step, browser, now)
	case right && owner.status == user.ForceChangePassword && now.Before(owner.set.Add(temporary)):
		w.want(err, nil)
		guesses.fail(now, true)
		need := leads[pool.NeedNewPassword](w, step)
		t.issue(&ticket{kind: replacing, text: need.Ticket, of: owner, until: now.Add(stepLife), since: now, browser: browser})
	case attempt != nil && !attempt.disabled && attempt.judged(owner) && typed == attempt.password:
		w.want(err, nil)
		guesses.fail(now, true)
		need := leads[pool.NeedConfirm](w, step)
		tk := &ticket{kind: confirming, text: need.Ticket, of: attempt, shown: true, since: now, browser: browser}
		tk.until, tk.taken = attempt.made.Add(attemptLife), owner != nil
		w.coded(t, t.issue(tk))
	default:
		w.want(err, pool.ErrNotAuthorized)
		guesses.fail(now, true)
	}
}

// login returns what somebody types to say who they are, mostly a login of theirs.
func (w *world) login(t *town) string {
	if p := w.anyone(t); p != nil && !w.chance(5) {
		return p.login()
	}
	return one(w, t.logins())
}

// guess returns a password to try: mostly one of those that are likely, or else anybody's.
func (w *world) guess(likely ...*person) string {
	for _, p := range likely {
		if p != nil && !w.chance(3) {
			return p.password
		}
	}
	p := one(w, one(w, w.towns).people)
	if p == nil || w.chance(4) {
		return "not the password of anybody"
	}
	return p.password
}

// enters wants a session of p, whose oldest proof is as old as that.
func (w *world) enters(t *town, p *person, step pool.Step, browser bool, since time.Time) *session {
	d := leads[pool.Done](w, step)
	now := w.now()
	s := &session{of: p, era: p.era, ends: now.Add(browserLife), since: since, used: now, cookie: d.Cookie}
	if w.lost {
		s.handed(browser)
	}
	if browser != s.browser() {
		w.fail("a browser's session is %t, want %t", s.browser(), browser)
	}
	if !browser {
		s.ends = now.Add(refreshLife)
		s.hands(d.Tokens, now)
	}
	t.sessions = append(t.sessions, s)
	return s
}

// answer answers a step that asks for a password.
func answer(w *world, t *town) {
	tk := w.ticket(t, byPassword, replacing, byLinkAlone)
	if tk == nil {
		return
	}
	p := tk.of
	in := pool.RespondInput{Ticket: tk.text, Caller: w.caller(tk.browser)}
	if tk.kind == replacing {
		next := w.secret(t)
		w.say("of %s: %q", p.login(), next)
		in.With = pool.NewPassword{Value: password.New(next)}
		step, err := t.Respond(w.ctx, in)
		w.replaced(t, tk, next, step, err)
		return
	}
	typed := w.guess(p)
	w.say("of %s: %q", p.login(), typed)
	in.With = pool.Password{Value: password.New(typed)}
	step, err := t.Respond(w.ctx, in)
	w.passed(t, tk, typed, step, err)
}

// passed wants the answer to a password that a ticket asked for.
func (w *world) passed(t *town, tk *ticket, typed string, step pool.Step, err error) {
	p, now := tk.of, w.now()
	tries := &tk.tries
	if tk.beside != nil {
		tries = &tk.beside.tries
	}
	switch {
	case !tk.good(now), p.guesses.closed(now), t.closed && tk.kind == byLinkAlone:
		w.want(err, refused...)
	case typed != p.password, p.disabled:
		w.want(err, pool.ErrNotAuthorized)
		p.guesses.fail(now, true)
		*tries++
	case tk.kind == byPassword:
		w.want(err, nil)
		if w.withheld(&p.guesses) {
			return
		}
		tk.used, p.guesses = true, lock{}
		w.enters(t, p, step, tk.browser, tk.since)
	case p.confirms.closed(now):
		w.want(err, refused...)
	case w.rival(t, p):
		w.want(err, pool.ErrLoginTaken)
	default:
		w.want(err, nil)
		tk.since = now
		w.joins(t, p, tk, step)
	}
}

// replaced wants the answer to a password that is to replace a temporary one.
func (w *world) replaced(t *town, tk *ticket, next string, step pool.Step, err error) {
	p, now := tk.of, w.now()
	switch {
	case !tk.good(now), p.guesses.closed(now), !now.Before(p.set.Add(temporary)):
		w.want(err, refused...)
	case next == p.password:
		w.want(err, pool.ErrInvalid)
		p.guesses.fail(now, true)
	default:
		w.want(err, nil)
		if w.withheld(&p.guesses) {
			return
		}
		p.status = w.status(p.status, user.AnswerNewPassword)
		p.sets(next, now)
		tk.used, p.guesses = true, lock{}
		w.enters(t, p, step, tk.browser, tk.since)
	}
}

// forget asks for a code to reset the password of a login.
func forget(w *world, t *town) {
	login, now := w.login(t), w.now()
	w.say("%s", login)
	in := pool.ForgotPasswordInput{Username: login, Caller: w.caller(w.chance(3))}
	res, err := t.ForgotPassword(w.ctx, in)
	w.want(err, nil)
	tk := &ticket{kind: resetting, text: res.Ticket, login: login, until: now.Add(resetLife), browser: in.Caller.Browser}
	most := 5
	if !strings.Contains(login, "@") {
		most = 3 // a phone may be behind a name
	}
	full := !at(t.mails, "reset "+login).take(now, most)
	p := t.owner(login)
	tk.resets = at(t.strangers, "reset "+login)
	if p != nil {
		tk.resets = &p.resets
		if w.recovers(p) {
			tk.of = p
		}
		if !full {
			p.newest = tk // also where it is good for nothing
		}
	}
	t.issue(tk)
	if full || tk.of == nil {
		w.silence(t)
		return
	}
	w.letter(t, message.ResetPassword, p.email)
	tk.code = t.box.Code(p.email)
}

// guessCode guesses at the code of one ticket, and then brings the right one.
func guessCode(w *world, t *town) {
	tk := w.ticket(t, confirming, resetting)
	if tk == nil {
		return
	}
	bring := w.brings
	if tk.kind == resetting {
		bring = w.resets
	}
	for range 1 + w.rand.IntN(6) {
		bring(t, tk, "12345") // too short to be any
	}
	for _, next := range t.tickets { // the guesses are counted by whose code it is
		if next.kind == tk.kind && next.of == tk.of && next.of != nil && next.code != "" && next.good(w.now()) {
			bring(t, next, next.code)
		}
	}
}

// recovers reports whether a code may set a new password of p: to a proven address of somebody who
// is let in.
func (w *world) recovers(p *person) bool {
	_, err := user.Next(p.status, user.Forget)
	return err == nil && !p.disabled && p.proven
}

func reset(w *world, t *town) {
	tk := w.ticket(t, resetting)
	if tk == nil {
		return
	}
	w.resets(t, tk, w.codeFor(t, tk))
}

// resets brings a code with the ticket of a reset.
func (w *world) resets(t *town, tk *ticket, code string) {
	next := w.secret(t)
	w.say("for %s: %q, %q", tk.login, code, next)
	step, err := t.ResetPassword(w.ctx, pool.ResetPasswordInput{
		Ticket: tk.text, Code: code, Password: password.New(next), Caller: w.caller(tk.browser),
	})
	now := w.now()
	switch right := tk.code != "" && code == tk.code && tk.owned() && tk.of.newest == tk && w.recovers(tk.of); {
	case tk.used, !now.Before(tk.until), tk.tries >= 5, tk.resets.closed(now):
		w.want(err, refused...)
	case !right:
		w.want(err, refused...)
		tk.resets.fail(now, false)
		tk.tries++
	default:
		w.want(err, nil)
		if w.withheld(tk.resets) {
			return
		}
		p := tk.of
		p.status = w.status(p.status, user.Reset)
		p.sets(next, now)
		tk.used, p.resets, p.guesses = true, lock{}, lock{}
		need := leads[pool.NeedPassword](w, step)
		t.issue(&ticket{kind: byPassword, text: need.Ticket, of: p, until: now.Add(stepLife), since: now, browser: tk.browser})
	}
}

func refresh(w *world, t *town) {
	s := w.session(t, func(s *session) bool { return !s.browser() })
	if s == nil {
		return
	}
	n, now := len(s.refresh)-1, w.now()
	if w.chance(3) {
		n = max(0, n-1-w.rand.IntN(2))
	}
	w.say("of %s, token %d of %d", s.of.login(), n+1, len(s.refresh))
	d, err := pool.Finished(t.Refresh(w.ctx, pool.RefreshInput{Token: s.refresh[n], Caller: w.caller(false)}))
	switch {
	case !s.alive(now):
		w.want(err, pool.ErrNotAuthorized)
	case n == len(s.refresh)-1:
		w.want(err, nil)
		if w.lost { // the token that was brought is good for another time
			d, err = pool.Finished(t.Refresh(w.ctx, pool.RefreshInput{Token: s.refresh[n], Caller: w.caller(false)}))
			w.want(err, nil)
		}
		s.hands(d.Tokens, now)
	case n == len(s.refresh)-2 && now.Sub(s.rotated) < grace:
		w.want(err, nil)
		if w.lost {
			return
		}
		if d.Tokens.Refresh.Reveal() != s.refresh[n+1].Reveal() {
			w.fail("a retry has a successor of its own")
		}
		s.access = append(s.access, access{d.Tokens.Access, now.Add(accessLife), s.era})
	default:
		w.want(err, pool.ErrNotAuthorized)
		s.over = true
	}
}

func signOut(w *world, t *town) {
	s := w.session(t, func(s *session) bool { return !s.browser() })
	if s == nil {
		return
	}
	w.say("%s", s.of.login())
	w.want(t.SignOut(w.ctx, pool.SignOutInput{Token: one(w, s.refresh), Caller: w.caller(false)}), nil)
	s.over = true
}

// status moves a status on along the machine, which must be able to.
func (w *world) status(from user.Status, e user.Event) user.Status {
	s, err := user.Next(from, e)
	if err != nil {
		w.fail("the model: %v", err)
	}
	return s
}

// issue keeps a ticket.
func (t *town) issue(tk *ticket) *ticket {
	if tk.of != nil {
		tk.era = tk.of.era
	}
	if tk.text != "" { // else the answer was lost that told it
		t.tickets = append(t.tickets, tk)
	}
	return tk
}

// ticket returns one of some kinds, mostly one that is still good; nil where there is none.
func (w *world) ticket(t *town, kinds ...kind) *ticket {
	all := of(t.tickets, func(tk *ticket) bool { return slices.Contains(kinds, tk.kind) })
	return mostly(w, all, func(tk *ticket) bool { return tk.good(w.now()) && (tk.code != "" || tk.kind != confirming) })
}

// session returns one that passes a test, mostly one that is alive; nil where there is none.
func (w *world) session(t *town, is func(*session) bool) *session {
	held := of(t.sessions, func(s *session) bool { return !s.unheld && is(s) })
	return mostly(w, held, func(s *session) bool { return s.alive(w.now()) })
}

// mostly returns one of all that pass a test, or now and then any one of the last.
func mostly[T any](w *world, all []T, pass func(T) bool) T {
	if some := of(all, pass); len(some) > 0 && !w.chance(5) {
		return one(w, some)
	}
	return one(w, all[max(0, len(all)-8):])
}

// codeFor returns a code to bring with a ticket: mostly its own, or another's, or a wrong one.
func (w *world) codeFor(t *town, tk *ticket) string {
	if tk.code != "" && !w.chance(3) {
		return tk.code
	}
	if other := one(w, t.tickets); other.code != "" && w.chance(2) {
		return other.code
	}
	return "12345" // too short to be any
}
