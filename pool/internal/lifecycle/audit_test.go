package lifecycle_test

import (
	"cmp"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// audit wants a pool to be as the model says.
func (w *world) audit(t *town) {
	w.lists(t)
	for _, p := range t.people {
		for _, l := range p.logins() {
			got, err := t.admin().FindUser(w.ctx, l)
			w.want(err, nil)
			if got.ID != p.id {
				w.fail("%s leads to %s, want %s", l, got.ID, p.id)
			}
		}
	}
	held := of(t.sessions, func(s *session) bool { return !s.unheld })
	for _, s := range held[max(0, len(held)-20):] {
		w.account(t, s)
		w.verifies(t, s)
		if !s.alive(w.now()) && !s.browser() {
			_, err := t.Refresh(w.ctx, pool.RefreshInput{Token: s.refresh[len(s.refresh)-1], Caller: w.caller(false)})
			w.want(err, pool.ErrNotAuthorized)
		}
	}
	for _, tk := range t.tickets[max(0, len(t.tickets)-10):] {
		w.dead(t, tk)
	}
	w.ruined()
	if other := one(w, w.towns); other != t && len(held) > 0 {
		w.opens(other, one(w, held))
	}
}

// dead wants a ticket that is no good to open nothing, whatever it is answered with. That of a reset
// is left to the operations, because it looks alive.
func (w *world) dead(t *town, tk *ticket) {
	if tk.kind == resetting || tk.good(w.now()) {
		return
	}
	in := pool.RespondInput{Ticket: tk.text, With: pool.Password{Value: password.New(tk.of.password)}, Caller: w.caller(tk.browser)}
	switch {
	case tk.kind == confirming:
		in.With = pool.Code{Value: cmp.Or(tk.code, "123456")}
	case tk.kind == replacing:
		in.With = pool.NewPassword{Value: password.New("quiet lantern over harbour")}
	}
	_, err := t.Respond(w.ctx, in)
	w.want(err, pool.ErrTicketGone)
}

// lists wants the list of users to be that of the people: their states, and nobody else. Who is new
// there takes the id that is not known yet.
func (w *world) lists(t *town) {
	page, err := t.admin().ListUsers(w.ctx, pool.UserQuery{})
	w.want(err, nil)
	known, newcomer := map[user.ID]*person{}, (*person)(nil)
	for _, p := range t.people {
		if p.id == "" {
			newcomer = p
		} else {
			known[p.id] = p
		}
	}
	owned := map[string]user.ID{}
	for _, u := range page.Users {
		p := known[u.ID]
		if p == nil {
			if newcomer == nil {
				w.fail("%s is a user whom nobody made: %+v", u.ID, u)
			}
			p, newcomer = newcomer, nil
			p.id = u.ID
		}
		delete(known, u.ID)
		w.isAs(u, p)
		if w.erased[u.ID] {
			w.fail("the id %s of somebody who has gone is used again", u.ID)
		}
		for _, l := range p.logins() {
			if owned[l] != "" {
				w.fail("%s is owned by %s and by %s", l, owned[l], u.ID)
			}
			owned[l] = u.ID
		}
	}
	for id, p := range known {
		w.fail("%s (%s) is not in the list", p.login(), id)
	}
	if newcomer != nil {
		w.fail("%s is not in the list", newcomer.login())
	}
}

// isAs wants a user to be as a person.
func (w *world) isAs(u pool.User, p *person) {
	switch {
	case u.Status != p.status:
		w.fail("%s is %s, want %s", p.login(), u.Status, p.status)
	case u.Disabled != p.disabled:
		w.fail("%s is disabled: %t, want %t", p.login(), u.Disabled, p.disabled)
	case u.Username != p.login():
		w.fail("%s is called %s", p.login(), u.Username)
	case u.Email != p.email || u.EmailVerified != p.proven:
		w.fail("the address of %s is %s, proven %t, want %s, %t", p.login(), u.Email, u.EmailVerified, p.email, p.proven)
	case (len(u.Groups) == 1) != p.staff:
		w.fail("the groups of %s are %v, want staff: %t", p.login(), u.Groups, p.staff)
	}
}
