package pool_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// addApp begins to set up an authenticator app.
func (k *kit) addApp(d *pool.Done) pool.AuthenticatorSetup {
	k.t.Helper()
	setup, err := k.account(d).AddAuthenticator(k.t.Context(), pool.AddAuthenticatorInput{With: pool.Password{Value: right}})
	if err != nil {
		k.t.Fatalf("AddAuthenticator: %v", err)
	}
	return setup
}

// confirmApp brings the code of an app.
func (k *kit) confirmApp(d *pool.Done, ticket, code string) (*pool.Done, error) {
	k.t.Helper()
	in := pool.ConfirmAuthenticatorInput{Ticket: ticket, Code: code, Name: "phone"}
	return pool.Finished(k.account(d).ConfirmAuthenticator(k.t.Context(), in))
}

// withApp gives somebody who has signed in an authenticator app. The session goes on in the same Done.
func (k *kit) withApp(d *pool.Done) mfa.Seed {
	k.t.Helper()
	setup := k.addApp(d)
	next, err := k.confirmApp(d, setup.Ticket, setup.Seed.Code(k.clock.Now()))
	if err != nil {
		k.t.Fatalf("ConfirmAuthenticator: %v", err)
	}
	*d = *goesOn(d, next)
	return setup.Seed
}

// byApp signs in with the password and a code of an app, a step of which passes.
func (k *kit) byApp(login string, seed mfa.Seed) *pool.Done {
	k.t.Helper()
	k.clock.advance(30 * time.Second)
	step, err := k.signIn(login, right)
	need, ok := step.(*pool.NeedTOTP)
	if err != nil || !ok {
		k.t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
	}
	done, err := pool.Finished(k.respondCode(need.Ticket, seed.Code(k.clock.Now())))
	if err != nil {
		k.t.Fatalf("a code: %v", err)
	}
	return done
}

// byRecoveryCode signs in with the password and a recovery code.
func (k *kit) byRecoveryCode(login, code string) (*pool.Done, error) {
	k.t.Helper()
	step, err := k.signIn(login, right)
	need, ok := step.(*pool.NeedTOTP)
	if err != nil || !ok {
		k.t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
	}
	return pool.Finished(k.Respond(k.t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.RecoveryCode{Value: code}}))
}

// An app counts once it has shown a code; the session that set it up goes on as one of two factors,
// and those of the password alone are over.
func TestT1_AddAuthenticator(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		other, d := k.done(ada), k.done(ada)
		setup := k.addApp(d)
		if uri := setup.URI(); !strings.HasPrefix(uri, "otpauth://totp/") || !strings.Contains(uri, setup.Seed.Text()) {
			t.Errorf("URI = %q", uri)
		}
		if picture, err := setup.QR(); err != nil || len(picture.PNG(1)) == 0 {
			t.Errorf("QR: %v", err)
		}
		if f, err := k.account(d).Factors(t.Context()); err != nil || f.Authenticators != nil || f.RecoveryCodes != 0 {
			t.Errorf("before its code = %+v, %v", f, err)
		}
		k.done(ada) // is not asked for it either
		code := setup.Seed.Code(k.clock.Now())
		if _, err := k.confirmApp(d, setup.Ticket, offBy(setup.Seed, k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a wrong code: %v, want ErrBadCode", err)
		}
		next, err := k.confirmApp(d, setup.Ticket, code)
		if err != nil || len(next.RecoveryCodes) != mfa.RecoveryCodes {
			t.Fatalf("the right code: %+v, %v", next, err)
		}
		if _, err := k.confirmApp(next, setup.Ticket, code); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("again: %v, want ErrTicketGone", err)
		}
		f, err := k.account(next).Factors(t.Context())
		if err != nil || len(f.Authenticators) != 1 || f.Authenticators[0].Name != "phone" || f.RecoveryCodes != 10 || f.Required {
			t.Errorf("Factors = %+v, %v", f, err)
		}
		if c := k.verified(next); c.ACR != token.AAL2 || !slices.Contains(c.AMR, "mfa") {
			t.Errorf("the session stands on %v %v", c.ACR, c.AMR)
		}
		if _, err := k.refresh(d); err != nil {
			t.Errorf("refresh: %v", err)
		}
		if _, err := k.refresh(other); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a session of the password alone: %v, want ErrNotAuthorized", err)
		}
		k.byApp(ada, setup.Seed)
	})
}

