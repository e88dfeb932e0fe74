package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// passkeyRequests counts the challenges that a network has asked for.
const passkeyRequests = "requests:passkey"

// passkeyRule bounds them. A page that offers passkeys as it is opened asks for one each time.
var passkeyRule = storage.Rule{Free: 600, Window: 15 * time.Minute}

// signInByPasskey begins a sign-in by a passkey: by any, or by one of those of a login. Nothing is
// proven yet.
func (p *Pool) signInByPasskey(ctx context.Context, in SignInInput) (Step, error) {
	var v validation
	var login user.Login
	if in.Username != "" {
		login = v.login(p.state.Load().settings.SignIn, in.Username)
	}
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller}
	return again(func() (Step, error) {
		r, err := p.readPasskeys(ctx, in, login, &ask)
		if err != nil {
			return nil, err
		}
		return p.anyPasskey(ctx, r, in, login)
	})
}

// readPasskeys reads who is behind a login, where one was given, with the requests of the network.
func (p *Pool) readPasskeys(ctx context.Context, in SignInInput, login user.Login, ask *asking) (r reading, err error) {
	if login == (user.Login{}) {
		return p.readNobody(ctx, ask)
	}
	r, err = p.readLogin(ctx, login, ask, counters{of: passwordCounter, mail: signUpMail, source: passkeyRequests})
	if err == nil {
		_, err = r.state.settings.SignIn.read(in.Username) // the kind of login was taken when the call began
	}
	return r, err
}

// readNobody reads what a sign-in that names nobody begins with.
func (p *Pool) readNobody(ctx context.Context, ask *asking) (r reading, err error) {
	now := p.now()
	source := p.sourceKey(p.state.Load(), ask.from, passkeyRequests)
	got, s, err := p.visit(ctx, ask.from, storage.Want{
		Now: now, Counters: append([]storage.CounterKey{source}, ask.counters(p)...),
	})
	if err != nil {
		return r, err
	}
	r = reading{round: round{state: s, now: now}, source: got.Counters[0]}
	r.client, err = p.proven(ctx, ask, r.round, got.Counters[1:])
	return r, err
}

// anyPasskey gives out a ticket of nobody's: whose passkey answers it, whoever that is, signs in. What
// it asks for is made up where nobody has any (security.md S17), and that is all that differs.
func (p *Pool) anyPasskey(ctx context.Context, r reading, in SignInInput, login user.Login) (Step, error) {
	if err := r.client.allows(FlowChoice); err != nil {
		return nil, err
	}
	if rules := p.rules(r.state, nil, r.client); !slices.Contains(rules.Offered(rules.Firsts), mfa.KindPasskey) {
		return nil, errWayIn
	}
	o := occurrence{who: r.user, from: in.Caller, Kind: signInEvent, Outcome: refused, Client: r.client.ID}
	if err := overBudget(r.source, passkeyRule, r.now); err != nil {
		return nil, p.unjudged(ctx, o, networkFull, err)
	}
	if err := p.afford(ctx, o, p.signIns, r.state.settings.Limits.SignIns, r.known); err != nil {
		return nil, err
	}
	t, b := p.ticketOf(&user.User{}, r.client.ID, purposePasskey, in.Caller, carried{}, r.now, r.now.Add(r.client.StepLifetime))
	q := question{round: r.round, ticket: t, bearer: b, from: in.Caller}
	q.Browser, q.Kind = in.Caller.Browser, mfa.KindPasskey
	if err := p.posePasskey(&q, r.state.passkeysAt(login, r.owner()), nil); err != nil {
		return nil, err
	}
	p.carry(t, b, q.carried)
	count := storage.Count{Key: r.source.Key, Rule: passkeyRule, Now: r.now}
	if err := overMail(p.commit(ctx, storage.Put(t), count)); err != nil {
		return nil, err
	}
	return q.step, nil
}

