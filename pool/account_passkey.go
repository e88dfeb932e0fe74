package pool

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID      string // of the credential, as browsers write it
	Name    string // as its owner calls it; "" means none
	Created time.Time
	// Verified says that it is two factors: it verified its user as it was made. Synced says that it
	// was backed up then, as those of phones are.
	Verified, Synced bool
}

// Why passkeys stay as they are.
var (
	errPasskeysOff  = fmt.Errorf("%w: there are no passkeys here", ErrNotAllowed)
	errManyPasskeys = fmt.Errorf("%w: the user has as many passkeys as can be; remove one first", ErrNotAllowed)
)

// Passkeys lists the passkeys of the user, in the order in which they were made. It costs one read.
func (a *Account) Passkeys(ctx context.Context) ([]Passkey, error) {
	g, err := a.read(ctx)
	if err != nil || g.user.Factors == nil {
		return nil, err
	}
	list := make([]Passkey, len(g.user.Factors.Passkeys))
	for i, k := range g.user.Factors.Passkeys {
		list[i] = Passkey{ID: passkeyID(k), Name: k.Name, Created: k.Created, Verified: k.Verified, Synced: k.Synced}
	}
	return list, nil
}

// passkeyID returns the credential id as browsers write it.
func passkeyID(k mfa.Passkey) string { return base64.RawURLEncoding.EncodeToString(k.ID) }

// AddPasskeyInput asks for a new passkey.
type AddPasskeyInput struct {
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// AddPasskey begins to make a passkey: what comes back goes to the browser, and what that answers to
// [Account.ConfirmPasskey] of the same session, within ten minutes. Authenticators that have one of the
// user's make no second one. Nothing changes until then.
//
// It fails with [ErrNeedsProof], with [ErrNotAuthorized], which a wrong password is too, with
// [ErrNotAllowed] where the pool has no passkeys or the user [user.MaxPasskeys], and with a
// *[LimitError]. It costs one read and one commit, and a hash where a password is given.
func (a *Account) AddPasskey(ctx context.Context, in AddPasskeyInput) (*NeedPasskeySetup, error) {
	var v validation
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, setUpEvent)
	s.may = a.pool.mayAddPasskey
	return again(func() (*NeedPasskeySetup, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		p, until := a.pool, g.now.Add(max(setUpLifetime, g.client.StepLifetime))
		c := carried{Kind: mfa.KindPasskey, stepUp: stepUp{Acting: g.session.ID}}
		t, b := p.ticketOf(g.user, g.client.ID, purposeAddFactor, s.from, c, g.now, until)
		q := question{round: g.round, user: g.user, ticket: t, bearer: b, carried: c, from: s.from}
		q.Browser = a.browser
		step, err := p.setUpPasskey(&q, nil)
		if err != nil {
			return nil, err
		}
		p.carry(t, b, q.carried)
		if err := a.act(ctx, g, &s, storage.Require(g.user), storage.Put(t)); err != nil {
			return nil, err
		}
		return step, nil
	})
}

// mayAddPasskey tells why a user cannot have another passkey.
func (p *Pool) mayAddPasskey(g granted) error {
	if p.config.Passkeys == nil {
		return errPasskeysOff
	}
	if f := g.user.Factors; f != nil && len(f.Passkeys) >= user.MaxPasskeys {
		return errManyPasskeys
	}
	return nil
}

// making is what a ticket remembers of a passkey that is to be made.
type making struct {
	Handle []byte `json:"handle"` // the user's, which the first passkey gives them
	State  []byte `json:"state"`
}

// setUpPasskey asks for a new passkey.
func (p *Pool) setUpPasskey(q *question, others []mfa.Kind) (*NeedPasskeySetup, error) {
	s, f := q.state.settings, q.user.Factors
	if f == nil {
		f = new(user.Factors)
	}
	m := making{Handle: f.Handle}
	if m.Handle == nil {
		m.Handle = make([]byte, 64)
		rand.Read(m.Handle) // never fails: crypto/rand
	}
	who := mfa.PasskeyUser{Handle: m.Handle, Name: called(q.user), Display: q.user.Attributes["name"], Passkeys: f.Passkeys}
	options, state, err := p.config.Passkeys.Create(p.config.party(s), who, s.Passkeys.verification(q.verify))
	if err != nil {
		return nil, unavailable(err)
	}
	m.State = state
	text, _ := json.Marshal(m) // bytes cannot fail
	q.Secret = p.config.Keys.Seal(p.passkeyLabel(q.ticket), text)
	step := &NeedPasskeySetup{Ticket: q.bearer.String(), Expires: q.ticket.Expires, Options: options, Others: others}
	q.step = step
	return step, nil
}

