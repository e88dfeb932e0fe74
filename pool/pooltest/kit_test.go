package pooltest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/token"
)

const ada = "ada@example.com"

func TestPoolEndsWithTheTest(t *testing.T) {
	t.Parallel()
	var k *pooltest.Kit
	t.Run("inner", func(t *testing.T) { k = pooltest.New(t); k.Person(ada) })
	_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: "bob@example.com", Password: pooltest.Password})
	if !errors.Is(err, pool.ErrClosed) {
		t.Errorf("SignUp after the test = %v, want ErrClosed", err)
	}
}

// A person has any login that the settings take, and an address to which codes go.
func TestPeopleWithOtherLogins(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &pool.Settings{
		SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Phone, pool.Email}},
	}}))
	const phone = "+4915112345678"
	for _, tt := range []struct {
		login, address string // "" means one that was made up
		options        []pooltest.PersonOption
	}{
		{"ada", "", nil},
		{"Zoë", "", []pooltest.PersonOption{pooltest.Locked()}},
		{phone, phone, nil},
		{ada, ada, []pooltest.PersonOption{pooltest.Attribute("phone_number", "+4915100000000")}},
		{"bob", "+4915111111111", []pooltest.PersonOption{
			pooltest.Attribute("email", "bob@example.com"), pooltest.Attribute("phone_number", "+4915111111111"),
		}},
		{"cleo", "", []pooltest.PersonOption{pooltest.Unconfirmed()}},
	} {
		p := k.Person(tt.login, tt.options...)
		if p.Login != tt.login || tt.address != "" && p.Address != tt.address || k.Mail.Code(p.Address) == "" {
			t.Errorf("Person(%q) has the address %q, want %q", tt.login, p.Address, tt.address)
		}
	}
}

// staff lets people be in a group.
var staff = pooltest.WithConfig(pool.Config{Settings: &pool.Settings{
	SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Phone, pool.Email}},
	Groups: []pool.Group{{Name: "staff"}, {Name: "admin"}},
}})

// Members are in their groups from the first token on, whatever else they are.
func TestInGroup(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t, staff)
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	for login, more := range map[string]pooltest.PersonOption{
		"Ada": pooltest.InGroup("staff"), "+4915112345678": pooltest.Locked(), ada: pooltest.Attribute("name", "Ada"),
	} {
		p := k.Person(login, pooltest.InGroup("staff"), pooltest.InGroup("admin"), more)
		c, err := v.Verify(t.Context(), p.Tokens().Access.Reveal())
		if err != nil || !slices.Equal(c.Groups, []string{"admin", "staff"}) {
			t.Errorf("%s: %+v, %v, want a token of both groups", login, c, err)
		}
	}
	k.Person("dan@example.com", pooltest.InGroup("staff"), pooltest.Disabled())
	k.Person("gus@example.com", pooltest.InGroup("staff"), pooltest.TemporaryPassword())
	k.Person("eve@example.com", pooltest.InGroup("staff"), pooltest.SignedOut())
}

func TestClosedByTheTest(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	k.Person(ada)
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.Clock.Advance(time.Hour) // nobody is there to do anything, which is no failure
	if n := len(k.Mail.To(ada)); n != 1 {
		t.Errorf("%d messages are left, want 1", n)
	}
}

