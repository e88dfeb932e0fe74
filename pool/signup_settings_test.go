package pool_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// joining returns a change of a config: what users sign in by, and how they sign up.
func joining(s pool.SignUpSettings, ids ...pool.Identifier) func(*pool.Config) {
	return func(c *pool.Config) {
		c.Settings = &pool.Settings{SignIn: pool.SignInSettings{Identifiers: ids}, SignUp: s}
		c.ConfirmURL = "http://localhost/confirm"
	}
}

func verifies(ids ...pool.Identifier) pool.SignUpSettings { return pool.SignUpSettings{Verifies: ids} }

var reviewed = pool.SignUpSettings{ByAdmin: true}

// What is verified automatically, of the addresses that a visitor gives (cognito.md F.7, A.1): one
// code goes out, and its address alone is proven. The other stays as it was typed, and no login.
func TestT7_OneAddressIsVerified(t *testing.T) {
	t.Parallel()
	const mail, call = ada, phone
	for _, tt := range []struct {
		name     string
		settings func(*pool.Config)
		login    string
		says     user.Attributes
		to       string // where the code goes; "" means that the sign-up is refused
		owns     string // afterwards
		left     string // attributes
	}{
		{"phone wins", joining(verifies(), pool.Username), "ada", user.Attributes{"email": mail, "phone_number": call}, call, "ada", "email phone_number phone_number_verified"},
		{"phone wins among logins", joining(verifies(), pool.Username, pool.Email, pool.Phone), "ada", user.Attributes{"email": mail, "phone_number": call}, call, "ada " + call, "email"},
		{"a login comes first", joining(verifies(), pool.Username, pool.Email), "ada", user.Attributes{"email": mail, "phone_number": call}, mail, "ada " + mail, "phone_number"},
		{"email alone is verified", joining(verifies(pool.Email), pool.Username, pool.Email, pool.Phone), "ada", user.Attributes{"email": mail, "phone_number": call}, mail, "ada " + mail, "phone_number"},
		{"phone alone is verified", joining(verifies(pool.Phone), pool.Username, pool.Email), "ada", user.Attributes{"email": mail, "phone_number": call}, call, "ada", "email phone_number phone_number_verified"},
		{"not that one", joining(verifies(pool.Phone), pool.Username, pool.Email), "ada", user.Attributes{"email": mail}, "", "", ""},
		{"nor that one", joining(verifies(pool.Email), pool.Username), "ada", user.Attributes{"phone_number": call}, "", "", ""},
		{"by the address itself", joining(verifies(), pool.Email, pool.Phone), mail, user.Attributes{"phone_number": call}, mail, mail, "phone_number"},
		{"by an address that is not verified", joining(verifies(pool.Email), pool.Email, pool.Phone), call, user.Attributes{"email": mail}, "", "", ""},
		{"the same beside user names", joining(verifies(pool.Phone), pool.Username, pool.Email), mail, user.Attributes{"phone_number": call}, "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := open(t, tt.settings)
			up, err := k.signUpAs(tt.login, tt.says)
			if tt.to == "" {
				if _, commits := k.store.counted(); !errors.Is(err, pool.ErrInvalid) || len(commits) > 0 {
					t.Errorf("SignUp = %v after %d commits, want ErrInvalid at the door", err, len(commits))
				}
				return
			}
			if err != nil || up.Delivery.Destination != tt.to {
				t.Fatalf("SignUp = %+v, %v, want a code to %s", up.Delivery, err, tt.to)
			}
			if err := confirm(k, up.Ticket, k.code(tt.to, 1)); err != nil {
				t.Fatal(err)
			}
			if got := k.shape(tt.login); got != tt.owns+" | "+tt.left {
				t.Errorf("%s, want %s | %s", got, tt.owns, tt.left)
			}
			for _, other := range []string{mail, call} {
				if other == tt.to {
					continue
				}
				if _, err := k.signIn(other, right); !errors.Is(err, pool.ErrNotAuthorized) && !errors.Is(err, pool.ErrInvalid) {
					t.Errorf("sign-in by %s, which nobody has proven = %v", other, err)
				}
				k.delivered()
				if ms := k.box.To(other); len(ms) > 0 {
					t.Errorf("%d messages to %s", len(ms), other)
				}
			}
		})
	}
}

