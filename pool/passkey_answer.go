package pool

import (
	"context"
	"encoding/base64"
	"errors"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	// passkeyCounter is of wrong answers to one ticket. None is of a user: a signature cannot be
	// guessed, and whoever knows the id of a passkey must not lock its owner out (security.md T6).
	passkeyCounter = "passkey"
	passkeyUses    = "passkey:" // with a digest of its id, a watermark: the most signatures that it has counted
)

// clonedPasskey is why a passkey is refused that has counted no further: there may be a second one.
const clonedPasskey = "passkey_cloned"

// owner names whom a ticket is read with: the owner of the passkey that answers it or, where none does
// or it is somebody else's, that of the ticket.
func (a *asking) owner() user.Key {
	if len(a.passkey) == 0 || a.alien {
		return user.Key{}
	}
	return user.ByPasskey(a.passkey)
}

// foreign reports whether the answer names a passkey of somebody else than the ticket is for: it is read
// again, as a wrong answer to that one. One that may be nobody's is not: how often it is read would tell.
func (a *asking) foreign(got storage.Got) bool {
	t := got.Tickets[0]
	if len(a.passkey) == 0 || a.alien || t == nil || nobodys(t) || got.User != nil && got.User.ID == t.User {
		return false
	}
	a.alien = true
	return true
}

// passkeyCounters are what a ticket is read with that a passkey answers.
func (a *asking) passkeyCounters(p *Pool, b bearer) []storage.CounterKey {
	if len(a.passkey) == 0 {
		return nil
	}
	return []storage.CounterKey{
		{Pool: p.config.ID, Owner: b.ID(), Name: passkeyCounter},
		{Pool: p.config.ID, Name: usesOf(a.passkey)},
	}
}

// usesOf names the watermark of a passkey.
func usesOf(id []byte) string { return passkeyUses + user.PasskeyLogin(id).Value }

// answersByPasskey reads which passkey a response is by. Nothing is judged yet.
func (p *Pool) answersByPasskey(v *validation, with Response) (id []byte) {
	w, ok := with.(PasskeyAssertion)
	if !ok || v.err() != nil {
		return nil
	}
	if p.config.Passkeys != nil {
		id, _, _ = p.config.Passkeys.Named(w.JSON)
	}
	if len(id) == 0 {
		v.add("With", "must be the JSON of a passkey")
	}
	return id
}

// passkeyLabel is what the challenge of a ticket is sealed to.
func (p *Pool) passkeyLabel(t *storage.Ticket) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "ticket", Owner: t.ID, Field: "passkey"}
}

// askPasskey asks for a passkey at any place in a sign-in.
func (p *Pool) askPasskey(q *question, others []mfa.Kind) error {
	switch q.ticket.Purpose {
	case purposeEnrol:
		_, err := p.setUpPasskey(q, others)
		return err
	case purposeFirst, purposeSecond:
		of := listed(q.Listed)
		if q.Typed == nil {
			of = q.state.passkeysAt(q.typed, q.user)
		}
		return p.posePasskey(q, of, others)
	}
	return nil
}

// posePasskey asks for a proof by one of some passkeys, or by any where there are none.
func (p *Pool) posePasskey(q *question, of []mfa.Passkey, others []mfa.Kind) error {
	s := q.state.settings
	options, kept, err := p.config.Passkeys.Get(p.config.party(s), of, s.Passkeys.verification(q.verify))
	if err != nil {
		return unavailable(err)
	}
	q.Secret = p.config.Keys.Seal(p.passkeyLabel(q.ticket), kept)
	q.step = &NeedPasskey{Ticket: q.bearer.String(), Expires: q.ticket.Expires, Options: options, Others: others}
	return nil
}

// answerPasskey judges a proof by a passkey, of the owner of the ticket or, where the ticket is
// nobody's, of whoever has the passkey. The count of its signatures is raised in the commit that tells
// that it was right, and the ticket is gone by it: of any number of uses of one answer one wins.
//
// One whose count does not grow is refused, an event says so, and the owner is told (WebAuthn Level 3,
// 6.1.1, leaves that to the relying party): whoever copied a key would be let in for ever otherwise.
// Passkeys that are backed up count nothing, so nobody is kept out who has several devices.
func (p *Pool) answerPasskey(ctx context.Context, a answered, w PasskeyAssertion, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Reason: string(mfa.KindPasskey), Client: a.client.ID}
	wrong := func(also ...storage.Change) error {
		return p.wrong(ctx, a.guess(a.passkey), ErrNotAuthorized, o, append(also, a.tried())...)
	}
	kept, err := p.config.Keys.Open(p.passkeyLabel(a.ticket), a.Secret)
	if err != nil {
		return nil, unavailable(err)
	}
	rp := p.config.party(a.state.settings)
	if a.user == nil {
		p.judgeDecoy(rp, kept, w, a.ask.passkey)
		return nil, wrong()
	}
	proof, _, got, err := p.gate.Passkey(p.config.Passkeys, rp, kept, w.JSON, a.user, uint32(a.uses.N), a.now)
	if err != nil && !errors.Is(err, mfa.ErrPasskey) {
		return nil, unavailable(err)
	}
	if err != nil || got.Cloned {
		var told []storage.Change
		if got.Cloned {
			o.Reason = clonedPasskey
			told = p.tell(a.user, a.told, a.from, a.now, news{kind: message.PasskeyCopied})
		}
		p.config.Logger.WarnContext(ctx, "passkey refused", "pool", p.config.ID, "user", a.user.ID, "reason", o.Reason, "error", err)
		return nil, wrong(told...)
	}
	d := p.judgeFactor(a, a.user, proof)
	if d.Outcome() == gate.Refuse {
		o.Reason = string(d.Reason())
		return nil, wrong()
	}
	changes := []storage.Change{storage.Require(a.user)}
	if got.Count > 0 {
		changes = append(changes, storage.Raise{Key: a.uses.Key, N: int64(got.Count)})
	}
	at := a.passkey
	if d.Outcome() == gate.Mint { // it goes with its ticket
		at = storage.Counter{}
	}
	return p.advance(ctx, a.attained(a.user, d, h, at, changes...))
}

// judgeDecoy does the work of an answer by a passkey that nobody has, whatever it comes to: how long that
// takes does not tell which of those that are asked for are made up (security.md S17).
func (p *Pool) judgeDecoy(rp mfa.RelyingParty, kept []byte, w PasskeyAssertion, id []byte) {
	k := mfa.Passkey{ID: id, PublicKey: decoyKey, Verified: true}
	_, _ = p.config.Passkeys.Got(rp, kept, w.JSON, k, make([]byte, 64))
}

// decoyKey is a COSE key of P-256, as most passkeys have, to which nobody has the other half.
var decoyKey, _ = base64.StdEncoding.DecodeString(
	"pQECAyYgASFYIN6xXzpPugoAjVSif5MTLZNvkRDMijOAMZDfnZrdrNnCIlgg/eRobdAlLTJum2ILVzYTnfr7rrYrJDNgIk9PLXMmjLw=")

// enrolPasskey keeps a passkey that was made within a sign-in. It is asked for from then on.
func (p *Pool) enrolPasskey(ctx context.Context, a answered, w PasskeyAttestation, h *hooked) (Step, error) {
	proof, next, err := p.madePasskey(ctx, a, w)
	if err != nil {
		return nil, err
	}
	next.Factors.PasskeySecond = true
	step, err := p.enrolled(ctx, a, next, h, message.Passkey, storage.Counter{}, proof)
	if errors.Is(err, storage.ErrConflict) {
		err = errNewPasskey()
	}
	return step, err
}
