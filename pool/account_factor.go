package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Factors are what somebody has set up beside a password. There is no secret in it.
type Factors struct {
	Authenticators []Authenticator // apps that show codes, the oldest first
	Passkeys       int             // how many there are
	AskForPasskey  bool            // one is asked for after a password though nothing else is ([Account.AskForPasskey])
	SMS, Email     bool            // codes to the phone number, and to the email address, are a second factor
	Preferred      mfa.Kind        // what is asked for first; "" means that the visitor chooses
	RecoveryCodes  int             // how many are left
	Kinds          []mfa.Kind      // that the pool lets the user set up; codes go to proven addresses alone
	// Required says that the user must have a second factor: the last one cannot be removed.
	Required bool
	// Lost is for how long to wait until others may be set up in place of all these, since somebody who
	// knows the password says that they are lost ([LostFactors]); nil means that nobody does. Who has
	// not said so sets another password.
	Lost *NeedWait
}

// Authenticator is an authenticator app (TOTP, RFC 6238) that has shown a code.
type Authenticator struct {
	ID      string
	Name    string // as its owner calls it; "" means nothing
	Created time.Time
}

// Why a factor stays, or is not set up.
var (
	errLastFactor = fmt.Errorf("%w: everybody here must have a second factor, and it is the last one", ErrNotAllowed)
	errNotOffered = fmt.Errorf("%w: the pool does not offer factors of this kind", ErrNotAllowed)
	errNoFactor   = fmt.Errorf("%w: they are for who has lost a second factor, and there is none", ErrNotAllowed)
	errManyApps   = fmt.Errorf("%w: there are %d authenticator apps; remove one first", ErrNotAllowed, user.MaxApps)
)

// errStandsOn is an ErrNeedsProof: the password does not show that the owner is left with something.
const errStandsOn = needsProof("this sign-in rests on it: sign in by another factor first")

// errNotShown is one, too: who asks for a passkey goes on as one who has shown it.
const errNotShown = needsProof("this sign-in has shown no passkey: sign in by one first")

// Factors returns what the user has set up. It costs one read.
func (a *Account) Factors(ctx context.Context) (Factors, error) {
	g, err := a.read(ctx)
	if err != nil {
		return Factors{}, err
	}
	return a.pool.factors(g.user, a.pool.rules(g.state, g.user, g.client)), nil
}

func (p *Pool) factors(u *user.User, rules gate.Rules) Factors {
	out := Factors{Required: rules.Require == mfa.Required}
	out.Kinds = slices.DeleteFunc(rules.Offered(rules.Seconds), func(k mfa.Kind) bool {
		_, proven := u.Address(addressKind(k))
		return k == mfa.KindCustom || bySent(k) && !proven
	})
	f := u.Factors
	if f == nil {
		return out
	}
	if from, until, held := gate.Held(u, rules.Hold); held && p.now().Before(until) {
		out.Lost = &NeedWait{from, until}
	}
	for _, app := range f.Apps {
		out.Authenticators = append(out.Authenticators, Authenticator{app.ID, app.Name, app.Created})
	}
	out.AskForPasskey = f.PasskeySecond
	out.Passkeys, out.SMS, out.Email = len(f.Passkeys), !f.SMS.IsZero(), !f.Email.IsZero()
	out.Preferred, out.RecoveryCodes = f.Preferred, len(f.Recovery.Codes)
	return out
}

