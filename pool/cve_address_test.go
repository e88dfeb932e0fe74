package pool_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/user"
)

// vouched lets a PreSignUp hook vouch for the address of those who tell their locale.
var vouched = with(hook.Set{PreSignUp: func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
	known := e.Attributes["locale"] != ""
	return hook.PreSignUpAnswer{Confirm: known, VerifyEmail: known}, nil
}})

// create makes a user by an administrator's word.
func (k *kit) create(in pool.CreateUserInput) error {
	in.Permanent = true
	return second(k.admin().CreateUser(k.t.Context(), in))
}

// claims are the ways by which somebody comes to say that an address is theirs, under a user name
// and with a password; true says that it is proven by it.
var claims = map[string]struct {
	proves bool
	claim  func(k *kit, name string, pw password.Secret) error
}{
	"said by an administrator": {false, func(k *kit, name string, pw password.Secret) error {
		return k.create(pool.CreateUserInput{Username: name, Password: pw, Attributes: user.Attributes{"email": ada}})
	}},
	"updated by an administrator": {false, func(k *kit, name string, pw password.Secret) error {
		err := k.create(pool.CreateUserInput{Username: name, Password: pw, Attributes: user.Attributes{"email": name + "@example.org"}, EmailVerified: true})
		in := pool.UpdateAttributesInput{ID: k.user(name).ID, Attributes: user.Attributes{"email": ada}}
		return errors.Join(err, k.admin().UpdateAttributes(k.t.Context(), in))
	}},
	"signed up": {false, func(k *kit, name string, pw password.Secret) error {
		before := len(k.box.To(ada))
		_, err := k.SignUp(k.t.Context(), pool.SignUpInput{Username: name, Password: pw, Attributes: user.Attributes{"email": ada}})
		k.mails(ada, before+1)
		return err
	}},
	"confirmed by an administrator": {false, func(k *kit, name string, pw password.Secret) error {
		_, err := k.SignUp(k.t.Context(), pool.SignUpInput{Username: name, Password: pw, Attributes: user.Attributes{"email": ada}})
		k.mails(ada, 1)
		return errors.Join(err, k.admin().ConfirmSignUp(k.t.Context(), pool.ConfirmUserInput{ID: k.user(name).ID}))
	}},
	"confirmed": {true, func(k *kit, name string, pw password.Secret) error {
		before := len(k.box.To(ada))
		up, err := k.SignUp(k.t.Context(), pool.SignUpInput{Username: name, Password: pw, Attributes: user.Attributes{"email": ada}})
		if err != nil {
			return err
		}
		return confirm(k, up.Ticket, k.code(ada, before+1))
	}},
	"vouched for by a hook": {true, func(k *kit, name string, pw password.Secret) error {
		return second(k.SignUp(k.t.Context(), pool.SignUpInput{Username: name, Password: pw, Attributes: user.Attributes{"email": ada, "locale": "en"}}))
	}},
	"vouched for by an administrator": {true, func(k *kit, name string, pw password.Secret) error {
		return k.create(pool.CreateUserInput{Username: name, Password: pw, Attributes: user.Attributes{"email": ada}, EmailVerified: true})
	}},
	"moved there by an administrator": {true, func(k *kit, name string, pw password.Secret) error {
		err := k.create(pool.CreateUserInput{Username: name, Password: pw, Attributes: user.Attributes{"email": name + "@example.org"}, EmailVerified: true})
		in := pool.UpdateAttributesInput{ID: k.user(name).ID, Attributes: user.Attributes{"email": ada}, EmailVerified: true}
		return errors.Join(err, k.admin().UpdateAttributes(k.t.Context(), in))
	}},
}

// CVE class 20: an address leads to who has proven it, and to nobody else who says that it is theirs,
// whoever of two came first and by whatever way. Nothing of the one becomes the other's.
func TestCVE20_UnprovenAddressesLeadNowhere(t *testing.T) {
	t.Parallel()
	bobs, eves := password.New("the password that bob has"), password.New("the password that eve has")
	for first, bob := range claims {
		for then, eve := range claims {
			t.Run(first+", then "+then, func(t *testing.T) {
				t.Parallel()
				k := open(t, named, vouched)
				if err := bob.claim(k, "bob", bobs); err != nil {
					t.Fatal(err)
				}
				k.clock.advance(time.Second)
				owner, err := "", eve.claim(k, "eve", eves)
				switch {
				case bob.proves:
					owner = "bob"
					if eve.proves && err == nil && k.user(ada).Username() != "bob" {
						t.Error("the address was proven twice")
					}
				case eve.proves:
					if owner = "eve"; err != nil {
						t.Fatalf("who has proven it: %v", err)
					}
				}
				k.leads(owner, map[string]password.Secret{"bob": bobs, "eve": eves})
			})
		}
	}
}