// shape tells the logins and the names of the attributes of who is behind a login.
func (k *kit) shape(login string) string {
	var owns []string
	u := k.user(login)
	for _, l := range u.Logins {
		owns = append(owns, l.Value)
	}
	return strings.Join(owns, " ") + " | " + strings.Join(slices.Sorted(maps.Keys(u.Attributes)), " ")
}

// Where nothing is verified automatically an administrator confirms, and until then a right password
// says to wait (cognito.md A.1).
func TestConfirmedByAnAdministrator(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		login string
		says  user.Attributes
		vouch bool
		owns  string
	}{
		{"ada", nil, false, "ada | "},
		{"ada", user.Attributes{"email": ada}, false, "ada | email"},
		{"ada", user.Attributes{"email": ada}, true, "ada " + ada + " | "},
		{ada, nil, true, ada + " | "},
	} {
		t.Run(fmt.Sprint(tt.login, tt.says, tt.vouch), func(t *testing.T) {
			t.Parallel()
			k := open(t, joining(reviewed, pool.Username, pool.Email))
			up, err := k.signUpAs(tt.login, tt.says)
			if err != nil || up != (pool.SignUpResult{}) {
				t.Fatalf("SignUp = %+v, %v, want nothing to answer", up, err)
			}
			step, err := k.signIn(tt.login, right)
			if need, ok := step.(*pool.NeedConfirm); !ok || need.Ticket != "" || need.Delivery != (pool.Delivery{}) {
				t.Errorf("the right password = %+v, %v, want to wait", step, err)
			}
			if _, err := k.signIn(tt.login, wrong); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("a wrong password = %v", err)
			}
			k.clock.advance(6 * 24 * time.Hour)
			id := k.user(tt.login).ID
			if err := k.admin().ConfirmSignUp(t.Context(), pool.ConfirmUserInput{ID: id, EmailVerified: tt.vouch}); err != nil {
				t.Fatal(err)
			}
			k.done(tt.login)
			if got := k.shape(tt.login); got != tt.owns {
				t.Errorf("%s, want %s", got, tt.owns)
			}
			k.delivered()
			told := slices.DeleteFunc(k.box.To(ada), func(m message.Message) bool { return m.Kind == message.NewDevice })
			if len(told) > 0 {
				t.Errorf("%d messages", len(told))
			}
		})
	}
	k := open(t, joining(reviewed, pool.Username))
	k.signUp("ada")
	k.clock.advance(7 * 24 * time.Hour)
	if _, err := k.signIn("ada", right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("after a week = %v, want the sign-up gone", err)
	}
}

// The owner of an address hears of a sign-up there all the same, and nobody else does.
func TestT7_TakenAddressWhereAdministratorsConfirm(t *testing.T) {
	t.Parallel()
	k := open(t, joining(reviewed, pool.Email))
	k.confirmed(ada)
	for _, login := range []string{ada, "bob@example.com"} {
		up, err := k.newcomer(login)
		if err != nil || up != (pool.SignUpResult{}) {
			t.Errorf("%s: SignUp = %+v, %v", login, up, err)
		}
	}
	if m := k.mails(ada, 1)[0]; m.Kind != message.AlreadyRegistered {
		t.Errorf("the owner got %s", m.Kind)
	}
}

