package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// mayJoin asks PreSignUp about a sign-up, once for all its rounds.
func (p *Pool) mayJoin(
	ctx context.Context, h *hooked, client Client, in SignUpInput, up registration,
) (hook.PreSignUpAnswer, error) {
	f := p.config.Hooks.PreSignUp
	if f == nil {
		return hook.PreSignUpAnswer{}, nil
	}
	return once(&h.signUp, func() (hook.PreSignUpAnswer, error) {
		e := h.about(client, in.Username, nil)
		e.Source = hook.SignUp
		e.Attributes = told(&user.User{Attributes: up.attributes, Logins: []user.Login{up.login}})
		email, phone := e.Attributes["email"], e.Attributes["phone_number"] // before the app may change them
		vouched := func(a hook.PreSignUpAnswer) error { return vouches(a, email, phone, up.login.Kind()) }
		return consult(ctx, p, preSignUp, f, hook.PreSignUp{Event: e}, vouched)
	})
}

// vouches checks an answer to PreSignUp. An address that nobody has proven owns nothing (security.md
// T7), so who makes a user of a visitor at once has to vouch for it.
func vouches(a hook.PreSignUpAnswer, email, phone string, login user.Kind) error {
	switch {
	case (a.VerifyEmail || a.VerifyPhone) && !a.Confirm:
		return errors.New("VerifyEmail and VerifyPhone go with Confirm; without it the visitor proves the address")
	case a.VerifyEmail && email == "", a.VerifyPhone && phone == "":
		return errors.New("there is no such address to vouch for")
	case a.Confirm && login == user.KindEmail && !a.VerifyEmail:
		return errors.New("without VerifyEmail there is no Confirm, because the email address is the login")
	case a.Confirm && login == user.KindPhone && !a.VerifyPhone:
		return errors.New("without VerifyPhone there is no Confirm, because the phone number is the login")
	}
	return nil
}

// joined makes a user of a visitor whom the program vouches for. Where an address that would be a
// login has an owner it makes none, and tells the owner; what is written is alike. Of two addresses
// that are vouched for, only the one that the visitor would have proven becomes a login.
func (p *Pool) joined(
	ctx context.Context, r reading, u *user.User, o occurrence, chosen *choice, h *hooked,
) (SignUpResult, error) {
	now, login, address := r.now, u.Attempt.Login, u.Attempt.Proves()
	said := h.signUp.value
	vouched := map[user.Kind]bool{user.KindEmail: said.VerifyEmail, user.KindPhone: said.VerifyPhone}
	kinds := r.state.settings.SignIn.kinds()
	l := letterTo(address, message.AlreadyRegistered, o.from.locale(), "")
	wouldOwn := login == address || vouched[address.Kind()] && slices.Contains(kinds, address.Kind())
	var rests []storage.Change
	if owner := r.owner(); wouldOwn && (owner != nil || r.resting) {
		if l.Void, o.Outcome = owner == nil, refused; owner != nil {
			l.To = owner.Login(address).Display
		}
		rests = p.asTaken(r.state, now, login, address)
	} else {
		u.Own()
		if vouched[address.Kind()] {
			u.Prove(address, kinds...)
		}
		for k, good := range vouched {
			if other, proven := u.Address(k); good && !proven {
				u.Prove(other)
			}
		}
		u.Status, l.Void, o.Outcome = user.Confirmed, true, succeeded
	}
	o.who = u
	mails := mailing(address)
	full := !mails.Locked(r.mail, now).IsZero()
	l.Void, l.Over = l.Void || full, full
	changes := []storage.Change{storage.Put(u), p.notify(u.ID, l, now), p.event(now, o)}
	if !full {
		changes = append(changes, storage.Count{Key: r.mail.Key, Rule: mails, Now: now})
	}
	changes = append(changes, rests...)
	if _, rule := requested(address); !chosen.asked || r.source.Key.Name != requests { // else it was counted then
		changes = append(changes, storage.Count{Key: r.source.Key, Rule: rule, Now: now})
	}
	// It waits for the attempt at a taken address too, and is dropped unrun there.
	changes = append(changes, p.afterwards(postConfirmation, hook.ConfirmSignUp, h, o.Client, u, now)...)
	err := overMail(p.commit(ctx, changes...))
	if errors.Is(err, storage.ErrConflict) { // somebody got the address meanwhile: read again
		err = fmt.Errorf("%w: %w", storage.ErrStale, err)
	}
	return SignUpResult{Confirmed: err == nil}, err
}

// mayTry asks PreAuthentication about an attempt to sign in by a password, and then what risk there
// is in it, before anything is judged. A denial is counted against the network, as source, and not
// against the account: it says nothing of it.
func (p *Pool) mayTry(
	ctx context.Context, h *hooked, r round, login string, u *user.User, guesses storage.Counter,
) (gate.Risk, error) {
	if f := p.config.Hooks.PreAuthentication; f != nil {
		_, err := once(&h.authenticate, func() (struct{}, error) {
			e := h.about(r.client, login, u)
			e.Source = hook.Authentication
			f := func(ctx context.Context, e hook.PreAuthentication) (struct{}, error) { return struct{}{}, f(ctx, e) }
			well := func(struct{}) error { return nil }
			return consult(ctx, p, preAuthentication, f, hook.PreAuthentication{Event: e, UserNotFound: u == nil}, well)
		})
		if err != nil {
			return 0, err
		}
	}
	return p.assess(ctx, h, r, login, circumstances{p.device(h.from, r.now), h.from, u, guesses, h.typed.Value})
}