// passkeysAt returns which passkeys are asked for at a login: its owner's or, where there are none, made
// up ones; none where nobody was named, so that any will do.
func (s *state) passkeysAt(login user.Login, owner *user.User) []mfa.Passkey {
	var made []mfa.Passkey
	if login != (user.Login{}) {
		made = s.decoys(login)
	}
	if owner != nil && owner.Factors != nil && len(owner.Factors.Passkeys) > 0 {
		return newest(owner.Factors.Passkeys)
	}
	return made
}

// maxListed bounds the ids that a page is told, in bytes: a ticket has room for them, whatever else it
// carries.
const maxListed = 3 << 10

// newest returns passkeys without the oldest of those that are too much to be told.
func newest(passkeys []mfa.Passkey) []mfa.Passkey {
	size := 0
	for i, k := range slices.Backward(passkeys) {
		if size += len(k.ID); size > maxListed {
			return passkeys[i+1:]
		}
	}
	return passkeys
}

// candidate is as much of a passkey as a page is told that asks for it.
type candidate struct {
	ID         []byte   `json:"id"`
	Transports []string `json:"by,omitempty"`
}

func candidates(passkeys []mfa.Passkey) (all []candidate) {
	for _, k := range passkeys {
		all = append(all, candidate{k.ID, k.Transports})
	}
	return all
}

func listed(all []candidate) (passkeys []mfa.Passkey) {
	for _, c := range all {
		passkeys = append(passkeys, mfa.Passkey{ID: c.ID, Transports: c.Transports})
	}
	return passkeys
}

// decoys returns the passkeys that somebody at a login might have: the same each time, for as long as
// the pool has its key, and as many, of ids as long and as well connected, as people's are.
func (s *state) decoys(login user.Login) (made []mfa.Passkey) {
	shape := s.hmac("decoy passkeys", login.Value)
	n := 1
	if shape[0] < 64 { // one in four has two
		n = 2
	}
	for i := range n {
		kind := passkeyShapes[int(shape[1+i])%len(passkeyShapes)]
		id := slices.Concat(s.hmac(fmt.Sprintf("decoy passkey %d", i), login.Value), s.hmac(fmt.Sprintf("decoy rest %d", i), login.Value))
		made = append(made, mfa.Passkey{ID: id[:kind.id], Transports: kind.transports})
	}
	return made
}

// passkeyShapes are the passkeys that people have most: of Apple's and Google's keychains, of Windows,
// of password managers and of security keys.
var passkeyShapes = []struct {
	id         int // bytes
	transports []string
}{
	{20, []string{"internal", "hybrid"}},
	{16, []string{"internal", "hybrid"}},
	{32, []string{"internal"}},
	{32, []string{"internal", "hybrid"}},
	{64, []string{"usb"}},
	{48, []string{"nfc", "usb"}},
}

// answerAnyPasskey takes an answer to a step that began a sign-in by a passkey.
func (p *Pool) answerAnyPasskey(ctx context.Context, a answered, with Response, h *hooked) (Step, error) {
	w, ok := with.(PasskeyAssertion)
	if !ok {
		return nil, ErrWrongStep
	}
	if err := a.client.allows(FlowChoice); err != nil {
		return nil, err
	}
	login := ""
	if a.user != nil {
		login = called(a.user)
	}
	return p.answerFirstPasskey(ctx, a, w, login, h)
}

// answerFirstPasskey takes a proof by a passkey that begins a sign-in. Of nobody it is wrong, after the
// same work.
func (p *Pool) answerFirstPasskey(ctx context.Context, a answered, w PasskeyAssertion, login string, h *hooked) (Step, error) {
	risk, err := p.mayTry(ctx, h, a.round, login, a.user, a.password)
	a.risk = max(a.risk, risk)
	if err != nil {
		o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Client: a.client.ID}
		return nil, p.denied(ctx, err, a.now, o, storage.Count{Key: a.source, Rule: sourceRule, Now: a.now})
	}
	return p.answerPasskey(ctx, a, w, h)
}
