package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
)

// withAda opens a pool with one user, who answers steps by herself.
func withAda(ctx context.Context, c pool.Config) (*pool.Pool, *shopper) {
	ada := &shopper{login: "ada@example.com", secret: password.New("correct horse battery staple"), mail: mailbox.New()}
	c.Sender = ada.mail
	p, err := pool.Open(ctx, memory.New(), c)
	if err != nil {
		log.Fatal(err)
	}
	made := pool.CreateUserInput{Username: ada.login, EmailVerified: true, Password: ada.secret, Permanent: true}
	if _, err := p.Admin(pool.Actor{Name: "example"}).CreateUser(ctx, made); err != nil {
		log.Fatal(err)
	}
	return p, ada
}

// finish answers steps until the last one.
func (v *shopper) finish(ctx context.Context, p *pool.Pool, step pool.Step, err error) *pool.Done {
	for err == nil {
		ticket, with := v.answer(step)
		if with == nil {
			break
		}
		step, err = p.Respond(ctx, pool.RespondInput{Ticket: ticket, With: with})
	}
	done, err := pool.Finished(step, err)
	if err != nil {
		log.Fatal(err)
	}
	return done
}

// byApp is a pool in which everybody has an app.
var byApp = pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindTOTP}}

// What is dear asks for two factors of the last minutes: who has shown less, or longer ago, shows it
// again, and goes on with the session that comes of it.
func ExampleAccount_StepUp() {
	ctx := context.Background()
	var later atomic.Int64
	p, ada := withAda(ctx, pool.Config{
		Settings: &pool.Settings{MFA: byApp},
		Now:      func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
	})
	defer p.Close(ctx)
	step, err := p.SignIn(ctx, pool.SignInInput{Username: ada.login, With: pool.Password{Value: ada.secret}})
	done := ada.finish(ctx, p, step, err)
	later.Store(int64(10 * time.Minute)) // within which she orders nothing
	ada.shown = 10 * time.Minute

	account, err := p.Account(ctx, done.Tokens.Access)
	if err != nil {
		log.Fatal(err)
	}
	err = account.Assured(token.AAL2, 5*time.Minute)
	fmt.Println(err)
	if more, ok := errors.AsType[*token.StepUpError](err); ok {
		step, err = account.StepUp(ctx, pool.StepUpInput{ACR: more.ACR, MaxAge: more.MaxAge})
		done = ada.finish(ctx, p, step, err) // the password, and a code of the app
	}
	if account, err = p.Account(ctx, done.Tokens.Access); err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Assured(token.AAL2, 5*time.Minute))
	// Output:
	// token: sign in again, by at least "aal2", no more than 5m0s ago
	// <nil>
}

// On a device that is remembered the password does for 30 days, once a second factor was shown on it.
// It proves nothing: a token tells of one factor, and what is dear asks for the second.
func ExampleDeviceSettings() {
	ctx := context.Background()
	p, ada := withAda(ctx, pool.Config{Settings: &pool.Settings{
		MFA:     byApp,
		Devices: pool.DeviceSettings{Remember: pool.RememberAlways}, // or by choice: RespondInput.Remember
	}})
	defer p.Close(ctx)
	var device pool.Caller // what the app keeps of it
	for range 2 {
		step, err := p.SignIn(ctx, pool.SignInInput{
			Username: ada.login, With: pool.Password{Value: ada.secret}, Caller: device,
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(step.Kind())
		if done := ada.finish(ctx, p, step, err); done.Remembered != "" {
			device.Remembered = done.Remembered
		}
	}
	// Output:
	// totp_setup
	// done
}

// Who has lost all second factors sets up another after a wait, in which every address is told, with a
// link that ends it (Pool.CancelChange).
func ExampleLostFactors() {
	ctx := context.Background()
	var later atomic.Int64
	settings := pool.Settings{MFA: byApp}
	settings.MFA.RecoveryHold = 72 * time.Hour
	p, ada := withAda(ctx, pool.Config{
		Settings: &settings, CancelURL: "https://shop.example.com/not-me",
		Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) },
	})
	defer p.Close(ctx)
	in := pool.SignInInput{Username: ada.login, With: pool.Password{Value: ada.secret}}
	step, err := p.SignIn(ctx, in)
	ada.finish(ctx, p, step, err)

	for _, wait := range []time.Duration{0, 73 * time.Hour} {
		later.Store(int64(wait))
		if step, err = p.SignIn(ctx, in); err != nil {
			log.Fatal(err)
		}
		need := step.(*pool.NeedTOTP)
		fmt.Println("instead of a code:", need.Others)
		lost := pool.Choice{Kind: pool.LostFactors}
		if step, err = p.Respond(ctx, pool.RespondInput{Ticket: need.Ticket, With: lost}); err != nil {
			log.Fatal(err)
		}
		fmt.Println(step.Kind())
	}
	ada.shown = 73 * time.Hour
	fmt.Println(len(ada.finish(ctx, p, step, nil).RecoveryCodes), "new recovery codes")
	// Output:
	// instead of a code: [recovery_code lost_factors]
	// recovery_wait
	// instead of a code: [recovery_code lost_factors]
	// totp_setup
	// 10 new recovery codes
}

// A pool that serves nobody from one network, and lets nobody in from a device and a network that are new
// without a second factor, but for the office.
func ExampleRiskSettings() {
	ctx := context.Background()
	p, ada := withAda(ctx, pool.Config{Settings: &pool.Settings{Risk: pool.RiskSettings{
		Block:  []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
		Allow:  []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		Medium: pool.RiskRequire,
	}}})
	defer p.Close(ctx)
	for _, from := range []string{"203.0.113.9", "192.0.2.1", "198.51.100.7"} {
		_, err := p.SignIn(ctx, pool.SignInInput{
			Username: ada.login, With: pool.Password{Value: ada.secret},
			Caller: pool.Caller{IP: netip.MustParseAddr(from)},
		})
		fmt.Println(err)
	}
	// Output:
	// pool: this network is blocked
	// pool: not authorized
	// <nil>
}