// PreferFactorInput says which second factor is asked for first.
type PreferFactorInput struct {
	Kind   mfa.Kind // one that the user has; "" means that the sign-in asks which
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// PreferFactor says which second factor a sign-in asks for first, as Cognito's SetUserMFAPreference
// does. The others can be chosen instead all the same.
//
// It fails with [ErrNotFound] where the user has none of the kind, with [ErrNeedsProof], with
// [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError]. It costs one read and
// one commit, and a hash where a password is given.
func (a *Account) PreferFactor(ctx context.Context, in PreferFactorInput) error {
	var v validation
	if err := v.proof(in.With); err != nil {
		return err
	}
	s := a.proving(in.With, in.Caller, preferEvent)
	s.may = func(g granted) error {
		if in.Kind != "" && !slices.Contains(kindsOf(g.user.Factors), in.Kind) {
			return ErrNotFound
		}
		return nil
	}
	return a.changeFactors(ctx, &s, func(f *user.Factors) { f.Preferred = in.Kind })
}

// RenameAuthenticatorInput gives an authenticator app a name.
type RenameAuthenticatorInput struct {
	ID     string   // of an [Authenticator]
	Name   string   // one line of at most 64 characters; "" means none
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// RenameAuthenticator gives an authenticator app another name, for its owner to know it by.
//
// It fails with [ErrNotFound], with a *[ValidationError], with [ErrNeedsProof], with
// [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError]. It costs one read and
// one commit, and a hash where a password is given.
func (a *Account) RenameAuthenticator(ctx context.Context, in RenameAuthenticatorInput) error {
	return a.rename(ctx, in.Name, in.With, in.Caller, func(f *user.Factors) *string {
		if _, has := f.App(in.ID); !has {
			return nil
		}
		return &f.Apps[appAt(f, in.ID)].Name
	})
}

// rename gives a factor another name. At returns where that stands, nil where there is none such.
func (a *Account) rename(
	ctx context.Context, name string, with Response, from Caller, at func(*user.Factors) *string,
) error {
	var v validation
	v.factorName(name)
	if err := v.proof(with); err != nil {
		return err
	}
	s := a.proving(with, from, renameFactorEvent)
	s.may = func(g granted) error {
		if at(g.user.Factors) == nil {
			return ErrNotFound
		}
		return nil
	}
	return a.changeFactors(ctx, &s, func(f *user.Factors) { *at(f) = name })
}

// changeFactors does to the factors of a user what changes nothing that anybody could sign in by.
func (a *Account) changeFactors(ctx context.Context, s *proving, do func(*user.Factors)) error {
	_, err := again(func() (struct{}, error) {
		g, err := a.prove(ctx, s, storage.Want{})
		if err != nil {
			return struct{}{}, err
		}
		next := g.user.Clone()
		if next.Factors == nil {
			next.Factors = new(user.Factors)
		}
		do(next.Factors)
		next.Updated = g.now
		return struct{}{}, a.act(ctx, g, s, storage.Require(g.session), storage.Put(next))
	})
	return err
}

// RemoveAuthenticatorInput removes an authenticator app.
type RemoveAuthenticatorInput struct {
	ID     string   // of an [Authenticator]
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// RemoveAuthenticator removes an authenticator app of the user; with the last second factor the
// recovery codes go, too. All other sessions end, with every ticket, code and remembered device; the
// acting one goes on ([Account]), and the step that comes back is [*Done]. The owner is told.
//
// It fails with [ErrNotFound]; with [ErrNotAllowed] where everybody must have a second factor, and it
// is the last one; with [ErrNeedsProof], also where other factors are left and the sign-in was by this
// one: whoever removes a factor has shown one that stays. It fails with [ErrNotAuthorized], which a
// wrong password is too, and with a *[LimitError]. It costs one read and one commit, and a hash where
// a password is given.
func (a *Account) RemoveAuthenticator(ctx context.Context, in RemoveAuthenticatorInput) (Step, error) {
	var v validation
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, dropFactorEvent)
	without := func(g granted) *user.User {
		next := g.user.Clone()
		i := appAt(next.Factors, in.ID)
		next.Factors.Apps = slices.Delete(next.Factors.Apps, i, i+1)
		return next
	}
	s.may = func(g granted) error {
		if err := hasApp(g.user, in.ID); err != nil {
			return err
		}
		return a.mayDrop(g, without(g))
	}
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		return a.dropped(ctx, g, &s, without(g), message.Authenticator)
	})
}

// mayDrop refuses where the acting session would not do for the user as next: whoever removes a factor
// goes on by what is left.
func (a *Account) mayDrop(g granted, next *user.User) error {
	tidy(next.Factors)
	d := gate.Decide(a.pool.request(g.round, next), gate.Carried(next.ID, g.session.Proofs), g.now)
	switch {
	case d.Outcome() == gate.Mint:
		return nil
	case d.Next() == gate.Second:
		return errStandsOn
	}
	return errLastFactor
}