// A pool that closes, or lets administrators confirm, finishes no sign-up that was begun before
// (security.md S18, CVE class 63).
func TestS18_SignUpsEndWhereThePoolCloses(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]pool.SignUpSettings{"closed": {Closed: true}, "by administrators": reviewed} {
		for door, knock := range map[string]func(k *kit, ticket, code string) error{
			"confirm": confirm,
			"respond": func(k *kit, ticket, code string) error {
				return second(k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Code{Value: code}}))
			},
			"resend": func(k *kit, ticket, _ string) error {
				return second(k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: ticket}))
			},
			"link":           func(k *kit, ticket, code string) error { return second(k.confirmLink(code, ticket)) },
			"link elsewhere": func(k *kit, _, code string) error { return second(k.confirmLink(code, "")) },
			"password beside a link": func(k *kit, _, code string) error {
				in := pool.RespondInput{Ticket: "link." + code, With: pool.Password{Value: right}}
				return second(k.Respond(k.t.Context(), in))
			},
			"need": func(k *kit, _, _ string) error {
				step, err := k.signIn(ada, right)
				if need, ok := step.(*pool.NeedConfirm); ok && need.Ticket == "" {
					return pool.ErrNotAuthorized
				}
				return err
			},
		} {
			st, r := memory.New(), ring(t, seal.Generate())
			begin := pool.Settings{SignUp: pool.SignUpSettings{ByLink: strings.Contains(door, "link")}}
			p, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &begin, ConfirmURL: "http://localhost/confirm"})
			if err != nil || p.Close(t.Context()) != nil {
				t.Fatal(err)
			}
			k := openOn(t, st, func(c *pool.Config) { c.Keys, c.ConfirmURL = r, "http://localhost/confirm" })
			ticket := k.signUp(ada)
			code := k.code(ada, 1)
			if begin.SignUp.ByLink {
				code = k.link(ada, 1)
			}
			if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &pool.Settings{SignUp: now}}); err != nil {
				t.Fatal(err)
			}
			if err := knock(k, ticket, code); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("%s, %s = %v, want ErrNotAuthorized", name, door, err)
			}
			if u := k.user(ada); u.Status != user.Unconfirmed {
				t.Errorf("%s, %s: the user is %s", name, door, u.Status)
			}
			if err := k.admin().ConfirmSignUp(t.Context(), pool.ConfirmUserInput{ID: k.user(ada).ID, EmailVerified: true}); err != nil {
				t.Errorf("%s, %s: by an administrator: %v", name, door, err)
			}
		}
	}
}

func TestSignUpSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*pool.Config)
		want   string // "" means that it is well
	}{
		"a name is not verified":   {joining(verifies(pool.Username), pool.Username), "email and phone"},
		"twice":                    {joining(verifies(pool.Email, pool.Email), pool.Email), "each once"},
		"unknown":                  {joining(verifies("fax"), pool.Email), "email and phone"},
		"nobody can":               {joining(verifies(pool.Phone), pool.Email), "nobody can sign up"},
		"nobody has to":            {joining(pool.SignUpSettings{Closed: true, Verifies: []pool.Identifier{pool.Phone}}, pool.Email), ""},
		"by link and by admin":     {joining(pool.SignUpSettings{ByLink: true, ByAdmin: true}, pool.Email), "not both"},
		"one of two":               {joining(verifies(pool.Phone), pool.Email, pool.Phone), ""},
		"beside names":             {joining(verifies(pool.Phone), pool.Username, pool.Email), ""},
		"by admin, not verifiable": {joining(pool.SignUpSettings{ByAdmin: true, Verifies: []pool.Identifier{pool.Phone}}, pool.Email), ""},
	} {
		_, err := pool.Open(t.Context(), memory.New(), pool.Config{Sender: nothing, Settings: settingsOf(tt.change), ConfirmURL: "http://localhost/"})
		wrong, ok := errors.AsType[*pool.SettingsError](err)
		if ok != (tt.want != "") || ok && !strings.Contains(fmt.Sprint(wrong), tt.want) {
			t.Errorf("%s = %v, want %q", name, err, tt.want)
		}
	}
}
