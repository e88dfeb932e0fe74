package pool_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// standing is who is there as a policy is tightened: ada, with a session of either kind, and the
// process that has not heard of it.
type standing struct {
	*kit
	tokens, browser *pool.Done
}

// binds says of each of the settings how it is tightened in one process, and what the other then
// does, at its first call. The fields that no sign-in and no refresh can be told by have a word
// instead.
var binds = map[string]struct {
	tighten func(*pool.Settings)
	signIn  error // of ada; nil means that she is let in
	refresh error // of her tokens
	visit   error // of her browser session
	then    func(s *standing) error
	word    string
}{
	"SignIn: a kind of login goes": {
		tighten: func(s *pool.Settings) { s.SignIn.Identifiers = []pool.Identifier{pool.Username} }, signIn: pool.ErrInvalid,
	},
	"SignUp: closed": {
		tighten: func(s *pool.Settings) { s.SignUp.Closed = true },
		then:    func(s *standing) error { return expect(second(s.newcomer("eve@example.com")), pool.ErrNotAuthorized) },
	},
	"SignUp: by administrators": {
		tighten: func(s *pool.Settings) { s.SignUp.ByAdmin = true },
		then: func(s *standing) error {
			up, err := s.newcomer("eve@example.com")
			if err == nil && up.Ticket != "" {
				return errors.New("it is not for an administrator to confirm")
			}
			return err
		},
	},
	"MFA: required": {
		tighten: func(s *pool.Settings) { s.MFA.Require = mfa.Required },
		refresh: pool.ErrNotAuthorized, visit: pool.ErrNotAuthorized,
		then: func(s *standing) error {
			step, err := s.SignIn(s.t.Context(), pool.SignInInput{Client: "default", Username: ada, With: pool.Password{Value: right}})
			if _, ok := step.(*pool.NeedTOTPSetup); err != nil || !ok {
				return fmt.Errorf("sign-in = %v, %w, want to set up a factor", step, err)
			}
			return nil
		},
	},
	"Devices":                     {word: "TestS18_ForgottenDevicesEndSessions"},
	"Recovery":                    {word: "TestS18_RecoveryByAdministratorsAlone"},
	"MFA: a longer recovery hold": {word: "TestS18_RecoveryHoldBinds"},
	"Passkeys":                    {word: "TestS18_PasskeySettingsBind"},
	"Attributes: one is required": {
		tighten: func(s *pool.Settings) { s.Attributes = user.Schema{{Name: "name", Required: true}} },
		then:    func(s *standing) error { return expect(second(s.newcomer("eve@example.com")), pool.ErrInvalid) },
	},
	"Attributes: one gets bounds": {
		tighten: func(s *pool.Settings) { s.Attributes = user.Schema{{Name: "name", Max: 3}} },
		then: func(s *standing) error {
			in := pool.SignUpInput{Username: "eve@example.com", Password: right, Attributes: user.Attributes{"name": "Evelyn"}}
			return expect(second(s.SignUp(s.t.Context(), in)), pool.ErrInvalid)
		},
	},
	"Passwords: longer ones": {
		tighten: func(s *pool.Settings) { s.Passwords.MinLength = 99 },
		then:    func(s *standing) error { return expect(second(s.newcomer("eve@example.com")), pool.ErrInvalid) },
	},
	"Passwords: temporary ones end sooner": {
		tighten: func(s *pool.Settings) { s.Passwords.TemporaryValidity = time.Minute },
		then: func(s *standing) error {
			return expect(second(s.signIn("kim@example.com", right)), pool.ErrNotAuthorized)
		},
	},
	"Messages": {
		tighten: func(s *pool.Settings) {
			s.Messages.Templates = []message.Template{{Kind: message.ResetPassword, Subject: "Ours", Text: "Ours: {####}"}}
		},
		then: func(s *standing) error {
			s.forgot(ada)
			if m := s.mails(ada, 1)[0]; !strings.HasPrefix(m.Text, "Ours") {
				return fmt.Errorf("the mail says %q", m.Text)
			}
			return nil
		},
	},
	"Branding": {
		tighten: func(s *pool.Settings) { s.Branding.Name = "Shop" },
		then: func(s *standing) error {
			return s.shows(func(now pool.Settings) bool { return now.Branding.Name == "Shop" })
		},
	},
	"Sessions: idle": {
		tighten: func(s *pool.Settings) { s.Sessions.Idle = 5 * time.Minute }, visit: pool.ErrNotAuthorized,
	},
	"Sessions: absolute": {
		tighten: func(s *pool.Settings) { s.Sessions.Idle, s.Sessions.Absolute = 5*time.Minute, 5*time.Minute }, visit: pool.ErrNotAuthorized,
	},
	"Clients: it goes": {
		tighten: func(s *pool.Settings) { s.Clients = []pool.Client{{ID: "other"}, {ID: "another"}} },
		signIn:  pool.ErrUnknownClient, refresh: pool.ErrUnknownClient, visit: pool.ErrNotAuthorized,
	},
	"Clients: without passwords": {
		tighten: func(s *pool.Settings) { s.Clients[0].Flows = []pool.Flow{} }, signIn: pool.ErrFlowNotAllowed, refresh: pool.ErrFlowNotAllowed,
	},
	"Clients: shorter lifetimes": {
		tighten: func(s *pool.Settings) {
			s.Clients[0].Tokens = pool.TokenSettings{Access: 5 * time.Minute, ID: 5 * time.Minute, Refresh: time.Hour}
		},
		refresh: pool.ErrNotAuthorized,
	},
	"Groups": {
		tighten: func(s *pool.Settings) { s.Groups = nil },
		then: func(s *standing) error {
			again, err := s.kit.refresh(s.tokens)
			if err != nil {
				return err
			}
			if access, _ := s.read(again); len(access.Groups) > 0 {
				return fmt.Errorf("the tokens tell groups %q", access.Groups)
			}
			return nil
		},
	},
	"Keys": {
		tighten: func(s *pool.Settings) { s.Keys.Every = 7 * 24 * time.Hour },
		then: func(s *standing) error {
			return s.shows(func(now pool.Settings) bool { return now.Keys.Every == 7*24*time.Hour })
		},
	},
	"DeletionProtection": {
		tighten: func(s *pool.Settings) { s.DeletionProtection = true },
		then: func(s *standing) error {
			return s.shows(func(now pool.Settings) bool { return now.DeletionProtection })
		},
	},
	"Tags": {
		tighten: func(s *pool.Settings) { s.Tags = map[string]string{"stage": "test"} },
		then: func(s *standing) error {
			return s.shows(func(now pool.Settings) bool { return now.Tags["stage"] == "test" })
		},
	},
	"Risk: a network is blocked": {
		tighten: func(s *pool.Settings) { s.Risk.Block = networks("192.0.2.0/24") },
		then: func(s *standing) error {
			return expect(second(s.signInFrom(caller, ada, right)), pool.ErrNetworkBlocked)
		},
	},
	"Notices": {
		tighten: func(s *pool.Settings) { s.Notices.InsecureSilent = []message.Kind{message.NewDevice} },
		then: func(s *standing) error {
			return s.shows(func(now pool.Settings) bool { return len(now.Notices.InsecureSilent) == 1 })
		},
	},
	"Risk: it is blocked": {
		tighten: func(s *pool.Settings) { s.Risk.Medium, s.Risk.High = pool.RiskBlock, pool.RiskBlock }, signIn: pool.ErrNotAuthorized,
	},
	"Limits":        {word: "leased in slices, which the next lease replaces: TestT6_PoolHasABudget; of countries: TestT6_CountriesThatAreServed"},
	"Events":        {word: "read by the chore that drops old ones: TestT10_RetentionLeavesAnAnchor"},
	"Impersonation": {word: "asked by each act of an administrator"},
}

