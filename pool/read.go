package pool

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// The counters of T5, by name. Their owner is a user, a ticket, or a pseudonym.
const (
	passwordCounter = "password"
	codeCounter     = "code:confirm_sign_up"
	mailCounter     = "mail"
)

// guessRule bounds guessing at one authenticator (security.md T5): the fifth failure locks for a
// second, each later one for twice as long up to 15 minutes, the hundredth in a row for good.
var guessRule = storage.Rule{Free: 5, Base: time.Second, Max: 15 * time.Minute, Decay: 15 * time.Minute, Ceiling: 100}

// reading is what one read of a login gave: the owner or the newest attempt, the counters of a
// guess at it, and the state that is to be judged by.
type reading struct {
	got   storage.Got
	state *state
}

// readLogin reads who is behind a login, in one round trip.
func (p *Pool) readLogin(ctx context.Context, login user.Login, now time.Time) (reading, error) {
	s := p.state.Load()
	stranger := s.pseudonym("login", login.Value)
	got, err := p.store.Read(ctx, p.config.ID, storage.Want{
		Now: now, User: user.ByLogin(login.Value),
		Counters: []storage.CounterKey{
			{Pool: p.config.ID, Name: passwordCounter},
			{Pool: p.config.ID, Owner: stranger, Name: passwordCounter},
			{Pool: p.config.ID, Owner: stranger, Name: mailCounter},
		},
	})
	if err != nil {
		return reading{}, unavailable(err)
	}
	fresh, err := p.current(ctx, got.PoolEpoch)
	if err != nil {
		return reading{}, err
	}
	return reading{got, fresh}, nil
}

// guess returns the counter of password guesses: the user's, or where there is nobody the
// pseudonym's, so that both lock alike.
func (r reading) guess() storage.Counter {
	if r.got.User != nil {
		return r.got.Counters[0]
	}
	return r.got.Counters[1]
}

// mail returns the counter of messages to the address.
func (r reading) mail() storage.Counter { return r.got.Counters[2] }
