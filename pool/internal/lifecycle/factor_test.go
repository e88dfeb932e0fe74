package lifecycle_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
)

// Of 64 uses at once of one proof, in two processes and where it can be by several tickets, one signs
// in, on every store, and none after it (security.md S1, S3, S17; CVE classes 4, 5, 12 and 16).
func TestS17_OneWinnerOnEveryStore(t *testing.T) {
	t.Parallel()
	for _, on := range stores {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			st, err := on.open(t)()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			r := racers(t, st)
			for name, has := range proofs {
				t.Run(name, func(t *testing.T) {
					p := &contender{racing: r, t: t, login: name + "@example.com"}
					asked, proof := has(p)
					tickets := asked()
					with := proof()
					if won := p.race(tickets, with); won != 1 {
						t.Errorf("it signed in %d times", won)
					}
					if won := p.race(append(tickets, asked()...), with); won != 0 {
						t.Errorf("used again, it signed in %d times", won)
					}
				})
			}
		})
	}
}

// proofs are what people sign in by: each makes one who can, and returns what begins sign-ins and what
// then answers the last, once.
var proofs = map[string]func(p *contender) (asked func() []string, proof func() pool.Response){
	"app": func(p *contender) (func() []string, func() pool.Response) {
		seed, _ := p.app()
		return p.four, func() pool.Response { return pool.Code{Value: seed.Code(p.now)} }
	},
	"recovery-code": func(p *contender) (func() []string, func() pool.Response) {
		_, codes := p.app()
		return p.four, func() pool.Response { return pool.RecoveryCode{Value: codes[0]} }
	},
	"mail-first": func(p *contender) (func() []string, func() pool.Response) {
		p.made()
		asked := func() []string {
			return []string{step[*pool.NeedCode](p)(p.signIn(pool.Choice{Kind: mfa.KindEmail})).Ticket}
		}
		return asked, func() pool.Response { return pool.Code{Value: p.code("")} }
	},
	"mail-second": func(p *contender) (func() []string, func() pool.Response) {
		a := p.account()
		need, err := a.AddCodes(p.t.Context(), pool.AddCodesInput{By: mfa.KindEmail})
		if err != nil {
			p.t.Fatal(err)
		}
		in := pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: need.Ticket, Code: p.code("")}
		step[*pool.Done](p)(a.ConfirmCodes(p.t.Context(), in))
		asked := func() []string { return []string{step[*pool.NeedCode](p)(p.signIn(known)).Ticket} }
		return asked, func() pool.Response { return pool.Code{Value: p.code(in.Code)} }
	},
	"passkey": func(p *contender) (func() []string, func() pool.Response) {
		device := p.device()
		var need *pool.NeedPasskey
		asked := func() []string {
			need = step[*pool.NeedPasskey](p)(p.signIn(pool.Choice{Kind: mfa.KindPasskey}))
			return []string{need.Ticket}
		}
		return asked, func() pool.Response {
			used, err := device.Get(need.Options)
			if err != nil {
				p.t.Fatal(err)
			}
			return pool.PasskeyAssertion{JSON: used}
		}
	},
	"challenge": func(p *contender) (func() []string, func() pool.Response) {
		p.made()
		var need *pool.NeedCustom
		asked := func() []string {
			need = step[*pool.NeedCustom](p)(p.signIn(pool.Choice{Kind: mfa.KindCustom}))
			return []string{need.Ticket}
		}
		return asked, func() pool.Response { return pool.CustomAnswer{Value: need.Params["say"]} }
	},
}

// contender is somebody who signs in.
type contender struct {
	*racing
	t     *testing.T
	login string
}

func (p *contender) made() {
	p.t.Helper()
	in := pool.CreateUserInput{Username: p.login, EmailVerified: true, Password: known.Value, Permanent: true, Suppress: true}
	if _, err := p.pools[0].Admin(operator).CreateUser(p.t.Context(), in); err != nil {
		p.t.Fatal(err)
	}
}

func (p *contender) signIn(with pool.Response) (pool.Step, error) {
	return p.pools[0].SignIn(p.t.Context(), pool.SignInInput{Username: p.login, With: with})
}

// account makes somebody, and returns their account.
func (p *contender) account() *pool.Account {
	p.t.Helper()
	p.made()
	a, err := p.pools[0].Account(p.t.Context(), step[*pool.Done](p)(p.signIn(known)).Tokens.Access)
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// app makes somebody who has an authenticator app, and returns its seed and their recovery codes.
func (p *contender) app() (mfa.Seed, []string) {
	p.t.Helper()
	a := p.account()
	setup, err := a.AddAuthenticator(p.t.Context(), pool.AddAuthenticatorInput{})
	if err != nil {
		p.t.Fatal(err)
	}
	code := setup.Seed.Code(p.now.Add(-30 * time.Second)) // of the step before the one that is raced for
	in := pool.ConfirmAuthenticatorInput{Ticket: setup.Ticket, Code: code}
	return setup.Seed, step[*pool.Done](p)(a.ConfirmAuthenticator(p.t.Context(), in)).RecoveryCodes
}

// device makes somebody who has a passkey, and returns what it is on.
func (p *contender) device() *passkeytest.Authenticator {
	p.t.Helper()
	a, device := p.account(), passkeytest.New(origin)
	setup, err := a.AddPasskey(p.t.Context(), pool.AddPasskeyInput{})
	if err != nil {
		p.t.Fatal(err)
	}
	made, err := device.Create(setup.Options)
	if err != nil {
		p.t.Fatal(err)
	}
	in := pool.ConfirmPasskeyInput{Ticket: setup.Ticket, Passkey: pool.PasskeyAttestation{JSON: made, Name: "phone"}}
	step[*pool.Done](p)(a.ConfirmPasskey(p.t.Context(), in))
	return device
}

// four begins sign-ins by the password, and returns the tickets of their second steps.
func (p *contender) four() (tickets []string) {
	p.t.Helper()
	for range 4 {
		tickets = append(tickets, step[*pool.NeedTOTP](p)(p.signIn(known)).Ticket)
	}
	return tickets
}

// code waits for a code by mail other than a former one.
func (p *contender) code(former string) string {
	p.t.Helper()
	for n := 1; ; n++ {
		if _, err := p.box.Wait(p.t.Context(), p.login, n); err != nil {
			p.t.Fatal(err)
		}
		if code := p.box.Code(p.login); code != "" && code != former {
			return code
		}
	}
}

// race answers 64 times at once, and returns how often it signed in.
func (p *contender) race(tickets []string, with pool.Response) int {
	p.t.Helper()
	var all sync.WaitGroup
	var won atomic.Int32
	for i := range 64 {
		all.Go(func() {
			in := pool.RespondInput{Ticket: tickets[i%len(tickets)], With: with}
			if _, err := pool.Finished(p.pools[i/len(tickets)%2].Respond(p.t.Context(), in)); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	return int(won.Load())
}

// step returns what a call must come to.
func step[S pool.Step](p *contender) func(pool.Step, error) S {
	return func(got pool.Step, err error) S {
		p.t.Helper()
		want, ok := got.(S)
		if err != nil || !ok {
			p.t.Fatalf("= %T, %v, want %T", got, err, want)
		}
		return want
	}
}
