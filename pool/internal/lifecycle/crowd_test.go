package lifecycle_test

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// crowd is many who do things to few people at once. What each answer should be nobody can say; what
// must hold once all are done is the same as ever.
type crowd struct {
	*town
	store storage.Store

	mu       sync.Mutex
	calls    int
	redeemed map[string]int  // how often each ticket was
	raised   map[user.ID]int // how often the epoch of each user was at least
	deleted  map[user.ID]int
	secrets  []string // all passwords that anybody was to have
	held     []*pool.Done
	waiting  []*slip
}

// slip is a ticket that anybody of a crowd may answer.
type slip struct {
	kind         kind
	text         string
	code, secret string // that answer it; "" where nobody knows
}

// deed is one thing that one of a crowd does.
type deed struct {
	name string
	do   func(c *crowd, r *rand.Rand)
}

var deeds = []deed{
	{"sign up", (*crowd).signsUp},
	{"answer", (*crowd).redeems},
	{"answer", (*crowd).redeems},
	{"answer", (*crowd).redeems},
	{"answer", (*crowd).redeems},
	{"sign in", (*crowd).signsIn},
	{"sign in", (*crowd).signsIn},
	{"forget", (*crowd).forgets},
	{"refresh", (*crowd).refreshes},
	{"change", (*crowd).changes},
	{"leave", (*crowd).leaves},
	{"create", (*crowd).creates},
	{"administer", (*crowd).administers},
}