// shows wants the settings that bind to be so, once the process has read anything at all.
func (s *standing) shows(is func(pool.Settings) bool) error {
	s.done(ada)
	if !is(s.Settings()) {
		return errors.New("they do not bind")
	}
	return nil
}

// What one process tightens binds the first sign-in, refresh and request in any other, whatever it
// is, and leaves the rest alone.
func TestS18_EverySettingBinds(t *testing.T) {
	t.Parallel()
	var fields []string
	for f := range reflect.TypeFor[pool.Settings]().Fields() {
		fields = append(fields, f.Name)
	}
	for name, tt := range binds {
		field, _, _ := strings.Cut(name, ":")
		fields = slices.DeleteFunc(fields, func(f string) bool { return f == field })
		if tt.word != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onTwo(t, func(t *testing.T, a, b *kit) { bound(t, a, b, name) })
		})
	}
	if len(fields) > 0 {
		t.Errorf("nothing is said of %q", fields)
	}
}

func bound(t *testing.T, a, b *kit, name string) {
	tt := binds[name]
	a.put(func(s *pool.Settings) {
		s.Groups = []pool.Group{{Name: "staff"}}
		s.Clients = []pool.Client{{ID: "default"}}
		s.Passwords = password.Policy{}
	})
	for _, in := range []pool.CreateUserInput{
		{Username: ada, Permanent: true, Groups: []string{"staff"}}, {Username: "kim@example.com", Suppress: true},
	} {
		in.EmailVerified, in.Password = true, right
		if _, err := a.admin().CreateUser(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	s := &standing{b, b.done(ada), b.browse(ada)}
	a.clock.advance(time.Hour)
	a.put(tt.tighten)
	if tt.then != nil {
		if err := tt.then(s); err != nil {
			t.Error(err)
		}
	}
	if err := s.visit(s.browser); !errors.Is(err, tt.visit) {
		t.Errorf("browser session: %v, want %v", err, tt.visit)
	}
	in := pool.RefreshInput{Client: "default", Token: s.tokens.Tokens.Refresh}
	if _, err := b.Refresh(t.Context(), in); !errors.Is(err, tt.refresh) {
		t.Errorf("refresh: %v, want %v", err, tt.refresh)
	}
	_, err := b.SignIn(t.Context(), pool.SignInInput{Client: "default", Username: ada, With: pool.Password{Value: right}})
	if !errors.Is(err, tt.signIn) {
		t.Errorf("sign-in: %v, want %v", err, tt.signIn)
	}
}
