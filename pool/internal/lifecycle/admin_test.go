package lifecycle_test

import (
	"strings"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// admins is what administrators do.
var admins = []operation{
	{"create a user", 3, []string{"Admin.CreateUser"}, create},
	{"invite again", 3, []string{"Admin.ResendInvitation"}, reinvite},
	{"set a password", 2, []string{"Admin.SetPassword"}, setPassword},
	{"require a reset", 2, []string{"Admin.ResetPassword"}, requireReset},
	{"confirm by word", 4, []string{"Admin.ConfirmSignUp"}, confirmByWord},
	{"disable", 1, []string{"Admin.Disable"}, disable},
	{"enable", 3, []string{"Admin.Enable"}, enable},
	{"sign somebody out", 1, []string{"Admin.SignOutEverywhere"}, expel},
	{"delete", 1, []string{"Admin.DeleteUser"}, erase},
	{"join a group", 2, []string{"Admin.AddToGroup"}, join},
	{"leave a group", 1, []string{"Admin.RemoveFromGroup"}, quit},
	{"move an address", 2, []string{"Admin.UpdateAttributes"}, move},
	{"act as somebody", 3, []string{"Admin.Impersonate"}, impersonate},
	{"ask for nobody", 1, []string{"Admin.GetUser"}, nobody},
}

func create(w *world, t *town) {
	free := func(login string) bool { return !t.taken(login, nil) }
	email, now := mostly(w, addresses, free), w.now()
	in := pool.CreateUserInput{Username: email, EmailVerified: true, Permanent: w.chance(3), Suppress: w.chance(2)}
	p := &person{town: t, status: w.status("", user.Invite), email: email, salt: email, proven: true, set: now, made: now}
	if t.named {
		p.name, p.proven = mostly(w, names, free), w.chance(2)
		in.Username, in.Attributes, in.EmailVerified = p.name, user.Attributes{"email": email}, p.proven
	}
	if in.Permanent {
		p.status = w.status("", user.Welcome)
	}
	generated := !in.Permanent && !in.Suppress && w.chance(2)
	if !generated {
		p.password = w.secret(t)
		in.Password = password.New(p.password)
	}
	w.say("%s %s, proven %t, permanent %t, %q", p.name, email, p.proven, in.Permanent, p.password)
	made, err := t.admin().CreateUser(w.ctx, in)
	for _, l := range p.logins() {
		if t.taken(l, p) {
			w.want(err, pool.ErrLoginTaken)
			w.silence(t)
			return
		}
	}
	w.want(err, nil)
	p.id = made.ID // or "", where the answer was lost
	t.people = append(t.people, p)
	if in.Permanent || in.Suppress {
		w.silence(t)
		return
	}
	w.invited(t, p)
}

// invited takes the invitation of p, which tells the temporary password.
func (w *world) invited(t *town, p *person) {
	told := ""
	for line := range strings.Lines(w.letter(t, message.Invitation, p.email).Text) {
		if word, indented := strings.CutPrefix(line, "    "); indented {
			told = strings.TrimSpace(word)
		}
	}
	if p.password != "" && told != p.password {
		w.fail("the invitation tells the password %q, want %q", told, p.password)
	}
	p.password = told
}

func reinvite(w *world, t *town) {
	p := w.anyone(t)
	if p == nil {
		return
	}
	w.say("%s, %s", p.login(), p.status)
	err := t.admin().ResendInvitation(w.ctx, pool.ResendInvitationInput{ID: p.id})
	status, impossible := user.Next(p.status, user.Reinvite)
	if impossible != nil {
		w.want(err, pool.ErrNotAllowed)
		return
	}
	if p.email == "" {
		w.want(err, pool.ErrInvalid)
		return
	}
	w.want(err, nil)
	p.status, p.guesses = status, lock{}
	p.sets("", w.now())
	if p.disabled {
		// The message goes all the same: who is enabled again can use it.
		w.say("while disabled")
	}
	w.invited(t, p)
}

func setPassword(w *world, t *town) {
	p := w.anyone(t)
	if p == nil {
		return
	}
	next, event, permanent := w.secret(t), user.SetTemporary, w.chance(2)
	if permanent {
		event = user.SetPassword
	}
	w.say("of %s: %q, permanent %t", p.login(), next, permanent)
	err := t.admin().SetPassword(w.ctx, pool.SetPasswordInput{ID: p.id, Password: password.New(next), Permanent: permanent})
	switch {
	case !p.somebody() && p.name == "":
		w.want(err, pool.ErrNotAllowed) // it proves no address
	case !p.somebody() && t.taken(p.name, p):
		w.want(err, pool.ErrLoginTaken)
	default:
		w.want(err, nil)
		p.status, p.guesses = w.status(p.status, event), lock{}
		p.sets(next, w.now())
		if w.chance(2) {
			w.silence(t)
			w.types(t, p.login(), next, false)
		}
	}
}

func requireReset(w *world, t *town) {
	p := w.anyone(t)
	if p == nil {
		return
	}
	w.say("%s, %s", p.login(), p.status)
	res, err := t.admin().ResetPassword(w.ctx, pool.RequireResetInput{ID: p.id})
	status, impossible := user.Next(p.status, user.RequireReset)
	if impossible != nil || p.disabled || !p.proven {
		w.want(err, pool.ErrNotAllowed)
		w.silence(t)
		return
	}
	w.want(err, nil)
	p.status = status
	p.revoke()
	p.newest = t.issue(&ticket{
		kind: resetting, text: res.Ticket, of: p, login: p.login(), until: w.now().Add(resetLife), resets: &p.resets,
	})
	w.letter(t, message.ResetPassword, p.email)
	p.newest.code = t.box.Code(p.email)
}

func confirmByWord(w *world, t *town) {
	p := w.anyone(t, func(p *person) bool { return !p.somebody() || w.chance(4) })
	if p == nil {
		return
	}
	vouched := w.chance(2)
	w.say("%s, vouched for %t", p.login(), vouched)
	err := t.admin().ConfirmSignUp(w.ctx, pool.ConfirmUserInput{ID: p.id, EmailVerified: vouched})
	status, impossible := user.Next(p.status, user.Confirm)
	switch {
	case impossible != nil:
		w.want(err, pool.ErrNotAllowed)
	case p.name == "" && !vouched:
		w.want(err, pool.ErrInvalid) // nobody owns an address that is not proven
	case p.name != "" && t.taken(p.name, p), vouched && t.taken(p.email, p):
		w.want(err, pool.ErrLoginTaken)
	default:
		w.want(err, nil)
		p.status, p.proven = status, vouched
		p.revoke()
	}
}

func disable(w *world, t *town) {
	if p := w.anyone(t); p != nil {
		w.say("%s", p.login())
		w.want(t.admin().Disable(w.ctx, p.id), nil)
		p.disabled = true
		p.revoke()
	}
}

func enable(w *world, t *town) {
	if p := w.anyone(t, func(p *person) bool { return p.disabled }); p != nil {
		w.say("%s", p.login())
		w.want(t.admin().Enable(w.ctx, p.id), nil)
		p.disabled = false
	}
}

func expel(w *world, t *town) {
	if p := w.anyone(t); p != nil {
		w.say("%s", p.login())
		w.want(t.admin().SignOutEverywhere(w.ctx, p.id), nil)
		p.revoke()
	}
}

func erase(w *world, t *town) {
	if p := w.anyone(t); p != nil {
		w.say("%s", p.login())
		w.want(t.admin().DeleteUser(w.ctx, p.id), nil)
		p.erase()
	}
}

func join(w *world, t *town) {
	p := w.anyone(t)
	if p == nil {
		return
	}
	w.say("%s", p.login())
	err := t.admin().AddToGroup(w.ctx, p.id, staff)
	if !t.grouped {
		w.want(err, pool.ErrInvalid)
		return
	}
	if !p.somebody() {
		w.want(err, pool.ErrNotAllowed)
		return
	}
	w.want(err, nil)
	p.staff = true
}

func quit(w *world, t *town) {
	if p := w.anyone(t); p != nil {
		w.say("%s", p.login())
		w.want(t.admin().RemoveFromGroup(w.ctx, p.id, staff), nil)
		p.staff = false
	}
}

// move gives somebody another address, or the same, that is vouched for or not.
func move(w *world, t *town) {
	p := w.anyone(t)
	if p == nil {
		return
	}
	to, vouched := one(w, addresses), w.chance(2)
	w.say("of %s to %s, vouched for %t", p.login(), to, vouched)
	err := t.admin().UpdateAttributes(w.ctx, pool.UpdateAttributesInput{
		ID: p.id, Attributes: user.Attributes{"email": to}, EmailVerified: vouched,
	})
	moved, was := to != p.email, p.proven
	switch {
	case !p.somebody() && (moved || vouched):
		w.want(err, pool.ErrNotAllowed)
	case p.somebody() && p.name == "" && moved && !vouched:
		w.want(err, pool.ErrInvalid) // it would leave no login
	case vouched && t.taken(to, p):
		w.want(err, pool.ErrLoginTaken)
	default:
		w.want(err, nil)
		if moved && was {
			w.letter(t, message.AddressRemoved, p.email)
		}
		if p.proven = vouched || was && !moved; p.proven != was || moved && p.email != "" {
			p.revoke()
		}
		p.email = to
	}
}

// impersonate acts as somebody for a moment, who is told.
func impersonate(w *world, t *town) {
	p := w.anyone(t)
	if p == nil {
		return
	}
	browser := w.chance(2)
	w.say("%s, browser %t", p.login(), browser)
	done, err := t.admin().Impersonate(w.ctx, pool.ImpersonateInput{ID: p.id, Reason: "to help", Browser: browser})
	if p.status != user.Confirmed || p.disabled {
		w.want(err, pool.ErrNotAllowed)
		return
	}
	w.want(err, nil)
	s := &session{of: p, era: p.era, ends: w.now().Add(accessLife), used: w.now(), unheld: w.lost}
	if p.proven {
		w.letter(t, message.Impersonated, p.email)
	}
	if s.unheld {
		t.sessions = append(t.sessions, s)
		return
	}
	s.cookie = done.Cookie
	s.access = append(s.access, access{done.Tokens.Access, s.ends, s.era})
	a := w.account(t, s)
	got, err := a.Get(w.ctx)
	w.want(err, nil)
	if got.ID != p.id || got.Actor != "lifecycle" || !done.Tokens.Refresh.IsZero() {
		w.fail("acting as %s: %+v", p.login(), got)
	}
	w.want(a.SignOutEverywhere(w.ctx, w.caller(false)), pool.ErrForbidden)
	w.want(a.SignOut(w.ctx, w.caller(false)), nil)
	s.over = true
	w.account(t, s)
}

// nobody asks for users of other pools, and for those who have gone.
func nobody(w *world, t *town) {
	id := user.ID("00000000-0000-4000-8000-000000000000")
	if other := one(w, w.towns); other != t {
		if p := w.anyone(other); p != nil {
			id = p.id
		}
	} else if gone := of(t.tickets, func(tk *ticket) bool { return tk.of != nil && tk.of.gone }); len(gone) > 0 {
		id = one(w, gone).of.id
	}
	a := t.admin()
	_, err := a.GetUser(w.ctx, id)
	w.want(err, pool.ErrNotFound)
	for _, ask := range []func() error{
		func() error { return a.Disable(w.ctx, id) },
		func() error { return a.Enable(w.ctx, id) },
		func() error { return a.SignOutEverywhere(w.ctx, id) },
		func() error { return a.DeleteUser(w.ctx, id) },
		func() error { return a.AddToGroup(w.ctx, id, staff) },
		func() error { return a.RemoveFromGroup(w.ctx, id, staff) },
		func() error { return a.ConfirmSignUp(w.ctx, pool.ConfirmUserInput{ID: id, EmailVerified: true}) },
		func() error {
			return a.SetPassword(w.ctx, pool.SetPasswordInput{ID: id, Password: password.New("quiet lantern over harbour"), Permanent: true})
		},
		func() error { return a.ResendInvitation(w.ctx, pool.ResendInvitationInput{ID: id}) },
		func() error {
			return a.UpdateAttributes(w.ctx, pool.UpdateAttributesInput{ID: id, Attributes: user.Attributes{"name": "x"}})
		},
		func() error { return second(a.ResetPassword(w.ctx, pool.RequireResetInput{ID: id})) },
		func() error { return second(a.Impersonate(w.ctx, pool.ImpersonateInput{ID: id, Reason: "to help"})) },
	} {
		w.want(ask(), pool.ErrNotFound)
	}
	w.well = true
}

func second[T any](_ T, err error) error { return err }