// dropped commits that a factor is gone from next: every session of before is over (security.md T3).
func (a *Account) dropped(
	ctx context.Context, g granted, s *proving, next *user.User, factor message.Factor, also ...storage.Change,
) (Step, error) {
	tidy(next.Factors)
	changes := append(append(also, a.pool.unguessed(next)...), a.pool.voided(next, g.now))
	changes = append(changes, a.pool.tell(g.user, g.told, s.from, g.now, news{message.FactorRemoved, factor})...)
	step, err := a.reissue(ctx, g, s, next, changes...)
	return step, a.refusedAct(ctx, g, s, err)
}

// tidy takes away what is of no use without factors that are gone: the preference, and with the last
// one the recovery codes, which would be a factor by themselves.
func tidy(f *user.Factors) {
	has := kindsOf(f)
	if !slices.Contains(has, f.Preferred) {
		f.Preferred = ""
	}
	if len(has) == 0 {
		f.Recovery = user.Recovery{}
	}
}

// added commits a factor that an act has proven: the acting session goes on as one that stands on
// it, too. The first factor comes with recovery codes.
func (a *Account) added(
	ctx context.Context, g granted, s *proving, next *user.User, factor message.Factor, proof gate.Proof, also ...storage.Change,
) (Step, error) {
	codes := a.pool.firstCodes(next, g.now)
	all := []news{{message.FactorAdded, factor}}
	if codes != nil {
		all = append(all, news{kind: message.RecoveryCodesMade})
	}
	g.shown = []gate.Proof{proof}
	changes := append(a.pool.tell(g.user, g.told, s.from, g.now, all...), also...)
	return a.handing(ctx, g, s, next, codes, changes...)
}

// handing ends an act that hands recovery codes out with what the acting session goes on by.
func (a *Account) handing(
	ctx context.Context, g granted, s *proving, next *user.User, codes []string, changes ...storage.Change,
) (Step, error) {
	step, err := a.reissue(ctx, g, s, next, changes...)
	if err != nil {
		return nil, a.refusedAct(ctx, g, s, err)
	}
	if done, ok := step.(*Done); ok {
		done.RecoveryCodes = codes
	}
	return step, nil
}

// MakeRecoveryCodesInput asks for new recovery codes.
type MakeRecoveryCodesInput struct {
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// MakeRecoveryCodes gives the user ten new recovery codes in place of those of before, and hands them
// out in [Done].RecoveryCodes, this once. All other sessions end, with every ticket, code and
// remembered device; the acting one goes on ([Account]), even where it was begun by one of the codes of
// before. The owner is told.
//
// It fails with [ErrNotAllowed] where the user has no second factor, with [ErrNeedsProof], with
// [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError]. It costs one read and
// one commit, and a hash where a password is given.
func (a *Account) MakeRecoveryCodes(ctx context.Context, in MakeRecoveryCodesInput) (Step, error) {
	var v validation
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, codesEvent)
	s.may = func(g granted) error {
		if len(kindsOf(g.user.Factors)) == 0 {
			return errNoFactor
		}
		return nil
	}
	p := a.pool
	failures := storage.Counter{Key: storage.CounterKey{Pool: p.config.ID, Owner: a.claims.Subject, Name: recoveryCounter}}
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		next := g.user.Clone()
		codes := p.gate.RecoveryCodes(next, g.now)
		g.shown = gate.Remade(g.user, next, g.now, gate.Carried(next.ID, g.session.Proofs)...)
		changes := append(p.tell(g.user, g.told, s.from, g.now, news{kind: message.RecoveryCodesMade}),
			p.voided(next, g.now), storage.Delete(&failures)) // they were at the old ones
		return a.handing(ctx, g, &s, next, codes, changes...)
	})
}

// hasApp fails with [ErrNotFound] where the user has no app of the id.
func hasApp(u *user.User, id string) error {
	if _, ok := u.Factors.App(id); !ok {
		return ErrNotFound
	}
	return nil
}

// appAt returns where an app stands that there is.
func appAt(f *user.Factors, id string) int {
	return slices.IndexFunc(f.Apps, func(a user.App) bool { return a.ID == id })
}

const maxFactorName = 64 // characters

// factorName checks what the owner of a factor calls it.
func (v *validation) factorName(s string) {
	if !line(s, maxFactorName) {
		v.add("Name", fmt.Sprintf("must be one line of at most %d characters", maxFactorName))
	}
}