func (c *crowd) keep(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// pick returns one of the last of what the crowd holds.
func pick[T any](c *crowd, r *rand.Rand, of *[]T) (v T) {
	c.keep(func() {
		if last := (*of)[max(0, len(*of)-6):]; len(last) > 0 {
			v = last[r.IntN(len(last))]
		}
	})
	return v
}

// next returns a new password and a caller at a network of their own.
func (c *crowd) next() (secret password.Secret, by pool.Caller) {
	c.keep(func() {
		c.calls++
		text := fmt.Sprintf("quiet lantern over harbour %d", c.calls)
		c.secrets = append(c.secrets, text)
		secret = password.New(text)
		by = c.world.caller(false)
	})
	return secret, by
}

// login returns one of very few.
func (c *crowd) login(r *rand.Rand) string { return addresses[r.IntN(3)] }

// waits keeps a ticket, with the newest code that was sent to an address, and the password that may
// be asked.
func (c *crowd) waits(k kind, text, to, secret string) {
	_ = c.world.hand.Run(c.world.ctx) // a failure delivers nothing
	c.keep(func() { c.waiting = append(c.waiting, &slip{k, text, c.box.Code(to), secret}) })
}

func (c *crowd) signsUp(r *rand.Rand) {
	secret, by := c.next()
	to := c.login(r)
	if up, err := c.SignUp(c.world.ctx, pool.SignUpInput{Username: to, Password: secret, Caller: by}); err == nil {
		c.waits(confirming, up.Ticket, to, secret.Reveal())
	}
}

func (c *crowd) forgets(r *rand.Rand) {
	_, by := c.next()
	to := c.login(r)
	if res, err := c.ForgotPassword(c.world.ctx, pool.ForgotPasswordInput{Username: to, Caller: by}); err == nil {
		c.waits(resetting, res.Ticket, to, "")
	}
}

// redeems answers a ticket, which others may be answering too.
func (c *crowd) redeems(r *rand.Rand) {
	tk := pick(c, r, &c.waiting)
	if tk == nil {
		return
	}
	secret, by := c.next()
	var step pool.Step
	var err error
	in := pool.RespondInput{Ticket: tk.text, Caller: by}
	switch tk.kind {
	case resetting:
		tk = &slip{tk.kind, tk.text, tk.code, secret.Reveal()}
		step, err = c.ResetPassword(c.world.ctx, pool.ResetPasswordInput{Ticket: tk.text, Code: tk.code, Password: secret, Caller: by})
	case confirming:
		in.With = pool.Code{Value: tk.code}
	case replacing:
		in.With = pool.NewPassword{Value: secret}
	default:
		in.With = pool.Password{Value: password.New(tk.secret)}
	}
	if tk.kind != resetting {
		step, err = c.Respond(c.world.ctx, in)
	}
	if err == nil {
		c.keep(func() { c.redeemed[tk.text]++ })
		c.steps(step, tk.secret, tk.kind == replacing)
	}
}

// steps goes on with a step of somebody who has a password. The epoch rose where it was set on the
// way.
func (c *crowd) steps(step pool.Step, secret string, raised bool) {
	switch s := step.(type) {
	case *pool.Done:
		c.keep(func() { c.held = append(c.held, s) })
		if raised {
			c.raises(c.of(s))
		}
	case *pool.NeedPassword:
		c.waits(byPassword, s.Ticket, "", secret)
	case *pool.NeedNewPassword:
		c.waits(replacing, s.Ticket, "", "")
	}
}

// of returns whose tokens they are.
func (c *crowd) of(d *pool.Done) user.ID {
	refresh, err := token.ParseRefresh(d.Tokens.Refresh.Reveal())
	if err != nil {
		return ""
	}
	return user.ID(refresh.User)
}

func (c *crowd) raises(id user.ID) { c.keep(func() { c.raised[id]++ }) }

func (c *crowd) signsIn(r *rand.Rand) {
	_, by := c.next()
	typed := password.New(pick(c, r, &c.secrets))
	step, err := c.SignIn(c.world.ctx, pool.SignInInput{Username: c.login(r), With: pool.Password{Value: typed}, Caller: by})
	if err == nil {
		c.steps(step, "", false)
	}
}

func (c *crowd) refreshes(r *rand.Rand) {
	if d := pick(c, r, &c.held); d != nil {
		_, by := c.next()
		if next, err := pool.Finished(c.Refresh(c.world.ctx, pool.RefreshInput{Token: d.Tokens.Refresh, Caller: by})); err == nil {
			c.steps(next, "", false)
		}
	}
}

func (c *crowd) changes(r *rand.Rand) {
	d := pick(c, r, &c.held)
	if d == nil {
		return
	}
	next, by := c.next()
	a, err := c.Account(c.world.ctx, d.Tokens.Access)
	if err != nil {
		return
	}
	old := password.New(pick(c, r, &c.secrets))
	if step, err := a.ChangePassword(c.world.ctx, pool.ChangePasswordInput{Old: old, New: next, Caller: by}); err == nil {
		c.steps(step, "", true)
	}
	with := pool.Password{Value: password.New(pick(c, r, &c.secrets))}
	if step, err := a.EndOtherSessions(c.world.ctx, pool.EndOtherSessionsInput{With: with, Caller: by}); err == nil {
		c.steps(step, "", true)
	}
}

func (c *crowd) leaves(r *rand.Rand) {
	d := pick(c, r, &c.held)
	if d == nil {
		return
	}
	_, by := c.next()
	a, err := c.Account(c.world.ctx, d.Tokens.Access)
	if err != nil {
		return
	}
	if r.IntN(2) == 0 {
		_ = a.SignOut(c.world.ctx, by) // others may have been first
	} else if a.SignOutEverywhere(c.world.ctx, by) == nil {
		c.raises(c.of(d))
	}
}

func (c *crowd) creates(r *rand.Rand) {
	secret, _ := c.next()
	_, _ = c.admin().CreateUser(c.world.ctx, pool.CreateUserInput{
		Username: c.login(r), EmailVerified: true, Password: secret, Permanent: r.IntN(2) == 0, Suppress: true,
	}) // somebody may have been first
}

// administers does something to the user, or to the newest sign-up, at an address.
func (c *crowd) administers(r *rand.Rand) {
	ctx, a := c.world.ctx, c.admin()
	u, err := a.FindUser(ctx, c.login(r))
	if err != nil {
		return
	}
	secret, _ := c.next()
	raising := map[int]func() error{
		0: func() error { return a.Disable(ctx, u.ID) },
		1: func() error { return a.SignOutEverywhere(ctx, u.ID) },
		2: func() error {
			return a.SetPassword(ctx, pool.SetPasswordInput{ID: u.ID, Password: secret, Permanent: r.IntN(2) == 0})
		},
		3: func() error { return second(a.ResetPassword(ctx, pool.RequireResetInput{ID: u.ID})) },
		4: func() error { return a.ConfirmSignUp(ctx, pool.ConfirmUserInput{ID: u.ID, EmailVerified: true}) },
	}
	switch n := r.IntN(14); {
	case n < len(raising):
		if raising[n]() == nil {
			c.raises(u.ID)
		}
	case n == 5:
		if a.DeleteUser(ctx, u.ID) == nil {
			c.keep(func() { c.deleted[u.ID]++ })
		}
	case n < 11:
		_ = a.Enable(ctx, u.ID) // who has gone meanwhile
	case n == 11:
		_ = a.AddToGroup(ctx, u.ID, staff)
	default:
		_ = a.RemoveFromGroup(ctx, u.ID, staff)
	}
}