// A second app keeps the recovery codes of the first, and each signs in. There are so many, and no
// more.
func TestAddAuthenticator_Several(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	var seeds []mfa.Seed
	for i := range user.MaxApps {
		seeds = append(seeds, k.withApp(d)) // within the same 30 seconds
		if got := len(d.RecoveryCodes); got != map[bool]int{true: mfa.RecoveryCodes}[i == 0] {
			t.Errorf("app %d comes with %d recovery codes", i, got)
		}
	}
	if _, err := k.account(d).AddAuthenticator(t.Context(), pool.AddAuthenticatorInput{}); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("one more: %v, want ErrNotAllowed", err)
	}
	for _, seed := range seeds {
		k.byApp(ada, seed)
	}
}

// The ticket is of one session, for five tries and ten minutes, and for nothing else.
func TestS1_AuthenticatorTicket(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.confirmed("bob@example.com")
	d, other, bob := k.done(ada), k.done(ada), k.done("bob@example.com")
	setup := k.addApp(d)
	code := setup.Seed.Code(k.clock.Now())
	for name, d := range map[string]*pool.Done{"another session": other, "another user": bob} {
		if _, err := k.confirmApp(d, setup.Ticket, code); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("%s: %v, want ErrTicketGone", name, err)
		}
	}
	if _, err := k.respondCode(setup.Ticket, code); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("as an answer to a step: %v, want ErrWrongStep", err)
	}
	for range 5 {
		if _, err := k.confirmApp(d, setup.Ticket, offBy(setup.Seed, k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a wrong code: %v, want ErrBadCode", err)
		}
	}
	if _, err := k.confirmApp(d, setup.Ticket, setup.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after five wrong ones: %v, want ErrTicketGone", err)
	}
	if setup = k.addApp(d); setup.Expires.Sub(k.clock.Now()) != 10*time.Minute {
		t.Errorf("%v to confirm", setup.Expires.Sub(k.clock.Now()))
	}
	if _, err := k.confirmApp(d, setup.Ticket, setup.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("the sixth guess, by another ticket: %v, want ErrBadCode", err)
	}
	k.clock.advance(10 * time.Minute)
	if _, err := k.confirmApp(d, setup.Ticket, setup.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("ten minutes later: %v, want ErrTicketGone", err)
	}
}

// Of any number of confirmations at once one stores an app.
func TestCVE5_ParallelConfirmationsAreOneApp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada)
		setup := k.addApp(d)
		var wg sync.WaitGroup
		won := make(chan *pool.Done, 16)
		for range 16 {
			wg.Go(func() {
				done, err := k.confirmApp(d, setup.Ticket, setup.Seed.Code(k.clock.Now()))
				if err == nil {
					won <- done
				} else if !errors.Is(err, pool.ErrTicketGone) && !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("a loser hears %v", err)
				}
			})
		}
		wg.Wait()
		if n := len(k.user(ada).Factors.Apps); n != 1 || len(won) != 1 {
			t.Errorf("%d apps, %d sessions, want one of each", n, len(won))
		}
	})
}