// leads wants the address to lead to one of some users alone, or to nobody.
func (k *kit) leads(owner string, all map[string]password.Secret) {
	k.t.Helper()
	for name, pw := range all {
		step, err := pool.Finished(k.signIn(ada, pw))
		if name == owner && err != nil {
			k.t.Errorf("sign-in of the owner by it: %v", err)
		} else if name != owner && err == nil {
			k.t.Errorf("%s signs in by it: %+v", name, step)
		}
	}
	k.clock.advance(2 * time.Hour) // mails and locks of before do not count any more
	for _, login := range []string{ada, "bob", "eve"} {
		k.forgot(login)
		k.clock.advance(time.Second)
	}
	k.delivered()
	want, codes := 0, 0
	if owner != "" {
		want = 2 // asked for by it, and by the owner's name
	}
	waitFor(k.t, func() bool {
		codes = 0
		for _, m := range k.box.To(ada) {
			if m.Kind == message.ResetPassword {
				codes++
			}
		}
		return codes >= want
	})
	if codes != want {
		k.t.Errorf("%d codes lead to a reset, want %d", codes, want)
	}
}

// arrivals are the ways by which the owner of an address comes to a pool where somebody else has
// signed up at it before.
var arrivals = map[string]func(k *kit) error{
	"by a code": func(k *kit) error {
		before := len(k.box.To(ada))
		ticket := k.signUp(ada)
		return confirm(k, ticket, k.code(ada, before+1))
	},
	"by a hook": func(k *kit) error {
		in := pool.SignUpInput{Username: ada, Password: right, Attributes: user.Attributes{"locale": "en"}}
		return second(k.SignUp(k.t.Context(), in))
	},
	"by an administrator": func(k *kit) error {
		return k.create(pool.CreateUserInput{Username: ada, Password: right, EmailVerified: true})
	},
	"from another address": func(k *kit) error {
		err := k.create(pool.CreateUserInput{Username: "old@example.com", Password: right, EmailVerified: true})
		in := pool.UpdateAttributesInput{ID: k.user("old@example.com").ID, Attributes: user.Attributes{"email": ada}, EmailVerified: true}
		return errors.Join(err, k.admin().UpdateAttributes(k.t.Context(), in))
	},
}

// CVE class 21: who signs up at another's address beforehand gets nothing of it. Once the owner has
// come, the attacker's password, tickets and codes are good for nothing, and the owner has what they
// brought.
func TestCVE21_PreHijack(t *testing.T) {
	t.Parallel()
	attackers := password.New("the password of the attacker")
	for how, arrive := range arrivals {
		t.Run(how, func(t *testing.T) {
			onEach(t, func(t *testing.T, k *kit) {
				up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: attackers})
				if err != nil {
					t.Fatal(err)
				}
				code := k.code(ada, 1)
				step, err := k.signIn(ada, attackers)
				need, ok := step.(*pool.NeedConfirm)
				if err != nil || !ok {
					t.Fatalf("before the owner came: %T, %v", step, err)
				}
				other := k.code(ada, 2)
				if err := arrive(k); err != nil {
					t.Fatal(err)
				}
				// Even with the codes of their own sign-ups, which only the owner of the address has got.
				for _, ticket := range []string{up.Ticket, need.Ticket} {
					for _, c := range []string{code, other, "123456"} {
						if err := confirm(k, ticket, c); err == nil {
							t.Error("the attacker confirmed")
						}
					}
				}
				if d, err := pool.Finished(k.signIn(ada, attackers)); err == nil {
					t.Errorf("the attacker is in: %+v", d)
				}
				d := k.done(ada)
				if k.user(ada).Status != user.Confirmed || k.subject(d) != k.user(ada).ID {
					t.Error("the owner is somebody else")
				}
				all, err := k.account(d).Sessions(t.Context())
				if err != nil || len(all) != 1 {
					t.Errorf("%d sessions, %v, want the owner's own", len(all), err)
				}
			}, vouched)
		})
	}
}