func TestConfigIsTheCallers(t *testing.T) {
	t.Parallel()
	begin := time.Date(2031, 1, 2, 3, 4, 5, 6, time.UTC)
	settings := pool.Settings{Clients: []pool.Client{{ID: "web"}, {ID: "phone"}}}
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{
		ID: "tenant", Issuer: "https://id.example.com", Settings: &settings, Now: func() time.Time { return begin },
	}))
	if d := k.Clock.Now().Sub(begin.Truncate(time.Second)); d < 0 || d > time.Millisecond {
		t.Errorf("the clock begins at %v, %v from where it should", k.Clock.Now(), d)
	}
	p := k.Person(ada, pooltest.Disabled()) // which names the pool, too
	keys, err := token.ParseKeySet(k.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier("https://id.example.com", token.Config{
		ClientIDs: []string{"web"}, Use: token.Access, Keys: keys, Now: k.Clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(t.Context(), p.Tokens().Access.Reveal())
	if err != nil || c.ClientID != "web" {
		t.Errorf("Verify = %+v, %v, want a token of the first client", c, err)
	}
}

// Who gives no clock gets one at the present time, so that verifiers that know nothing of the kit
// take its tokens.
func TestClockBeginsNow(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	if d := time.Since(k.Clock.Now()); d < 0 || d > time.Minute {
		t.Errorf("the clock begins %v ago", d)
	}
}

func TestDurableStore(t *testing.T) {
	t.Parallel()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	k := pooltest.New(t, pooltest.WithStore(st))
	if p := k.Person(ada, pooltest.Attribute("name", "Ada")); p.ID() == "" {
		t.Error("a person on SQLite has no id")
	}
}

// On SQLite, in a bubble, over more than a year: keys rotate meanwhile, and people get in before
// and after.
func TestYearInABubble(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		st, err := sqlite.Open(t.Context(), file, sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		k := pooltest.New(t, pooltest.WithStore(st))
		p, keys := k.Person(ada), string(k.JWKS())
		for range 14 {
			k.Clock.Advance(30 * 24 * time.Hour)
			p.SignIn()
		}
		if keys == string(k.JWKS()) {
			t.Error("after a year the keys are the same")
		}
	})
}

// A temporary password earns the step, and one of one's own the tokens.
func TestTemporaryPassword(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	p := k.Person(ada, pooltest.TemporaryPassword())
	step, err := k.SignIn(t.Context(), pool.SignInInput{Username: ada, With: pool.Password{Value: pooltest.Password}})
	need, ok := step.(*pool.NeedNewPassword)
	if err != nil || !ok {
		t.Fatalf("SignIn = %T, %v, want *NeedNewPassword", step, err)
	}
	own := pool.NewPassword{Value: password.New("nobody else knows this one")}
	if _, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: own})); err != nil {
		t.Errorf("Respond: %v", err)
	}
	if _, err := k.Refresh(t.Context(), pool.RefreshInput{Token: p.Tokens().Refresh}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("the session of before = %v, want ErrNotAuthorized", err)
	}
	k.Person("bob@example.com", pooltest.TemporaryPassword(), pooltest.Disabled(), pooltest.Locked())
}

// Two kits on one store are two nodes: what one revokes the other knows when its clock says so.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New()
	t.Cleanup(func() { st.Close() })
	shared := []pooltest.Option{pooltest.WithStore(st), pooltest.WithConfig(pool.Config{Keys: ring})}
	here, there := pooltest.New(t, shared...), pooltest.New(t, shared...)
	p := here.Person(ada)
	v, err := there.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	p.SignOut()
	if _, err := v.Verify(t.Context(), p.Tokens().Access.Reveal()); err != nil {
		t.Errorf("Verify on the other node = %v, which it should not know yet", err)
	}
	there.Clock.Advance(0)
	if _, err := v.Verify(t.Context(), p.Tokens().Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("Verify on the other node = %v, want ErrRevoked", err)
	}
}

// A store outlives the kit that was given it.
func TestStoreStaysOpen(t *testing.T) {
	t.Parallel()
	st := memory.New()
	t.Run("inner", func(t *testing.T) { pooltest.New(t, pooltest.WithStore(st)) })
	if _, err := st.Sweep(t.Context(), time.Now(), 1); err != nil {
		t.Errorf("Sweep after the kit: %v", err)
	}
	st.Close()
}

// refusing is a mail server that refuses until it is told otherwise.
type refusing struct {
	down bool
	sent []message.Message
}

func (r *refusing) Send(_ context.Context, m message.Message) error {
	if r.down {
		return errors.New("server is down")
	}
	r.sent = append(r.sent, m)
	return nil
}

func TestSenderIsTriedAgain(t *testing.T) {
	t.Parallel()
	server := &refusing{down: true}
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Sender: server}))
	if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: pooltest.Password}); err != nil {
		t.Fatal(err)
	}
	if n := len(k.Mail.To(ada)); n != 0 {
		t.Errorf("%d messages got past the server", n)
	}
	server.down = false
	if n := len(k.Mail.To(ada)); n != 0 {
		t.Errorf("%d messages were tried again before they were due", n)
	}
	k.Clock.Advance(time.Minute)
	if n := len(k.Mail.To(ada)); n != 1 || len(server.sent) != 1 {
		t.Errorf("after a minute %d messages are in the box, and %d were sent, want 1 and 1", n, len(server.sent))
	}
}