// A factor that is removed ends every other session, the owner is told, and a sign-in asks for it no
// more. With the last one the recovery codes go.
func TestT3_RemovedAuthenticatorEndsSessions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada)
		seed := k.withApp(d)
		other := k.byApp(ada, seed)
		app := k.user(ada).Factors.Apps[0].ID
		remove := func(id string, with pool.Response) (*pool.Done, error) {
			return pool.Finished(k.account(d).RemoveAuthenticator(t.Context(), pool.RemoveAuthenticatorInput{ID: id, With: with}))
		}
		k.clock.advance(14 * time.Minute)
		for name, tt := range map[string]struct {
			id   string
			with pool.Response
			want error
		}{
			"none such": {"x", pool.Password{Value: right}, pool.ErrNotFound}, "no proof": {app, nil, pool.ErrNeedsProof},
			"the password alone": {app, pool.Password{Value: right}, pool.ErrNeedsStepUp}, "a code": {app, pool.Code{Value: "123456"}, pool.ErrWrongStep},
		} {
			if _, err := remove(tt.id, tt.with); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
		was := d
		d = k.byApp(ada, seed)
		next, err := remove(app, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, d := range map[string]*pool.Done{"another": other, "one before": was} {
			if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("%s: %v, want ErrNotAuthorized", name, err)
			}
		}
		if f := k.user(ada).Factors; f != nil {
			t.Errorf("factors are left: %+v", f)
		}
		if c := k.verified(next); c.ACR != token.AAL1 {
			t.Errorf("CVE class 3: acr = %q, want %q", c.ACR, token.AAL1)
		}
		k.done(ada)
		k.delivered()
		if last := k.mails(ada, 4); !slices.ContainsFunc(last, func(m message.Message) bool { return m.Kind == message.FactorRemoved }) {
			t.Error("the owner is not told")
		}
	})
}

// Who removes a factor has shown one that stays; where everybody must have one, the last one stays.
func TestRemoveAuthenticator_StandsOnAnother(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	k.withApp(d)
	second := k.withApp(d)
	apps := k.user(ada).Factors.Apps
	d = k.byApp(ada, second) // the newer one
	remove := func(id string) (*pool.Done, error) {
		return pool.Finished(k.account(d).RemoveAuthenticator(t.Context(), pool.RemoveAuthenticatorInput{ID: id}))
	}
	if _, err := remove(apps[1].ID); !errors.Is(err, pool.ErrNeedsProof) {
		t.Errorf("the one that the sign-in was by: %v, want ErrNeedsProof", err)
	}
	d, err := remove(apps[0].ID)
	if err != nil {
		t.Fatalf("the other: %v", err)
	}
	k.put(func(s *pool.Settings) { s.MFA.Require = mfa.Required })
	if _, err := remove(apps[1].ID); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("the last one, where it is required: %v, want ErrNotAllowed", err)
	}
	if f, err := k.account(d).Factors(t.Context()); err != nil || !f.Required || len(f.Authenticators) != 1 {
		t.Errorf("Factors = %+v, %v", f, err)
	}
}

// Names and the preference change nothing that anybody signs in by.
func TestFactors_NamesAndPreference(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	k.withApp(d)
	a, id := k.account(d), k.user(ada).Factors.Apps[0].ID
	for name, tt := range map[string]struct {
		err, want error
	}{
		"a name":           {a.RenameAuthenticator(t.Context(), pool.RenameAuthenticatorInput{ID: id, Name: "old phone"}), nil},
		"of none":          {a.RenameAuthenticator(t.Context(), pool.RenameAuthenticatorInput{ID: "x", Name: "old phone"}), pool.ErrNotFound},
		"too long":         {a.RenameAuthenticator(t.Context(), pool.RenameAuthenticatorInput{ID: id, Name: strings.Repeat("ö", 65)}), pool.ErrInvalid},
		"two lines":        {a.RenameAuthenticator(t.Context(), pool.RenameAuthenticatorInput{ID: id, Name: "a\nb"}), pool.ErrInvalid},
		"prefer":           {a.PreferFactor(t.Context(), pool.PreferFactorInput{Kind: mfa.KindTOTP}), nil},
		"prefer what none": {a.PreferFactor(t.Context(), pool.PreferFactorInput{Kind: mfa.KindSMS}), pool.ErrNotFound},
		"prefer recovery":  {a.PreferFactor(t.Context(), pool.PreferFactorInput{Kind: mfa.KindRecovery}), pool.ErrNotFound},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s = %v, want %v", name, tt.err, tt.want)
		}
	}
	f, err := a.Factors(t.Context())
	if err != nil || f.Authenticators[0].Name != "old phone" || f.Preferred != mfa.KindTOTP {
		t.Errorf("Factors = %+v, %v", f, err)
	}
	if err := a.PreferFactor(t.Context(), pool.PreferFactorInput{}); err != nil {
		t.Errorf("none = %v", err)
	}
}

