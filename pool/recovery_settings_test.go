package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// recovering lets people recover by some kinds of address, in their order, or by none.
func recovering(ids ...pool.Identifier) func(*pool.Config) {
	return func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.Recovery = pool.RecoverySettings{By: ids, ByAdmin: len(ids) == 0}
	}
}

// made makes a user with both addresses, of which some are proven.
func (k *kit) made(name string, email, phoned bool) user.ID {
	k.t.Helper()
	u, err := k.admin().CreateUser(k.t.Context(), pool.CreateUserInput{
		Username: name, Password: right, Permanent: true,
		Attributes: user.Attributes{"email": ada, "phone_number": phone}, EmailVerified: email, PhoneVerified: phoned,
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return u.ID
}

// A code goes to the first channel that the account has proven, and the answer names no address but
// one that was typed and that the code goes to whoever is there (security.md T7; cognito.md G.3).
func TestT7_RecoveryGoesWhereItIsProven(t *testing.T) {
	t.Parallel()
	all := takes(pool.Username, pool.Email, pool.Phone)
	const mail, call = pool.Email, pool.Phone
	for _, tt := range []struct {
		by            []pool.Identifier
		email, phoned bool // what is proven
		typed         string
		to            string // "" means that nothing is sent
		told          bool
	}{
		{nil, true, true, "ada", ada, false},
		{nil, true, true, ada, ada, true},
		{nil, true, true, phone, phone, true},
		{nil, false, true, "ada", phone, false},
		{nil, false, false, "ada", "", false},
		{nil, false, true, ada, "", true},
		{[]pool.Identifier{mail, call}, true, true, "ada", ada, false},
		{[]pool.Identifier{mail, call}, true, true, ada, ada, true},
		{[]pool.Identifier{mail, call}, true, true, phone, ada, false},
		{[]pool.Identifier{mail, call}, false, true, phone, phone, false},
		{[]pool.Identifier{mail, call}, false, true, "ada", phone, false},
		{[]pool.Identifier{mail, call}, false, false, "ada", "", false},
		{[]pool.Identifier{call, mail}, true, true, "ada", phone, false},
		{[]pool.Identifier{call, mail}, true, true, ada, phone, false},
		{[]pool.Identifier{call, mail}, true, false, ada, ada, false},
		{[]pool.Identifier{call, mail}, true, true, phone, phone, true},
		{[]pool.Identifier{call}, true, false, ada, "", false},
		{[]pool.Identifier{call}, true, true, ada, phone, false},
		{[]pool.Identifier{mail}, false, true, phone, "", false},
		{[]pool.Identifier{mail}, true, true, phone, ada, false},
	} {
		t.Run(fmt.Sprint(tt.by, tt.email, tt.phoned, tt.typed), func(t *testing.T) {
			t.Parallel()
			k := open(t, all, func(c *pool.Config) { c.Settings.Recovery.By = tt.by })
			k.made("ada", tt.email, tt.phoned)
			res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: tt.typed})
			if err != nil {
				t.Fatal(err)
			}
			if told := res.Delivery.Destination; told != "" != tt.told || tt.told && told != tt.typed {
				t.Errorf("the answer says %q, want that it does = %v", told, tt.told)
			}
			if tt.to == "" {
				k.delivered()
				if n := len(k.box.To(ada)) + len(k.box.To(phone)); n > 0 {
					t.Errorf("%d messages to what nobody has proven", n)
				}
				return
			}
			if err := k.reset(res.Ticket, k.code(tt.to, 1), another); err != nil {
				t.Fatal(err)
			}
			if _, err := k.signIn("ada", another); err != nil {
				t.Error(err)
			}
		})
	}
}

// A network has no more messages sent by SMS by typing other logins than by the numbers.
func TestT6_TextsByOtherLoginsAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Username, pool.Email), recovering(pool.Phone))
	k.made("ada", true, true)
	for range 5 {
		k.forgot(ada)
		k.clock.advance(time.Second)
	}
	k.delivered()
	if ms := k.box.To(phone); len(ms) != 3 {
		t.Errorf("%d messages by SMS in an hour, want 3", len(ms))
	}
}

// Where only administrators help, everybody is refused alike, and what was sent before is void
// (security.md S18).
func TestS18_RecoveryByAdministratorsAlone(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]struct {
		recovery pool.RecoverySettings
		forgot   error
		reset    error
	}{
		"by administrators": {pool.RecoverySettings{ByAdmin: true}, pool.ErrNotAuthorized, pool.ErrNotAuthorized},
		"by phone":          {pool.RecoverySettings{By: []pool.Identifier{pool.Phone}}, nil, pool.ErrBadCode},
		"by email":          {pool.RecoverySettings{By: []pool.Identifier{pool.Email}}, nil, nil},
	} {
		st, r := memory.New(), ring(t, seal.Generate())
		k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &pool.Settings{Recovery: after.recovery}}); err != nil {
			t.Fatal(err)
		}
		if err := k.reset(ticket, code, another); !errors.Is(err, after.reset) {
			t.Errorf("%s: ResetPassword = %v, want %v", name, err, after.reset)
		}
		for _, login := range []string{ada, "nobody@example.com"} {
			if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: login}); !errors.Is(err, after.forgot) {
				t.Errorf("%s: ForgotPassword(%s) = %v, want %v", name, login, err, after.forgot)
			}
		}
		_, err := k.admin().ResetPassword(t.Context(), pool.RequireResetInput{ID: k.user(ada).ID})
		if can := name == "by email"; (err == nil) != can {
			t.Errorf("%s: by an administrator = %v", name, err)
		}
		if err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: k.user(ada).ID, Password: another, Permanent: true}); err != nil {
			t.Errorf("%s: SetPassword = %v", name, err)
		}
	}
}

// Who was invited, and has let the temporary password lapse, gets in by the address that the
// invitation went to; who has proven none does not.
func TestInvitedUserRecovers(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.invited(ada)
		before := len(k.mails(ada, 1))
		k.clock.advance(30 * 24 * time.Hour)
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Fatalf("the lapsed password = %v", err)
		}
		ticket := k.forgot(ada)
		ms := k.mails(ada, before+1)
		if m := ms[len(ms)-1]; m.Kind != message.ResetPassword {
			t.Fatalf("got %s", m.Kind)
		}
		if err := k.reset(ticket, k.box.Code(ada), another); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
			t.Error(err)
		}
		if u := k.user(ada); u.Status != user.Confirmed {
			t.Errorf("status = %s", u.Status)
		}
		if _, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: "bob@example.com", Suppress: true}); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("an address that nobody vouches for = %v", err)
		}
	})
}

func TestRecoverySettings(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]pool.RecoverySettings{
		"by name": {By: []pool.Identifier{pool.Username}}, "twice": {By: []pool.Identifier{pool.Email, pool.Email}},
		"unknown": {By: []pool.Identifier{"fax"}}, "both": {By: []pool.Identifier{pool.Email}, ByAdmin: true},
	} {
		_, err := pool.Open(t.Context(), memory.New(), pool.Config{Sender: nothing, Settings: &pool.Settings{Recovery: s}})
		if wrong, ok := errors.AsType[*pool.SettingsError](err); !ok || !strings.Contains(fmt.Sprint(wrong), "recovery") {
			t.Errorf("%s = %v, want a SettingsError", name, err)
		}
	}
}
