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
	confirmCounter  = "code:confirm_sign_up"
	resetCounter    = "code:reset_password"
	requestMark     = "requests:reset_password" // a watermark: when a reset was last asked for
	signUpMail      = "mail:sign_up"
	resetMail       = "mail:reset_password"
)

// guessRule bounds guessing at one authenticator (security.md T5): the fifth failure locks for a
// second, each later one for twice as long up to 15 minutes, the hundredth in a row for good.
var guessRule = storage.Rule{Free: 5, Base: time.Second, Max: 15 * time.Minute, Decay: 15 * time.Minute, Ceiling: 100}

// reading is what one read of a login gave: the owner or the newest attempt, a counter or watermark
// of theirs, the counter of mails to the address, and the state that is to be judged by.
type reading struct {
	user    *user.User
	attempt *user.User      // the newest live one at the address, who may be the user
	counter storage.Counter // the user's, or where there is nobody a stranger's, so that both look alike
	mail    storage.Counter
	state   *state
}

// readLogin reads who is behind a login, with the counters of the given names, in one round trip.
func (p *Pool) readLogin(ctx context.Context, login user.Login, counter, mail string, now time.Time) (reading, error) {
	s := p.state.Load() // its pool key is the same in every state
	got, err := p.read(ctx, storage.Want{
		Now: now, User: user.ByLogin(login.Value), Attempt: user.ByLogin(login.Value),
		Counters: []storage.CounterKey{
			{Pool: p.config.ID, Name: counter},
			{Pool: p.config.ID, Owner: s.stranger(login), Name: counter},
			{Pool: p.config.ID, Owner: s.pseudonym(login), Name: mail},
		},
	})
	if err != nil {
		return reading{}, err
	}
	fresh, err := p.current(ctx, got.PoolEpoch)
	if err != nil {
		return reading{}, err
	}
	r := reading{got.User, got.Attempt, got.Counters[0], got.Counters[2], fresh}
	if got.User == nil {
		r.counter = got.Counters[1]
	}
	return r, nil
}