// Recovery codes are their owner's, good once, and only those of the last set (CVE class 12).
func TestCVE12_RecoveryCodes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("bob@example.com")
		d, bob := k.done(ada), k.done("bob@example.com")
		k.withApp(d)
		k.withApp(bob)
		first := d.RecoveryCodes
		if _, err := k.byRecoveryCode(ada, bob.RecoveryCodes[0]); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a foreign one: %v, want ErrBadCode", err)
		}
		lost, err := k.byRecoveryCode(ada, strings.ToUpper(strings.ReplaceAll(first[0], "-", " ")))
		if err != nil {
			t.Fatalf("one's own: %v", err)
		}
		if _, err := k.byRecoveryCode(ada, first[0]); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a used one: %v, want ErrBadCode", err)
		}
		next, err := pool.Finished(k.account(lost).MakeRecoveryCodes(t.Context(), pool.MakeRecoveryCodesInput{}))
		if err != nil || len(next.RecoveryCodes) != mfa.RecoveryCodes || slices.Contains(next.RecoveryCodes, first[1]) {
			t.Fatalf("new ones, of a session that a code began: %+v, %v", next, err)
		}
		if next, err = k.refresh(lost); err != nil {
			t.Fatalf("which goes on: %v", err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("another session: %v, want ErrNotAuthorized", err)
		}
		if _, err := k.byRecoveryCode(ada, first[1]); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("one of the set of before: %v, want ErrBadCode", err)
		}
		if f, err := k.account(next).Factors(t.Context()); err != nil || f.RecoveryCodes != 10 {
			t.Errorf("Factors = %+v, %v", f, err)
		}
	})
}

// Of any number of uses of one recovery code at once, by any number of tickets, one signs in.
func TestCVE12_RecoveryCodeAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada)
		k.withApp(d)
		if won := k.atOnce(16, pool.RecoveryCode{Value: d.RecoveryCodes[3]}); won != 1 {
			t.Errorf("%d signed in by one code", won)
		}
		if left := len(k.user(ada).Factors.Recovery.Codes); left != 9 {
			t.Errorf("%d codes are left", left)
		}
	})
}

// atOnce answers with the same thing n times at once, by four tickets in turn, and returns how many
// times it signed in.
func (k *kit) atOnce(n int, with pool.Response) int {
	k.t.Helper()
	var tickets []string
	for range 4 {
		step, err := k.signIn(ada, right)
		need, ok := step.(*pool.NeedTOTP)
		if err != nil || !ok {
			k.t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		tickets = append(tickets, need.Ticket)
	}
	var wg sync.WaitGroup
	won := make(chan struct{}, n)
	for i := range n {
		wg.Go(func() {
			if _, err := pool.Finished(k.Respond(k.t.Context(), pool.RespondInput{Ticket: tickets[i%4], With: with})); err == nil {
				won <- struct{}{}
			}
		})
	}
	wg.Wait()
	return len(won)
}

// Without a factor there is nothing to recover from.
func TestMakeRecoveryCodes_NeedsAFactor(t *testing.T) {
	t.Parallel()
	k := open(t)
	if _, err := k.account(k.signedIn()).MakeRecoveryCodes(t.Context(), pool.MakeRecoveryCodesInput{}); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("= %v, want ErrNotAllowed", err)
	}
}

// An administrator sees what somebody has set up, and no secret of it; a reset takes all of it away,
// and every session.
func TestT3_ResetFactors(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d, admin := k.done(ada), k.admin()
		k.withApp(d)
		id := k.user(ada).ID
		if f, err := admin.Factors(t.Context(), id); err != nil || len(f.Authenticators) != 1 || f.RecoveryCodes != 10 {
			t.Errorf("Factors = %+v, %v", f, err)
		}
		if err := admin.ResetFactors(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a session of before: %v, want ErrNotAuthorized", err)
		}
		k.done(ada)
		if f, err := admin.Factors(t.Context(), id); err != nil || f.Authenticators != nil || f.RecoveryCodes != 0 {
			t.Errorf("Factors = %+v, %v", f, err)
		}
		for _, err := range []error{admin.ResetFactors(t.Context(), "nobody"), second(admin.Factors(t.Context(), "nobody"))} {
			if !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("nobody: %v, want ErrNotFound", err)
			}
		}
	})
}