// errNewPasskey says that no passkey was made that can be kept. It is the same for one that somebody
// has already.
func errNewPasskey() error {
	return &ValidationError{[]FieldError{{Field: "Passkey", Reason: "is none that was asked for"}}}
}

// madePasskey judges the answer to a ticket that asks for a new passkey, and returns its user as one
// who has it.
func (p *Pool) madePasskey(ctx context.Context, a answered, w PasskeyAttestation) (proof gate.Proof, next *user.User, err error) {
	u := a.user
	text, err := p.config.Keys.Open(p.passkeyLabel(a.ticket), a.Secret)
	var m making
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return proof, nil, unavailable(err)
	}
	proof, next, err = p.gate.NewPasskey(p.config.Passkeys, p.config.party(a.state.settings), m.State, w.JSON, u, w.Name, a.now)
	switch {
	case errors.Is(err, mfa.ErrPasskey):
		p.config.Logger.WarnContext(ctx, "new passkey refused", "pool", p.config.ID, "user", u.ID, "error", err)
		return proof, nil, errNewPasskey()
	case err != nil:
		return proof, nil, unavailable(err)
	case next.Factors.Handle == nil:
		next.Factors.Handle = m.Handle
	case string(next.Factors.Handle) != string(m.Handle): // another first passkey was made meanwhile
		return proof, nil, ErrTicketGone
	}
	if len(next.Factors.Passkeys) > user.MaxPasskeys || next.Size() > user.MaxSize {
		return proof, nil, errManyPasskeys
	}
	newest := next.Factors.Passkeys[len(next.Factors.Passkeys)-1]
	if _, has := u.Factors.Passkey(newest.ID); has {
		return proof, nil, errNewPasskey()
	}
	return proof, next, nil
}

// ConfirmPasskeyInput brings a passkey that was made.
type ConfirmPasskeyInput struct {
	Ticket  string // of [Account.AddPasskey]
	Passkey PasskeyAttestation
	Caller  Caller `json:"-"`
}

// ConfirmPasskey keeps a passkey that was made, and from then on the user signs in by it. After
// a password it does in place of another second factor, and is asked for where the user says so
// ([Account.AskForPasskey]). The acting session goes on as one that has the
// passkey among its proofs, and the step that comes back is [*Done] with its tokens or its cookie; the
// others go on. The owner is told.
//
// It fails with a *[ValidationError] where the browser answered something else, or somebody has the
// passkey, with [ErrTicketGone], and with [ErrNotAllowed] as [Account.AddPasskey] does. It costs one
// read and one commit.
func (a *Account) ConfirmPasskey(ctx context.Context, in ConfirmPasskeyInput) (Step, error) {
	b, ok := parseBearer(in.Ticket)
	if !ok {
		return nil, ErrTicketGone
	}
	var v validation
	v.passkeyJSON(in.Passkey.JSON)
	v.factorName(in.Passkey.Name)
	if err := v.err(); err != nil {
		return nil, err
	}
	s := a.proving(nil, in.Caller, addFactorEvent)
	return again(func() (Step, error) {
		g, answer, err := a.readSetUp(ctx, b, &s, mfa.KindPasskey)
		if err != nil {
			return nil, err
		}
		if err := a.pool.mayAddPasskey(g); err != nil {
			return nil, err
		}
		proof, next, err := a.pool.madePasskey(ctx, answer, in.Passkey)
		if err != nil {
			return nil, err
		}
		g.shown = []gate.Proof{proof}
		told := a.pool.tell(g.user, g.told, s.from, g.now, news{message.FactorAdded, message.Passkey})
		step, err := a.reissue(ctx, g, &s, next, append(told, answer.used()...)...)
		if errors.Is(err, storage.ErrConflict) {
			err = errNewPasskey()
		}
		return step, a.refusedAct(ctx, g, &s, err)
	})
}

// RenamePasskeyInput gives a passkey another name.
type RenamePasskeyInput struct {
	ID     string   // of a [Passkey]
	Name   string   // one line of at most 64 characters; "" means none
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// RenamePasskey gives a passkey another name, for its owner to know it by.
//
// It fails with [ErrNotFound], with a *[ValidationError], with [ErrNeedsProof], with
// [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError]. It costs one read and
// one commit, and a hash where a password is given.
func (a *Account) RenamePasskey(ctx context.Context, in RenamePasskeyInput) error {
	return a.rename(ctx, in.Name, in.With, in.Caller, func(f *user.Factors) *string {
		i := passkeyAt(f, in.ID)
		if i < 0 {
			return nil
		}
		return &f.Passkeys[i].Name
	})
}

// passkeyAt returns where a passkey stands; -1 means that there is none.
func passkeyAt(f *user.Factors, id string) int {
	if f == nil {
		return -1
	}
	return slices.IndexFunc(f.Passkeys, func(k mfa.Passkey) bool { return passkeyID(k) == id })
}