func TestWhatCannotBeArrangedFailsTheTest(t *testing.T) {
	t.Parallel()
	closed := pooltest.WithConfig(pool.Config{Settings: &pool.Settings{SignUp: pool.SignUpSettings{Closed: true}}})
	for name, tt := range map[string]struct {
		do  func(t testing.TB)
		say string
	}{
		"settings that contradict": {func(t testing.TB) {
			pooltest.New(t, pooltest.WithConfig(pool.Config{Issuer: "ftp://x"}))
		}, "issuer"},
		"no code in the mail":    {func(t testing.TB) { pooltest.New(t).Mail.Code(ada) }, "no code"},
		"no link in the mail":    {func(t testing.TB) { pooltest.New(t).Mail.Link(ada) }, "no link"},
		"a clock that goes back": {func(t testing.TB) { pooltest.New(t).Clock.Advance(-time.Second) }, "back"},
		"no login":               {func(t testing.TB) { pooltest.New(t).Person("ada") }, "sign up"},
		"sign-up is closed": {func(t testing.TB) {
			pooltest.New(t, closed).Person(ada, pooltest.Unconfirmed())
		}, "sign up"},
		"nobody, made by an administrator": {func(t testing.TB) { pooltest.New(t, closed).Person("ada") }, "make the user"},
		"unconfirmed with a proven address": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.Unconfirmed(), pooltest.Verified("+4915112345678"))
		}, "unconfirmed"},
		"a second address of one kind": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.Verified("ada@example.org"))
		}, "another kind"},
		"a second address that is none": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.Verified("ada"))
		}, "another kind"},
		"a pool that is not there": {func(t testing.TB) {
			pooltest.NewDirectory(t, nil, pool.DirectoryConfig{}).Kit("acme")
		}, "acme"},
		"nobody must be without a factor, and is": {func(t testing.TB) {
			s := pool.Settings{MFA: pool.MFASettings{Require: mfa.Required}}
			pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &s})).Person(ada)
		}, "give them TOTP or Passkey"},
		"an app, where there are none": {func(t testing.TB) {
			s := pool.Settings{MFA: pool.MFASettings{Kinds: []mfa.Kind{mfa.KindEmail}}}
			pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &s})).Person(ada, pooltest.TOTP())
		}, "set up an app"},
		"more codes than are sent": {func(t testing.TB) {
			s := pool.Settings{MFA: pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindEmail}}}
			p := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &s})).Person(ada)
			for range 3 {
				p.SignIn()
			}
		}, "move the clock"},
		"a secret too many": {func(t testing.TB) {
			st := memory.New()
			t.Cleanup(func() { _ = st.Close() }) // memory has nothing to lose
			ring, _ := seal.New(seal.Generate())
			s := pool.Settings{Clients: []pool.Client{{ID: "server", Confidential: true}}}
			for range 3 {
				pooltest.New(t, pooltest.WithStore(st), pooltest.WithConfig(pool.Config{Settings: &s, Keys: ring})).ClientSecret()
			}
		}, "make a secret"},
		"attribute of no schema": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.Attribute("email_verified", "true"))
		}, "sign up"},
		"the same login twice": {func(t testing.TB) {
			k := pooltest.New(t)
			k.Person(ada)
			k.Person(ada)
		}, "is the login new?"},
		"unconfirmed and disabled": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.Unconfirmed(), pooltest.Disabled())
		}, "unconfirmed"},
		"unconfirmed, temporary password": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.Unconfirmed(), pooltest.TemporaryPassword())
		}, "unconfirmed"},
		"unconfirmed in a group": {func(t testing.TB) {
			pooltest.New(t, staff).Person(ada, pooltest.Unconfirmed(), pooltest.InGroup("staff"))
		}, "unconfirmed"},
		"a group of no settings": {func(t testing.TB) { pooltest.New(t).Person(ada, pooltest.InGroup("staff")) }, `has no "staff"`},
		"a group of another case": {func(t testing.TB) {
			pooltest.New(t, staff).Person(ada, pooltest.InGroup("Staff"))
		}, `has no "Staff"`},
		"temporary password, signs in": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.TemporaryPassword()).SignIn()
		}, "new_password"},
		"disabled, signs in": {func(t testing.TB) { pooltest.New(t).Person(ada, pooltest.Disabled()).SignIn() }, "sign in"},
		"locked, signs in":   {func(t testing.TB) { pooltest.New(t).Person(ada, pooltest.Locked()).SignIn() }, "sign in"},
		"never signed in, signs out": {func(t testing.TB) {
			pooltest.New(t).Person(ada, pooltest.Unconfirmed()).SignOut()
		}, "sign out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := failure(t, tt.do); !strings.Contains(got, tt.say) {
				t.Errorf("the test fails with %q, want it to say %q", got, tt.say)
			}
		})
	}
}

// failing is a test that may fail without failing the one around it.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failure returns with which words a test fails, "" if it does not.
func failure(t *testing.T, do func(testing.TB)) string {
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() { defer close(done); do(f) }()
	<-done
	return f.said
}
