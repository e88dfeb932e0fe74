package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// lives are what lasts for a time: how it is had, how it is used once, and what somebody might hope
// to make it last by.
var lives = map[string]struct {
	lasts  time.Duration
	have   func(k *kit) (use func() error, prolong func() error)
	config func(*pool.Config)
}{
	"ticket of a sign-up": {lasts: 24 * time.Hour, have: func(k *kit) (use, prolong func() error) {
		ticket := k.signUp(ada)
		code := k.code(ada, 1)
		return func() error { return confirm(k, ticket, code) },
			func() error { return second(pool.Finished(k.signIn(ada, wrong))) }
	}},
	"code that was sent again": {lasts: 24 * time.Hour, have: func(k *kit) (use, prolong func() error) {
		ticket := k.signUp(ada)
		k.mails(ada, 1)
		code, sent := "", 1
		return func() error { return confirm(k, ticket, code) }, func() error {
			res, err := k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: ticket})
			sent++
			ticket, code = res.Ticket, k.code(ada, sent)
			return err
		}
	}},
	"code by SMS": {lasts: 10 * time.Minute, config: takes(pool.Phone), have: func(k *kit) (use, prolong func() error) {
		ticket := k.signUp(phone)
		code := k.code(phone, 1)
		return func() error { return confirm(k, ticket, code) }, nil
	}},
	"code of a reset": {lasts: time.Hour, have: func(k *kit) (use, prolong func() error) {
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		return func() error { return k.reset(ticket, code, another) }, func() error { return k.reset(ticket, "12345678", another) }
	}},
	"step": {lasts: 3 * time.Minute, have: func(k *kit) (use, prolong func() error) {
		step, err := k.ConfirmSignUp(k.t.Context(), pool.CodeInput{Ticket: k.signUp(ada), Code: k.code(ada, 1)})
		if err != nil {
			k.t.Fatal(err)
		}
		ticket := step.(*pool.NeedPassword).Ticket
		return func() error { return second(k.respond(ticket, right)) }, func() error { return second(k.respond(ticket, wrong)) }
	}},
	"step of a temporary password": {lasts: 3 * time.Minute, have: func(k *kit) (use, prolong func() error) {
		k.temporary(ada)
		ticket := k.asked(ada)
		return func() error { return second(k.choose(ticket, another)) }, func() error { return second(k.choose(ticket, right)) }
	}},
	"temporary password": {lasts: 7 * 24 * time.Hour, have: func(k *kit) (use, prolong func() error) {
		k.temporary(ada)
		return func() error { return second(k.signIn(ada, right)) }, func() error { return second(k.signIn(ada, right)) }
	}},
	"access token": {lasts: 15 * time.Minute, have: func(k *kit) (use, prolong func() error) {
		k.confirmed(ada)
		d := k.done(ada)
		return func() error { return second(k.Account(k.t.Context(), d.Tokens.Access)) }, func() error { return second(k.refresh(d)) }
	}},
	"session of tokens": {lasts: 30 * 24 * time.Hour, have: func(k *kit) (use, prolong func() error) {
		k.confirmed(ada)
		d := k.done(ada)
		refresh := func() (err error) {
			if next, failed := k.refresh(d); failed == nil {
				d = next
			} else {
				err = failed
			}
			return err
		}
		return refresh, refresh
	}},
	"grace of a refresh": {lasts: 10 * time.Second, have: func(k *kit) (use, prolong func() error) {
		k.confirmed(ada)
		d := k.done(ada)
		if _, err := k.refresh(d); err != nil {
			k.t.Fatal(err)
		}
		again := func() error { return second(k.refresh(d)) }
		return again, again
	}},
	"browser that is busy": {
		lasts: 20 * time.Hour, config: func(c *pool.Config) {
			c.Settings = &pool.Settings{Sessions: pool.SessionSettings{Idle: 15 * time.Hour, Absolute: 20 * time.Hour}}
		},
		have: func(k *kit) (use, prolong func() error) {
			k.confirmed(ada)
			d := k.browse(ada)
			visit := func() error { return k.visit(d) }
			return visit, visit
		},
	},
	"browser that is idle": {lasts: 24 * time.Hour, have: func(k *kit) (use, prolong func() error) {
		k.confirmed(ada)
		d := k.browse(ada)
		return func() error { return k.visit(d) }, nil
	}},
	"fresh sign-in": {lasts: 10 * time.Minute, have: func(k *kit) (use, prolong func() error) {
		k.confirmed(ada)
		d := k.browse(ada)
		others := func() error {
			next, err := pool.Finished(k.opens(d).EndOtherSessions(k.t.Context(), pool.EndOtherSessionsInput{}))
			if err == nil {
				d = next
			}
			return err
		}
		return others, others
	}},
	"page token": {lasts: 24 * time.Hour, have: func(k *kit) (use, prolong func() error) {
		k.invited(ada)
		k.invited("eve@example.com")
		page, err := k.admin().ListUsers(k.t.Context(), pool.UserQuery{Limit: 1})
		if err != nil {
			k.t.Fatal(err)
		}
		next := func() error {
			return second(k.admin().ListUsers(k.t.Context(), pool.UserQuery{Limit: 1, After: page.Next}))
		}
		return next, next
	}},
	"sign-up that nobody confirms": {lasts: 24 * time.Hour, have: func(k *kit) (use, prolong func() error) {
		k.signUp(ada)
		id := k.user(ada).ID
		return func() error { return second(k.admin().GetUser(k.t.Context(), id)) },
			func() error { return second(k.admin().FindUser(k.t.Context(), ada)) }
	}},
	"rest of a user name": {lasts: 30 * 24 * time.Hour, config: named, have: func(k *kit) (use, prolong func() error) {
		k.confirmedAs("ada", ada, 1, user.Attributes{"email": ada})
		if err := k.admin().DeleteUser(k.t.Context(), k.user("ada").ID); err != nil {
			k.t.Fatal(err)
		}
		in := pool.CreateUserInput{Username: "ada", Password: another, Permanent: true}
		rests := func() error { // which is what lasts
			if _, err := k.admin().CreateUser(k.t.Context(), in); err == nil {
				return errFree
			}
			return nil
		}
		return rests, rests
	}},
}

var errFree = errors.New("somebody else has the name")

// CVE class 64: what lasts for a time lasts until a microsecond before its end and no longer, and
// nothing that is done with it makes it last longer.
func TestCVE64_ExpiryIsNeitherLateNorMoved(t *testing.T) {
	t.Parallel()
	for name, life := range lives {
		for _, at := range []struct {
			when string
			rest time.Duration
			good bool
		}{{"before its end", time.Microsecond, true}, {"at its end", 0, false}} {
			t.Run(name+"/"+at.when, func(t *testing.T) {
				t.Parallel()
				var config []func(*pool.Config)
				if life.config != nil {
					config = append(config, life.config)
				}
				k := open(t, config...)
				use, prolong := life.have(k)
				k.clock.advance(life.lasts / 2)
				if prolong != nil {
					prolong() // some are refused, and none may help
				}
				k.clock.advance(life.lasts - life.lasts/2 - at.rest)
				if err := use(); (err == nil) != at.good {
					t.Errorf("%s = %v, want it good: %t", name, err, at.good)
				}
			})
		}
	}
}
