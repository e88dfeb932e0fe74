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
// is good once, so each moves the clock by half a minute. [Person.Code] is the next. Where a second
// factor is required, they set it up as they sign in for the first time.
func TOTP() PersonOption { return func(o *order) { o.app = true } }

// Passkey gives the person a passkey that verifies them, on [Person.Authenticator]. They go on to sign in
// by their password; [Person.SignInByPasskey] does by the passkey. The pool needs pool.Config.Passkeys.
// Where a second factor is required, and they have no app, it is made at the first sign-in.
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
	switch step.(type) {
	case *pool.NeedChoice, *pool.NeedTOTPSetup, *pool.NeedPasskeySetup:
		p.fatal("sign in: a second factor is required: give them TOTP or Passkey", err)
	}
	if err != nil {
		p.fatal("sign in", err)
	}
	return done
}

// answer returns the ticket of a step, and what the person answers; "" where they have nothing to.
func (p *Person) answer(step pool.Step) (ticket string, with pool.Response) {
	p.kit.t.Helper()
	switch s := step.(type) {
	case *pool.NeedChoice:
		if kind := p.choose(s); kind != "" {
			return s.Ticket, pool.Choice{Kind: kind}
		}
	case *pool.NeedTOTP:
		if code := p.Code(); code != "" {
			return s.Ticket, pool.Code{Value: code}
		}
	case *pool.NeedTOTPSetup:
		if p.order.app {
			p.seed = s.Seed
			return s.Ticket, pool.Code{Value: p.Code()}
		}
	case *pool.NeedPasskey:
		if p.device != nil {
			return s.Ticket, pool.PasskeyAssertion{JSON: p.ask("answer by the passkey", p.device.Get, s.Options)}
		}
	case *pool.NeedPasskeySetup:
		if p.order.passkey {
			return s.Ticket, p.attest(s.Options)
		}
	case *pool.NeedCode:
		return s.Ticket, pool.Code{Value: p.sent(s)}
	default:
	}
	return "", nil
}

// choose returns what the person answers by, or sets up where they have to: what they were ordered
// with, and else a code that is sent; "" where it is none of the kinds.
func (p *Person) choose(s *pool.NeedChoice) mfa.Kind {
	for _, k := range []struct {
		kind  mfa.Kind
		there bool
	}{
		{mfa.KindTOTP, p.order.app && (s.Enrol || p.seed != (mfa.Seed{}))},
		{mfa.KindPasskey, p.order.passkey && (s.Enrol || p.device != nil)},
		{mfa.KindEmail, true},
		{mfa.KindSMS, true},
	} {
		if k.there && slices.Contains(s.Kinds, k.kind) {
			return k.kind
		}
	}
	return ""
}

// sent returns the code that was sent to the address of a step's kind.
func (p *Person) sent(s *pool.NeedCode) string {
	p.kit.t.Helper()
	u, err := p.kit.admin().FindUser(p.kit.t.Context(), p.Login)
	if err != nil {
		p.fatal("find the address that the code went to", err)
	}
	if s.Delivery == (pool.Delivery{}) {
		p.kit.t.Fatalf("pooltest: %s: sign in: the address has had as many codes as it may in an hour: "+
			"move the clock", p.Login)
	}
	if s.By == mfa.KindSMS {
		return p.kit.Mail.Code(u.Phone)
	}
	return p.kit.Mail.Code(u.Email)
}

// enrol sets up what the options say and the sign-in has not, and signs in by it.
func (p *Person) enrol() {
	p.kit.t.Helper()
	if p.order.app && p.seed == (mfa.Seed{}) {
		p.addApp()
		p.SignIn()
	}
	if p.order.passkey && p.device == nil {
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
	ctx, account := p.kit.t.Context(), p.account()
	setup, err := account.AddPasskey(ctx, pool.AddPasskeyInput{Caller: p.caller})
	if errors.Is(err, pool.ErrNotAllowed) {
		p.kit.t.Fatalf("pooltest: %s: a passkey: the pool has none: set pool.Config.Passkeys (%v)", p.Login, err)
	}
	if err == nil {
		in := pool.ConfirmPasskeyInput{Ticket: setup.Ticket, Passkey: p.attest(setup.Options), Caller: p.caller}
		_, err = account.ConfirmPasskey(ctx, in)
	}
	if err != nil {
		p.fatal("make a passkey", err)
	}
}

// attest makes a passkey on a device of its own, at a page of the pool.
func (p *Person) attest(options []byte) pool.PasskeyAttestation {
	p.kit.t.Helper()
	origin := p.kit.Issuer()
	if origins := p.kit.Settings().Passkeys.Origins; len(origins) > 0 {
		origin = origins[0]
	}
	p.device = passkeytest.New(origin)
	return pool.PasskeyAttestation{JSON: p.ask("make a passkey", p.device.Create, options), Name: "laptop"}
}

// ask has the device do what the options of a step ask for.
func (p *Person) ask(what string, do func([]byte) ([]byte, error), options []byte) []byte {
	p.kit.t.Helper()
	answer, err := do(options)
	if err != nil {
		p.fatal(what, err)
	}
	return answer
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
