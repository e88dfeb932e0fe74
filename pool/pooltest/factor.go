package pooltest

import (
	"errors"
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
)

// TOTP gives the person an authenticator app, which every sign-in of theirs then shows a code of: each
// is good once, so each moves the clock by half a minute. [Person.Code] is the next.
func TOTP() PersonOption { return func(o *order) { o.app = true } }

// Passkey gives the person a passkey that verifies them, on [Person.Authenticator]. They go on to sign in
// by their password; [Person.SignInByPasskey] does by the passkey. The pool needs pool.Config.Passkeys.
func Passkey() PersonOption { return func(o *order) { o.passkey = true } }

// Code returns a code that the person's authenticator app shows and that was not used yet: it moves the
// clock by half a minute. It is "" for who has none.
func (p *Person) Code() string {
	if p.seed == (mfa.Seed{}) {
		return ""
	}
	p.kit.Clock.Advance(30 * time.Second)
	return p.seed.Code(p.kit.Clock.Now())
}

// Authenticator returns the person's device with passkeys, at a page of the first origin of the pool's
// settings or of its issuer; its fields make it answer wrongly. It is nil for who has none.
func (p *Person) Authenticator() *passkeytest.Authenticator { return p.device }

// SignInByPasskey signs in by the passkey, without a name and without the password, as [Person.SignIn]
// does by that.
func (p *Person) SignInByPasskey() {
	p.kit.t.Helper()
	p.tokens = p.signInWith(pool.SignInInput{With: pool.Choice{Kind: mfa.KindPasskey}}, false).Tokens
	p.cookie = p.signInWith(pool.SignInInput{With: pool.Choice{Kind: mfa.KindPasskey}}, true).Cookie.Reveal()
}

// signInWith signs in, and answers the steps that ask for what the person has.
func (p *Person) signInWith(in pool.SignInInput, browser bool) *pool.Done {
	p.kit.t.Helper()
	ctx := p.kit.t.Context()
	in.Client, in.ClientSecret, in.Caller = p.client.ID, p.kit.secret(p.client), p.caller
	in.Caller.Browser = browser
	step, err := p.kit.SignIn(ctx, in)
	for err == nil {
		ticket, answer := p.answer(step)
		if ticket == "" {
			break
		}
		step, err = p.kit.Respond(ctx, pool.RespondInput{
			Ticket: ticket, With: answer, ClientSecret: in.ClientSecret, Caller: in.Caller,
		})
	}
	done, err := pool.Finished(step, err)
	if err != nil {
		p.fatal("sign in", err)
	}
	return done
}

// answer returns the ticket of a step, and what the person answers; "" where they have nothing to.
func (p *Person) answer(step pool.Step) (ticket string, with pool.Response) {
	p.kit.t.Helper()
	switch s := step.(type) {
	case *pool.NeedTOTP:
		if code := p.Code(); code != "" {
			return s.Ticket, pool.Code{Value: code}
		}
	case *pool.NeedChoice:
		if p.seed != (mfa.Seed{}) && slices.Contains(s.Kinds, mfa.KindTOTP) && !s.Enrol {
			return s.Ticket, pool.Code{Value: p.Code()}
		}
	case *pool.NeedPasskey:
		if p.device == nil {
			return "", nil
		}
		answer, err := p.device.Get(s.Options)
		if err != nil {
			p.fatal("answer by the passkey", err)
		}
		return s.Ticket, pool.PasskeyAssertion{JSON: answer}
	default:
	}
	return "", nil
}

// enrol sets up what the options say, and signs in by it.
func (p *Person) enrol(o order) {
	p.kit.t.Helper()
	if o.app {
		p.addApp()
		p.SignIn()
	}
	if o.passkey {
		p.addPasskey()
		p.SignIn()
	}
}

func (p *Person) addApp() {
	p.kit.t.Helper()
	ctx, account := p.kit.t.Context(), p.account()
	setup, err := account.AddAuthenticator(ctx, pool.AddAuthenticatorInput{Caller: p.caller})
	if err == nil {
		p.seed = setup.Seed
		in := pool.ConfirmAuthenticatorInput{Ticket: setup.Ticket, Code: p.Code(), Name: "phone", Caller: p.caller}
		_, err = account.ConfirmAuthenticator(ctx, in)
	}
	if err != nil {
		p.fatal("set up an app", err)
	}
}

func (p *Person) addPasskey() {
	p.kit.t.Helper()
	origin := p.kit.Issuer()
	if origins := p.kit.Settings().Passkeys.Origins; len(origins) > 0 {
		origin = origins[0]
	}
	p.device = passkeytest.New(origin)
	ctx, account := p.kit.t.Context(), p.account()
	setup, err := account.AddPasskey(ctx, pool.AddPasskeyInput{Caller: p.caller})
	if errors.Is(err, pool.ErrNotAllowed) {
		p.kit.t.Fatalf("pooltest: %s: a passkey: the pool has none: set pool.Config.Passkeys (%v)", p.Login, err)
	}
	var made []byte
	if err == nil {
		made, err = p.device.Create(setup.Options)
	}
	if err == nil {
		attested := pool.PasskeyAttestation{JSON: made, Name: "laptop"}
		_, err = account.ConfirmPasskey(ctx, pool.ConfirmPasskeyInput{Ticket: setup.Ticket, Passkey: attested, Caller: p.caller})
	}
	if err != nil {
		p.fatal("make a passkey", err)
	}
}

// account is that of the last sign-in.
func (p *Person) account() *pool.Account {
	p.kit.t.Helper()
	a, err := p.kit.Account(p.kit.t.Context(), p.tokens.Access)
	if err != nil {
		p.fatal("open the account", err)
	}
	return a
}
