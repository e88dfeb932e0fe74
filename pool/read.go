package pool

import (
	"context"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// The counters of T5, by name. Their owner is a user, a ticket, or a pseudonym.
const (
	passwordCounter = "password"
	confirmCounter  = "code:confirm_sign_up"
	resetCounter    = "code:reset_password"
	addressCounter  = "code:change_address"
	signInCounter   = "code:sign_in"       // codes by which a sign-in begins
	secondCounter   = "code:second_factor" // codes that are sent as a second factor
	totpCounter     = "totp"               // all apps of a user: a guess is at each of them
	recoveryCounter = "recovery_code"
	customCounter   = "custom"     // answers to challenges of the program's own
	totpSteps       = "steps:totp" // a watermark: the last step of an app
	warnings        = "mail:sign_in_attempts"
	requestMark     = "requests:reset_password" // a watermark: when a reset was last asked for
	signUpMail      = "mail:sign_up"
	signInMail      = "mail:sign_in"
	resetMail       = "mail:reset_password"
	changeMail      = "mail:password_changed" // and of other changes that the owner is told of
	devices         = "mail:new_device"       // of notices to the owner
	asks            = "asks:change_address"   // of a user: for codes to new addresses
	failures        = "failures"              // of a network
	requests        = "requests"              // of a network: for what costs mails and rows
	smsRequests     = "requests:sms"          // of a network: for what costs messages by SMS
	namedRequests   = "requests:named"        // of a network: by user names, behind which a phone number may be
)

// requestRule bounds how many sign-ups and codes one network asks for (security.md T6).
var requestRule = storage.Rule{Free: 100, Window: 15 * time.Minute}

// reading is what one read of a login gave: the owner or the newest attempt, a counter or watermark
// of theirs, and the counters of mails to the address and of the caller's network.
type reading struct {
	round
	user    *user.User
	attempt *user.User // the newest live one at the address, who may be the user; none at a taken user name
	// counter is the owner's, or where there is none a stranger's, so that both look alike: one of
	// an attempt would begin anew with each sign-up, and tell that nobody owns the address. Guesses
	// from a known device of the owner have one of their own.
	counter storage.Counter
	mail    storage.Counter
	source  storage.Counter
	warned  storage.Counter // of warnings to the owner; read for guesses only
	known   bool            // the caller has a known device of the user
	resting bool            // nobody may take the login: it was given up a short while ago
	left    bool            // somebody had or has the login, and answers to it no more: nobody is migrated by it
}

// guess is one at the password of whoever is there.
func (r reading) guess() guess { return guess{r.counter, r.source.Key, r.now} }

// counters name what a login is read with.
type counters struct {
	of     string // the account
	mail   string // to the address
	source string // of the caller's network
}

// readLogin reads who is behind a login, with counters of theirs, in one round trip, for a client
// that proves to be the one it says.
func (p *Pool) readLogin(ctx context.Context, login user.Login, a *asking, named counters) (reading, error) {
	s, now, c := p.state.Load(), p.now(), a.from // the pool key is the same in every state
	login = s.naming.reread(login)
	keys := []storage.CounterKey{
		{Pool: p.config.ID, Name: named.of},
		{Pool: p.config.ID, Owner: s.stranger(login), Name: named.of},
		{Pool: p.config.ID, Owner: s.pseudonym(login), Name: named.mail},
		p.sourceKey(s, c, named.source),
	}
	d := p.device(c, now)
	if named.source == failures {
		keys = append(keys,
			storage.CounterKey{Pool: p.config.ID, Name: warnings},
			storage.CounterKey{Pool: p.config.ID, Owner: s.stranger(login), Name: warnings},
			storage.CounterKey{Pool: p.config.ID, Owner: string(d.User), Name: d.counter()},
			storage.CounterKey{Pool: p.config.ID, Name: devices})
	}
	rest := len(keys)
	keys = append(keys, p.restKeys(login)...)
	former := len(keys)
	if p.config.Hooks.MigrateUser != nil {
		keys = append(keys, p.formerKey(login))
	}
	ofLogin := len(keys)
	got, fresh, err := p.visit(ctx, c, storage.Want{
		Now: now, User: user.ByLogin(login.Value), Attempt: user.ByLogin(login.Value),
		Counters: append(keys, a.counters(p)...),
	})
	if err != nil {
		return reading{}, err
	}
	if login.Kind() == user.KindUsername && fresh.naming.Walk != s.naming.Walk {
		return p.readLogin(ctx, login, a, named) // names may be compared otherwise by now
	}
	r := reading{
		round: round{state: fresh, now: now}, user: got.User, attempt: got.Attempt,
		counter: got.Counters[0], mail: got.Counters[2], source: got.Counters[3], known: d.knows(got.User),
	}
	if r.client, err = p.proven(ctx, a, r.round, got.Counters[ofLogin:]); err != nil {
		return reading{}, err
	}
	held := r.user != nil && !fresh.settings.SignIn.answersTo(r.user, login)
	if held {
		r.user = nil
	}
	r.resting = slices.ContainsFunc(got.Counters[rest:former], func(c storage.Counter) bool {
		return !restRule(login).Locked(c, now).IsZero()
	})
	r.left = held || ofLogin > former && got.Counters[former].N > 0
	if r.owner() == nil {
		r.counter = got.Counters[1]
	}
	if fresh.settings.SignUp.Closed { // a sign-up that cannot be finished is nobody's
		r.user, r.attempt = r.owner(), nil
	}
	if login.Kind() == user.KindUsername && r.owner() != nil {
		r.attempt = nil // that the name is taken shows; that the address of an attempt is its owner's must not
	}
	if named.source != failures {
		return r, nil
	}
	switch r.warned = got.Counters[4]; {
	case r.owner() == nil:
		r.warned = got.Counters[5]
	case r.known:
		r.counter = got.Counters[6]
	default:
		r.devices = got.Counters[7]
	}
	return r, nil
}

// owner returns who owns the address, or nil.
func (r reading) owner() *user.User {
	if r.user == nil || !r.user.Somebody() {
		return nil
	}
	return r.user
}

// sourceKey names a counter of a caller's network: its failures, or its requests.
func (p *Pool) sourceKey(s *state, c Caller, name string) storage.CounterKey {
	return storage.CounterKey{Pool: p.config.ID, Owner: s.network(c), Name: name}
}

// overBudget refuses a caller whose network has used up what a rule allows it.
func overBudget(source storage.Counter, rule storage.Rule, now time.Time) error {
	if until := rule.Locked(source, now); !until.IsZero() {
		return &LimitError{Until: until}
	}
	return nil
}
