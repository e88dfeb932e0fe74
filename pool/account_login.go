package pool

import (
	"context"
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Why a user keeps a login, or cannot have one.
var (
	errLastLogin   = fmt.Errorf("%w: it is all that the user signs in by", ErrNotAllowed)
	errNoPreferred = fmt.Errorf("%w: nobody signs in by a preferred user name here; it is an attribute", ErrNotAllowed)
)

// RemoveAddressInput gives up an email address or phone number of one's own.
type RemoveAddressInput struct {
	Channel message.Channel // email or SMS: which of the two
	With    Response        // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller  Caller          `json:"-"`
}

// RemoveAddress takes an address of a user away, with all that [Account.ConfirmAddress] does where
// one gives way: sessions end, and the address is told and can be restored for 7 days. The last
// login stays, and so does what is required.
//
// It fails as [Account.ChangeAddress] does, and with [ErrNotAllowed] where the user would have
// nothing left to sign in by. It costs one read and one commit, and a hash where a password is given.
func (a *Account) RemoveAddress(ctx context.Context, in RemoveAddressInput) (Step, error) {
	var v validation
	k := v.kind(in.Channel)
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, addressEvent)
	s.may = func(g granted) error {
		if old, _ := g.user.Address(k); old == (user.Login{}) {
			var v validation
			v.add("Channel", "must be one by which the user has an address")
			return v.err()
		}
		if !g.state.moved(g.user, k, user.Login{}).Named() {
			return errLastLogin
		}
		if g.state.settings.backs(g.user, k) {
			return errBacks
		}
		return a.mayMove(g, k, user.Login{})
	}
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, a.asks(k, user.Login{}))
		if err != nil {
			return nil, err
		}
		next := g.state.moved(g.user, k, user.Login{})
		changes, err := a.moving(ctx, g, &s, next, k)
		if err != nil {
			return nil, err
		}
		step, err := a.reissue(ctx, g, &s, next, changes...)
		return step, a.refusedAct(ctx, g, &s, err)
	})
}

// ChangeUsernameInput asks for another user name.
type ChangeUsernameInput struct {
	Username string   // the one that the user prefers; "" means none
	With     Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller   Caller   `json:"-"`
}

// ChangeUsername sets the preferred user name, in a pool whose users sign in by it
// ([PreferredUsername]); the one that was chosen at sign-up stays. The one before rests for 30 days,
// in which only the same user can take it back. All other sessions end, with every ticket and code;
// the acting one goes on ([Account]), and the step that comes back is [*Done]. The owner is told.
//
// It fails with a *[ValidationError], with [ErrNeedsProof], with [ErrNotAuthorized], which a wrong
// password is too, with [ErrNotAllowed] where the pool takes no such names, with [ErrLoginTaken],
// which cannot be hidden and counts as a request of the network, and with a *[LimitError]. It costs
// one read and one commit, and a hash where a password is given.
func (a *Account) ChangeUsername(ctx context.Context, in ChangeUsernameInput) (Step, error) {
	var v validation
	if v.profile(user.Attributes{preferredName: in.Username}); v.err() != nil { // before it is worth a read
		return nil, v.err()
	}
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, updateEvent)
	source := a.pool.sourceKey(a.pool.state.Load(), in.Caller, requests)
	s.may = func(g granted) error {
		if !g.state.settings.SignIn.prefers() {
			return errNoPreferred
		}
		if _, err := g.renamed(in.Username); err != nil {
			return err
		}
		return overBudget(g.read.Counters[0], requestRule, g.now)
	}
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, storage.Want{Counters: []storage.CounterKey{source}})
		if err != nil {
			return nil, err
		}
		next, err := g.renamed(in.Username)
		if err != nil {
			return nil, err
		}
		count := storage.Count{Key: source, Rule: requestRule, Now: g.now}
		changes := append(a.pool.tellOthers(g, user.KindUsername, in.Caller), a.pool.voided(next, g.now), count)
		step, err := a.reissue(ctx, g, &s, next, changes...)
		if errors.Is(err, storage.ErrConflict) { // what a network learns is counted
			if err := overMail(a.pool.commit(ctx, count)); err != nil {
				return nil, err
			}
		}
		return step, a.refusedAct(ctx, g, &s, err)
	})
}

// renamed returns the user with another preferred user name.
func (g granted) renamed(name string) (*user.User, error) {
	var v validation
	was := told(g.user)
	is := with(was, user.Attributes{preferredName: name})
	v.writable(g.client, user.Attributes{preferredName: name}, "")
	v.unfit(g.state.settings.Attributes.CheckChange(was, is, user.Visitor), "")
	v.profile(plain(is))
	next := g.user.Clone()
	next.Attributes = with(next.Attributes, user.Attributes{preferredName: name})
	if v.err() == nil {
		v.rename(g.state.settings.SignIn, next, was[preferredName])
	}
	return next, v.err()
}
