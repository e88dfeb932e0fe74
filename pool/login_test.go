package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

var named = takes(pool.Username, pool.Email)

// signUpAs signs a user name up, with what it brings.
func (k *kit) signUpAs(name string, as user.Attributes) (pool.SignUpResult, error) {
	return k.SignUp(k.t.Context(), pool.SignUpInput{Username: name, Password: right, Attributes: as})
}

// confirmedAs makes a user of a user name whose code goes to an address.
func (k *kit) confirmedAs(name, to string, n int, as user.Attributes) {
	k.t.Helper()
	up, err := k.signUpAs(name, as)
	if err != nil {
		k.t.Fatalf("SignUp(%q): %v", name, err)
	}
	if up.Delivery.Destination != to {
		k.t.Fatalf("SignUp(%q) sends the code to %q, want %q", name, up.Delivery.Destination, to)
	}
	if err := confirm(k, up.Ticket, k.code(to, n)); err != nil {
		k.t.Fatalf("ConfirmSignUp(%q): %v", name, err)
	}
}

// says returns what the ID token of a sign-in says, and the profile.
func (k *kit) says(login string) (token.Claims, pool.Profile) {
	k.t.Helper()
	done := k.done(login)
	keys, err := token.ParseKeySet(k.JWKS())
	if err != nil {
		k.t.Fatal(err)
	}
	v, err := token.NewVerifier(k.Issuer(), token.Config{ClientIDs: []string{"default"}, Use: token.ID, Keys: keys, Now: k.clock.Now})
	if err != nil {
		k.t.Fatal(err)
	}
	claims, err := v.Verify(k.t.Context(), done.Tokens.ID.Reveal())
	if err != nil {
		k.t.Fatal(err)
	}
	a, err := k.Account(k.t.Context(), done.Tokens.Access)
	if err != nil {
		k.t.Fatal(err)
	}
	profile, err := a.Get(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	return *claims, profile
}

func TestSignInByAnyLogin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmedAs("Ada", "Ada@Example.com", 1, user.Attributes{"email": "Ada@Example.com", "phone_number": phone})
		for _, login := range []string{"Ada", "ada", "ADA", "Ａｄａ", ada, "ADA@example.COM"} {
			c, p := k.says(login)
			if c.Username != "Ada" || c.Email != "Ada@Example.com" || !*c.EmailVerified || c.PhoneNumber != phone || *c.PhoneVerified {
				t.Errorf("%s: claims = %+v", login, c)
			}
			if p.Username != "Ada" || p.Email != c.Email || !p.EmailVerified || p.Phone != phone || p.PhoneVerified || len(p.Attributes) > 0 {
				t.Errorf("%s: profile = %+v", login, p)
			}
			if c.ACR != token.AAL1 || fmt.Sprint(c.AMR) != "[pwd]" {
				t.Errorf("%s: acr %q, amr %q", login, c.ACR, c.AMR)
			}
		}
		for _, login := range []string{"adа", "eve", "eve@example.com"} { // the first ends in a Cyrillic а
			if _, err := k.signIn(login, right); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("SignIn(%q) = %v, want ErrNotAuthorized", login, err)
			}
		}
	}, named)
}

// Each user's logins are guessed at with one budget.
func TestT5_LoginsShareOneCounter(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.confirmed("ada")
	for i := range 5 {
		k.signIn([]string{"ada", ada, "ADA", "Ada@Example.com", "ａｄａ"}[i], wrong)
	}
	for _, login := range []string{"ada", ada} {
		if _, err := k.signIn(login, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("SignIn(%q) after five wrong ones = %v, want a lock", login, err)
		}
	}
}

// An address whose kind is no login is an attribute: proven, and shared by whoever proves it.
func TestT7_AddressThatIsNoLogin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmedAs("ada", ada, 1, user.Attributes{"email": ada, "custom:team": "engines"})
		k.confirmedAs("eve", ada, 2, user.Attributes{"email": ada})
		c, p := k.says("ada")
		if c.Email != ada || !*c.EmailVerified || p.Email != ada || !p.EmailVerified || c.Attributes["custom:team"] != "engines" || len(p.Attributes) != 1 {
			t.Errorf("claims %+v, profile %+v", c, p)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("SignIn by an address = %v, want ErrInvalid", err)
		}
		if u := k.user(ada); u != nil {
			t.Errorf("the address is a login of %s", u.ID)
		}
	}, takes(pool.Username), func(c *pool.Config) { c.Settings.Attributes = user.Schema{{Name: "custom:team"}} })
}

