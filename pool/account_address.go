package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ChangeAddressInput asks for another email address or phone number of one's own.
type ChangeAddressInput struct {
	To       string            // which of the two its text tells; a number is in E.164
	With     Response          // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller   Caller            `json:"-"`
}

// AddressCodeInput asks for a new code of an address that is to be proven.
type AddressCodeInput struct {
	Channel  message.Channel   // of the [Delivery]
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller   Caller            `json:"-"`
}

// askRule is how many codes to new addresses a user can ask for: Cognito's five an hour. It bounds
// what an account can cost in messages to phones.
var askRule = storage.Rule{Free: 5, Window: time.Hour}

// ChangeAddress sends a code to an address that the user wants to have, in place of the one of its
// kind or as the first of it; [Account.ConfirmAddress] proves it within 24 hours, or ten minutes
// if it came by SMS. Until then all stays as it is, and a newer call takes the place of an older one.
// An address that the user has and that is not proven may be given to prove it.
//
// Whether somebody else owns the address the answer does not tell; its owner is told by a message.
// Beyond five mails or three messages by SMS an hour to one address nothing is sent, which the
// answer does not show either.
//
// It fails with a *[ValidationError], with [ErrNeedsProof], with [ErrNotAuthorized], which a wrong
// password is too, with [ErrNotAllowed] where [Config].CancelURL is not set and a proven address
// would give way, and with a *[LimitError] after five codes an hour, after eight changes a week, and
// where the caller's network, the pool or the password door is full. It costs two reads and one
// commit, and a hash where a password is given.
func (a *Account) ChangeAddress(ctx context.Context, in ChangeAddressInput) (Delivery, error) {
	var v validation
	to, err := user.Identify(in.To, user.CaseInsensitive)
	if err != nil || to.Kind() == user.KindUsername {
		v.add("To", "must be an email address, or a phone number such as +4915112345678")
	}
	v.metadata(in.Metadata)
	if err := v.proof(in.With); err != nil {
		return Delivery{}, err
	}
	q := inquiry{proving: a.proving(in.With, in.Caller, askEvent), to: to, metadata: in.Metadata}
	q.may = func(g granted) error {
		if err := a.mayMove(g, to.Kind(), to); err != nil {
			return err
		}
		return a.mayAsk(ctx, g, &q)
	}
	return again(func() (Delivery, error) {
		g, err := a.prove(ctx, &q.proving, a.asks(to.Kind(), to))
		if err != nil {
			return Delivery{}, err
		}
		return a.ask(ctx, g, &q, g.now.Add(pendingLifetime))
	})
}

// ResendAddressCode sends a new code for the address that [Account.ChangeAddress] was last asked
// for, in place of the one before. It asks for no fresh proof.
//
// It fails with [ErrTicketGone] where there is none, with a *[ValidationError], and with a
// *[LimitError] as [Account.ChangeAddress] does. It costs three reads and one commit.
func (a *Account) ResendAddressCode(ctx context.Context, in AddressCodeInput) (Delivery, error) {
	var v validation
	k := v.kind(in.Channel)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return Delivery{}, err
	}
	q := inquiry{proving: a.proving(nil, in.Caller, askEvent), metadata: in.Metadata}
	return again(func() (Delivery, error) {
		g, err := a.readPending(ctx, in.Caller, k)
		if err != nil {
			return Delivery{}, err
		}
		until := g.ticket.Expires
		q.to = g.to
		if g.granted, err = a.readFor(ctx, in.Caller, a.asks(k, q.to)); err != nil {
			return Delivery{}, err
		}
		if err := a.mayAsk(ctx, g.granted, &q); err != nil {
			return Delivery{}, err
		}
		return a.ask(ctx, g.granted, &q, until)
	})
}

// kind reads the channel of an address that a user has one of.
func (v *validation) kind(c message.Channel) user.Kind {
	switch c {
	case message.Email:
		return user.KindEmail
	case message.SMS:
		return user.KindPhone
	}
	v.add("Channel", "must be email or sms")
	return ""
}

// inquiry is a call that sends a code to a new address.
type inquiry struct {
	proving
	to       user.Login
	metadata map[string]string
	afforded bool // of the pool's budget
}

// asks is what is read to send a code to an address.
func (a *Account) asks(k user.Kind, to user.Login) storage.Want {
	p, s := a.pool, a.pool.state.Load()
	id := user.ID(a.claims.Subject)
	return storage.Want{
		Tickets: []string{s.ownTicket(purposePending, k, id).ID(), s.ownTicket(purposeFormer, k, id).ID()},
		Counters: []storage.CounterKey{
			{Pool: p.config.ID, Owner: s.pseudonym(to), Name: signUpMail},
			{Pool: p.config.ID, Owner: string(id), Name: asks},
		},
	}
}

// mayMove tells why the address of a kind cannot give way to another one, the zero Login meaning
// none.
func (a *Account) mayMove(g granted, k user.Kind, to user.Login) error {
	var v validation
	old, proven := g.user.Address(k)
	takes := g.state.settings.SignIn.takes(k)
	if to.Value == old.Value && proven && (!takes || g.user.Login(to) != (user.Login{})) {
		v.add("To", "must be another address than the one that is proven")
	}
	was := told(g.user)
	is := maps.Clone(was)
	if is[k.Attribute()] = to.Display; to.Display == "" {
		delete(is, k.Attribute())
	}
	v.served(g.state.settings.Limits, to, "To")
	v.writable(g.client, user.Attributes{k.Attribute(): to.Display}, "")
	v.unfit(g.state.settings.Attributes.CheckChange(was, is, user.Visitor), "")
	if err := v.err(); err != nil {
		return err
	}
	if a.pool.undoes(g.user, k, to) == (user.Login{}) {
		return nil
	}
	if a.pool.config.CancelURL == "" {
		return fmt.Errorf("%w: a change could not be undone: set Config.CancelURL", ErrNotAllowed)
	}
	given, err := readFormer(g.read.Tickets[1], g.user, g.now)
	if until := given.full(); err == nil && !until.IsZero() {
		return &LimitError{Until: until}
	}
	return err
}

