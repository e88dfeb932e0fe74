package pool_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// shopper is who answers steps: in a program a page does, and shows what stands beside each.
type shopper struct {
	login  string
	secret password.Secret
	mail   *mailbox.Mailbox
	seed   mfa.Seed                   // in the app of their phone
	device *passkeytest.Authenticator // their browser, with passkeys
	shown  time.Duration              // for how long it has shown codes
}

// code returns what their app shows next: each code is good once.
func (v *shopper) code() pool.Code {
	at := time.Now().Add(v.shown)
	v.shown += 30 * time.Second
	return pool.Code{Value: v.seed.Code(at)}
}

// answer returns the answer to a step, and nil for one that is the last, or that is not known.
func (v *shopper) answer(step pool.Step) (ticket string, with pool.Response) {
	switch s := step.(type) {
	case *pool.NeedPassword:
		return s.Ticket, pool.Password{Value: v.secret}
	case *pool.NeedCode: // say where it went: s.Delivery
		return s.Ticket, pool.Code{Value: v.mail.Code(v.login)}
	case *pool.NeedTOTP:
		return s.Ticket, v.code()
	case *pool.NeedPasskey: // navigator.credentials.get of s.Options
		proof, err := v.device.Get(s.Options)
		if err != nil {
			log.Fatal(err)
		}
		return s.Ticket, pool.PasskeyAssertion{JSON: proof}
	case *pool.NeedCustom: // show s.Params
		return s.Ticket, pool.CustomAnswer{Value: "harbour"}
	case *pool.NeedChoice: // show s.Kinds
		return s.Ticket, pool.Choice{Kind: s.Kinds[0]}
	case *pool.NeedTOTPSetup: // show s.QR and s.Seed.Text
		v.seed = s.Seed
		return s.Ticket, v.code()
	case *pool.NeedPasskeySetup: // navigator.credentials.create of s.Options
		made, err := v.device.Create(s.Options)
		if err != nil {
			log.Fatal(err)
		}
		return s.Ticket, pool.PasskeyAttestation{JSON: made, Name: "laptop"}
	case *pool.NeedConfirm:
		return s.Ticket, pool.Code{Value: v.mail.Code(v.login)}
	case *pool.NeedNewPassword:
		v.secret = password.New("another horse, and no staple")
		return s.Ticket, pool.NewPassword{Value: v.secret}
	case *pool.NeedWait: // say until when: s.Until
		return "", nil
	default: // lets nobody in
		return "", nil
	}
}

// A sign-in is one loop, whatever the pool asks for. Here it is a second factor, which ada sets up the
// first time, beside a password in place of the one that an administrator has given her.
func ExamplePool_Respond() {
	ctx := context.Background()
	ada := &shopper{
		login: "ada@example.com", secret: password.New("correct horse battery staple"),
		mail: mailbox.New(), device: passkeytest.New("http://localhost"),
	}
	p, err := pool.Open(ctx, memory.New(), pool.Config{
		Sender: ada.mail, Passkeys: passkey.New(),
		Settings: &pool.Settings{MFA: pool.MFASettings{Require: mfa.Required}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	made := pool.CreateUserInput{Username: ada.login, EmailVerified: true, Password: ada.secret}
	if _, err := p.Admin(pool.Actor{Name: "example"}).CreateUser(ctx, made); err != nil {
		log.Fatal(err)
	}

	for range 2 {
		in := pool.SignInInput{Username: ada.login, With: pool.Password{Value: ada.secret}}
		step, err := p.SignIn(ctx, in)
		for err == nil {
			ticket, with := ada.answer(step)
			if with == nil {
				break
			}
			fmt.Print(step.Kind(), " ")
			step, err = p.Respond(ctx, pool.RespondInput{Ticket: ticket, With: with})
		}
		done, err := pool.Finished(step, err)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("and signed in, with recovery codes:", len(done.RecoveryCodes))
	}
	// Output:
	// new_password choice totp_setup and signed in, with recovery codes: 10
	// totp and signed in, with recovery codes: 0
}