// A code to reset a password goes to a proven address only, and the answer does not say where.
func TestT7_ResetByUserName(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		// The phone number is proven, as where both kinds are alike; the email address is another's.
		k.confirmedAs("eve", phone, 1, user.Attributes{"email": ada, "phone_number": phone})
		for _, name := range []string{"eve", "nobody"} {
			res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: name})
			if err != nil || res.Delivery != (pool.Delivery{}) || res.Ticket == "" {
				t.Errorf("ForgotPassword(%q) = %+v, %v, want no delivery", name, res.Delivery, err)
			}
		}
		res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: "EVE"})
		if err != nil {
			t.Fatal(err)
		}
		if err := k.reset(res.Ticket, k.code(phone, 3), another); err != nil {
			t.Fatal(err)
		}
		if m := k.mails(phone, 4)[3]; m.Kind != message.PasswordChanged || m.Channel != message.SMS {
			t.Errorf("the notice is %v", m)
		}
		k.delivered()
		if ms := k.box.To(ada); len(ms) != 0 {
			t.Errorf("an address that nobody has proven got %v", ms)
		}
		if _, err := pool.Finished(k.signIn("eve", another)); err != nil {
			t.Error(err)
		}
	}, takes(pool.Username))
}

// Where a proven email address and a proven phone number are both to be had, the typed one is used.
func TestResetGoesToTheTypedAddress(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Phone, pool.Email, pool.Username))
	k.confirmedAs("ada", phone, 1, user.Attributes{"phone_number": phone, "email": ada})
	u := k.user("ada")
	u.Logins = append(u.Logins, user.Login{Namespace: user.Name, Value: ada, Display: ada, Rule: 1})
	if err := k.store.Store.Commit(t.Context(), storage.Put(u)); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ typed, to string }{{phone, phone}, {ada, ada}, {"ada", ada}} {
		before := len(k.box.To(tt.to))
		k.forgot(tt.typed)
		if m := k.mails(tt.to, before+1)[before]; m.Kind != message.ResetPassword {
			t.Errorf("%d: %s got %s", i, tt.to, m.Kind)
		}
	}
}

// What is of a kind that the pool does not take, or of none, is refused at each door, and nothing
// is written.
func TestLoginsOfOtherKinds(t *testing.T) {
	t.Parallel()
	mega := strings.Repeat("a", 1<<20)
	junk := []string{"", " ", "\x00", "ada\x00", "\xff", mega, mega + "@example.com", "+" + strings.Repeat("1", 1<<20), "＋4915112345678", "ada＠example.com", "+49 151 12345678", "+0049151123", "00000000-0000-4000-8000-000000000001"}
	for _, tt := range []struct {
		ids  []pool.Identifier
		bad  []string
		want string
	}{
		{nil, []string{"ada", phone}, "must be an email address"},
		{[]pool.Identifier{pool.Phone}, []string{"ada", ada, "4915112345678"}, "must be a phone number such as +4915112345678"},
		{[]pool.Identifier{pool.Username}, []string{ada, phone}, "must be a user name"},
		{[]pool.Identifier{pool.Email, pool.Username}, []string{phone}, "must be an email address or a user name"},
	} {
		k := open(t, takes(tt.ids...))
		k.store.reset()
		for _, typed := range append(tt.bad, junk...) {
			_, signIn := k.signIn(typed, right)
			_, signUp := k.signUpAs(typed, nil)
			_, forgot := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: typed})
			for door, err := range map[string]error{"SignIn": signIn, "SignUp": signUp, "ForgotPassword": forgot} {
				v, ok := errors.AsType[*pool.ValidationError](err)
				if !ok || v.Fields[0] != (pool.FieldError{Field: "Username", Reason: tt.want}) && door != "SignUp" {
					t.Errorf("%v: %s(%.40q) = %.200v, want %q", tt.ids, door, typed, err, tt.want)
				}
			}
		}
		if _, commits := k.store.counted(); len(commits) > 0 {
			t.Errorf("%v: %d commits", tt.ids, len(commits))
		}
	}
}

func TestCaseSensitiveNames(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, named, func(c *pool.Config) { c.Settings.SignIn.CaseSensitive, c.Keys = true, r })
	k.confirmedAs("Ada", ada, 1, user.Attributes{"email": ada})
	k.confirmedAs("ada", "a@example.com", 1, user.Attributes{"email": "a@example.com"})
	k.done("Ada")
	if k.user("Ada").ID == k.user("ada").ID {
		t.Error("two names that differ in case are one")
	}
	_, err := reopen(t, st, pool.Config{Keys: r, Settings: &pool.Settings{}})
	if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
		t.Errorf("Open with another case = %v, want a *SettingsError", err)
	}
}

// A kind of login that is taken no more is refused from the next read on, also by a process that
// has not heard of it yet.
func TestS18_IdentifiersBindFromTheNextRead(t *testing.T) {
	t.Parallel()
	for door, knock := range map[string]func(*kit) error{
		"SignUp": func(k *kit) error { return second(k.newcomer("eve@example.com")) },
		"SignIn": func(k *kit) error { return second(k.signIn(ada, right)) },
		"ForgotPassword": func(k *kit) error {
			return second(k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada}))
		},
	} {
		st, r := memory.New(), ring(t, seal.Generate())
		k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
		k.confirmed(ada)
		settings := pool.Settings{SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Phone}}}
		if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &settings}); err != nil {
			t.Fatal(err)
		}
		if err := knock(k); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("%s = %v, want ErrInvalid", door, err)
		}
	}
}