// mayAsk tells why no code can be asked for now.
func (a *Account) mayAsk(ctx context.Context, g granted, q *inquiry) error {
	p, o := a.pool, g.occurrence(&q.proving)
	if err := overBudget(g.read.Counters[1], askRule, g.now); err != nil {
		return p.unjudged(ctx, o, accountLocked, err)
	}
	if q.afforded {
		return nil
	}
	q.afforded = true
	return p.afford(ctx, o, p.mails, g.state.settings.Limits.Mails, true)
}

// ask sends a code to a new address, in place of the one before. At an address that is another's all
// is done alike, with a code that nobody is sent or can guess (security.md T7).
func (a *Account) ask(ctx context.Context, g granted, q *inquiry, until time.Time) (Delivery, error) {
	p, u, now := a.pool, g.user, g.now
	got, err := p.read(ctx, storage.Want{Now: now, User: user.ByLogin(q.to.Value)})
	if err != nil {
		return Delivery{}, err
	}
	c := g.state.sentTo(q.to, now)
	c.To = q.to.Display
	l := letterTo(q.to, message.ConfirmAddress, localeOf(u, q.from.locale()), newLongCode())
	l = p.asked(l, hook.UpdateUserAttribute, g.client, q.metadata)
	if owner := got.User; owner != nil && owner.Somebody() && owner.ID != u.ID && g.state.settings.SignIn.takes(q.to.Kind()) {
		l.Kind, l.To, l.Code = message.AlreadyRegistered, owner.Login(q.to).Display, ""
		c.Taken = true
	}
	before, rule := g.read.Tickets[0], mailing(q.to)
	t, _ := p.newTicket(u, g.client.ID, purposePending, q.from, c, now, until)
	t.ID, t.MAC = g.state.ownTicket(purposePending, q.to.Kind(), u.ID).ID(), nil // who is signed in bears it
	if stands, err := p.standing(ctx, before, t.ID, &q.proving); err != nil {
		return Delivery{}, err
	} else if stands != nil {
		t.Version = stands.Version
	}
	stored := t
	if before != nil && !rule.Locked(g.read.Counters[0], now).IsZero() && pendingAt(before) == c.To {
		stored = before // what sends nothing voids nothing
	}
	name, network := requested(q.to)
	source := p.sourceKey(g.state, q.from, name)
	o := g.occurrence(&q.proving)
	o.Outcome = stepped
	changes := append(p.mail(g.read.Counters[0], rule, t, c, l, now), storage.Put(stored),
		storage.Delete(&storage.Counter{Key: storage.CounterKey{Pool: p.config.ID, Owner: t.ID, Name: ticketCounter}}),
		storage.Count{Key: g.read.Counters[1].Key, Rule: askRule, Now: now},
		storage.Count{Key: source, Rule: network, Now: now}, storage.Require(u), p.event(now, o))
	err = p.commit(ctx, append(changes, g.proven...)...)
	if key, full := limit(err); full && key != source {
		err = overMail(err)
	}
	if err := a.refusedAct(ctx, g, &q.proving, err); err != nil {
		return Delivery{}, err
	}
	return delivery(q.to), nil
}

// pendingAt returns the address that a ticket is to prove.
func pendingAt(t *storage.Ticket) string {
	var c carried
	_ = json.Unmarshal(t.State, &c) // what is no ticket of ours is for no address
	return c.To
}

// pending is an address that is to be proven, as of one read.
type pending struct {
	granted
	ticket *storage.Ticket
	carried
	to   user.Login
	code storage.Counter // of guesses
	left storage.Counter // of the ticket
}

// readPending reads the session with the address of a kind that is to be proven, or ErrTicketGone.
func (a *Account) readPending(
	ctx context.Context, from Caller, k user.Kind, keys ...storage.CounterKey,
) (g pending, err error) {
	p, s, id := a.pool, a.pool.state.Load(), user.ID(a.claims.Subject)
	ticket := s.ownTicket(purposePending, k, id).ID()
	g.granted, err = a.readWith(ctx, from, storage.Want{
		Tickets: []string{ticket, s.ownTicket(purposeFormer, k, id).ID()},
		Counters: append([]storage.CounterKey{
			{Pool: p.config.ID, Owner: string(id), Name: addressCounter},
			{Pool: p.config.ID, Owner: ticket, Name: ticketCounter},
			{Pool: p.config.ID, Owner: string(id), Name: changeMail},
		}, keys...),
	})
	if err != nil {
		return g, err
	}
	g.ticket, g.code, g.left, g.told = g.read.Tickets[0], g.read.Counters[0], g.read.Counters[1], g.read.Counters[2]
	if err := a.inPerson(ctx, g.granted, addressEvent, from); err != nil {
		return g, err
	}
	if g.ticket == nil || !owns(g.user, g.ticket) || !ticketRule.Locked(g.left, g.now).IsZero() {
		return g, ErrTicketGone
	}
	if err := json.Unmarshal(g.ticket.State, &g.carried); err != nil {
		return g, fmt.Errorf("read ticket: %w", err)
	}
	if g.to, err = user.Identify(g.To, user.CaseInsensitive); err != nil {
		return g, errors.Join(ErrTicketGone, err)
	}
	return g, nil
}
