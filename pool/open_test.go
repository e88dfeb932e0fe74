package pool_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// durable is a memory store that does not say that it forgets.
type durable struct{ storage.Store }

func ring(t testing.TB, keys ...seal.Key) *seal.Keyring {
	t.Helper()
	r, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reopen opens the pool of st with a ring, and closes it at the end of the test.
func reopen(t *testing.T, st storage.Store, c pool.Config) (*pool.Pool, error) {
	t.Helper()
	if c.Now == nil { // a kit's clock stands, and a later one would sweep away what is alive by it
		c.Now = (&clock{now: start}).Now
	}
	p, err := pool.Open(t.Context(), st, c)
	if err == nil {
		t.Cleanup(func() { p.Close(context.Background()) })
	}
	return p, err
}

func TestT8_DurableStoreNeedsAKeyring(t *testing.T) {
	t.Parallel()
	if _, err := reopen(t, durable{memory.New()}, pool.Config{}); !errors.Is(err, pool.ErrNoKeyring) {
		t.Errorf("Open = %v, want ErrNoKeyring", err)
	}
}

func TestT8_WrongKeyringIsRefused(t *testing.T) {
	t.Parallel()
	st, one, two := durable{memory.New()}, seal.Generate(), seal.Generate()
	if _, err := reopen(t, st, pool.Config{Keys: ring(t, one)}); err != nil {
		t.Fatal(err)
	}
	impostor := two
	impostor.ID = one.ID // another secret under the same name
	for name, r := range map[string]*seal.Keyring{"other": ring(t, two), "same id": ring(t, impostor)} {
		before := epoch(t, st)
		if _, err := reopen(t, st, pool.Config{Keys: r}); !errors.Is(err, pool.ErrWrongKeyring) {
			t.Errorf("%s ring: Open = %v, want ErrWrongKeyring", name, err)
		}
		if epoch(t, st) != before {
			t.Errorf("%s ring: something was written", name)
		}
	}
	if _, err := reopen(t, st, pool.Config{Keys: ring(t, two, one)}); err != nil {
		t.Fatalf("rotated ring: %v", err)
	}
	if _, err := reopen(t, st, pool.Config{Keys: ring(t, one)}); !errors.Is(err, pool.ErrWrongKeyring) {
		t.Errorf("ring that lacks a key in use: Open = %v, want ErrWrongKeyring", err)
	}
}

// Passwords and sessions outlive the rotation of the ring.
func TestT8_RotationKeepsEverything(t *testing.T) {
	t.Parallel()
	st, one, two := memory.New(), seal.Generate(), seal.Generate()
	k := openOn(t, st, func(c *pool.Config) { c.Keys = ring(t, one) })
	k.confirmed(ada)
	d, inBrowser := k.done(ada), k.browse(ada)
	p, err := reopen(t, st, pool.Config{Keys: ring(t, two, one), Now: k.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.SignIn(t.Context(), pool.SignInInput{Username: ada, With: pool.Password{Value: right}}); err != nil {
		t.Errorf("sign-in: %v", err)
	}
	if _, err := p.Refresh(t.Context(), pool.RefreshInput{Token: d.Tokens.Refresh}); err != nil {
		t.Errorf("refresh: %v", err)
	}
	if _, _, err := p.Session(t.Context(), inBrowser.Cookie); err != nil {
		t.Errorf("cookie: %v", err)
	}
}

// New parameters reach a user with the next right password, and end no session.
func TestT9_HashIsReplacedAtSignIn(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
	k.confirmed(ada)
	d, before := k.done(ada), k.user(ada)
	dearer := password.Params{Memory: 16, Time: 2, Threads: 1}
	p, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Now: k.clock.Now, InsecureHash: &dearer})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := pool.Finished(p.SignIn(t.Context(), pool.SignInInput{Username: ada, With: pool.Password{Value: right}})); err != nil {
			t.Fatal(err)
		}
	}
	after := k.user(ada)
	h, err := password.Parse(after.Password.Hash)
	if err != nil || h.Params != dearer {
		t.Errorf("hash = %q, %v, want the new parameters", after.Password.Hash, err)
	}
	if after.Epoch != before.Epoch || after.Password.Revision != before.Password.Revision || !after.Password.Set.Equal(before.Password.Set) {
		t.Errorf("user = %+v, want it to be no password set", after)
	}
	if _, err := k.refresh(d); err != nil {
		t.Errorf("the session of before: %v", err)
	}
}

// New parameters of hashes do not tell who owns an address: not at a new sign-up there, and not at
// one that was open when the owner signed in.
func TestS19_NewParametersDoNotTell(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
	k.confirmed(ada)
	dearer := password.Params{Memory: 16, Time: 2, Threads: 1}
	k2 := openOn(t, st, func(c *pool.Config) { c.Keys, c.InsecureHash = r, &dearer })
	tries := func(login string) (seen string) {
		if _, err := k2.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: another}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			step, err := k2.signIn(login, another)
			seen += fmt.Sprintf("%T %v ", step, err)
			if login == ada {
				k2.done(ada) // the owner signs in, with a hash of before
			}
		}
		return seen
	}
	if taken, free := tries(ada), tries("free@example.com"); taken != free {
		t.Errorf("taken: %s\nfree: %s", taken, free)
	}
}

func epoch(t *testing.T, st storage.Store) int64 {
	t.Helper()
	got, err := st.Read(t.Context(), "default", storage.Want{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return got.PoolEpoch
}

func TestConfigProblemsAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := reopen(t, memory.New(), pool.Config{
		ID: "no spaces", Issuer: "ftp://x", Settings: &pool.Settings{
			SignIn:     pool.SignInSettings{Identifiers: []pool.Identifier{pool.Email, "pigeon"}},
			Attributes: user.Schema{{Name: "email_verified"}},
			Clients:    []pool.Client{{ID: ""}, {ID: "a", Tokens: pool.TokenSettings{Access: time.Second, Grace: time.Hour}}, {ID: "a"}},
		},
	})
	if e, ok := errors.AsType[*pool.SettingsError](err); !ok || len(e.Problems) != 8 {
		t.Errorf("Open = %v, want 8 problems", err)
	}
}

func TestIssuers(t *testing.T) {
	t.Parallel()
	for issuer, good := range map[string]bool{
		"": true, "http://localhost": true, "http://127.0.0.1:8080": true, "http://[::1]:1": true, "https://id.example.com": true, "https://id.example.com/tenant": true,
		"http://example.com": false, "http://10.0.0.1": false, "https://": false, "id.example.com": false, "https://u@example.com": false,
		"https://example.com?x": false, "https://example.com/?": false, "https://example.com#x": false, "https://example.com#": false, "https://:443": false, "https://example.com:0": false,
		"https://Example.com": false, "HTTPS://example.com": false, "https://example.com:": false, "http://localhost.example.com": false, "javascript:x": false,
	} {
		k := seal.Generate()
		_, err := reopen(t, memory.New(), pool.Config{Issuer: issuer, Keys: ring(t, k), Sender: nothing})
		if (err == nil) != good {
			t.Errorf("Open with issuer %q = %v, want good %v", issuer, err, good)
		}
	}
}

// An https issuer is production: it has a sender and a ring of its own, and hashes as it should.
func TestProductionIsStrict(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.Generate())
	for name, c := range map[string]pool.Config{
		"no sender":   {Keys: r},
		"a mailbox":   {Keys: r, Sender: mailbox.New()},
		"a log":       {Keys: r, Sender: message.Log(nil)},
		"no keys":     {Sender: nothing},
		"weak hashes": {Keys: r, Sender: nothing, InsecureHash: &password.Params{Memory: 8, Time: 1, Threads: 1}},
	} {
		c.Issuer = "https://id.example.com"
		if _, err := reopen(t, memory.New(), c); err == nil {
			t.Errorf("%s: Open succeeded", name)
		}
	}
	c := pool.Config{Issuer: "https://id.example.com", Keys: r, Sender: nothing}
	if _, err := reopen(t, memory.New(), c); err != nil {
		t.Errorf("with all that production needs: %v", err)
	}
}

// Settings given in code win over what is stored, and are published; without them the stored ones
// count.
func TestSettingsInCodeAreTheTruth(t *testing.T) {
	t.Parallel()
	st := memory.New()
	r := ring(t, seal.Generate())
	closed := &pool.Settings{SignUp: pool.SignUpSettings{Closed: true}}
	for i, tt := range []struct {
		settings *pool.Settings
		closed   bool
	}{{nil, false}, {closed, true}, {nil, true}, {&pool.Settings{}, false}, {nil, false}} {
		p, err := pool.Open(t.Context(), st, pool.Config{Keys: r, Sender: nothing, Settings: tt.settings, InsecureHash: &cheap})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right})
		if got := errors.Is(err, pool.ErrNotAuthorized); got != tt.closed {
			t.Errorf("open %d: sign-up = %v, want closed %v", i, err, tt.closed)
		}
		p.Close(t.Context())
	}
}

// Another process tightens the policy: the next sign-in here already obeys (security.md S18).
func TestS18_SettingsBindFromTheNextRead(t *testing.T) {
	t.Parallel()
	st := memory.New()
	r := ring(t, seal.Generate())
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
	k.confirmed(ada)
	if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &pool.Settings{Clients: []pool.Client{{ID: "web"}}}}); err != nil {
		t.Fatal(err)
	}
	_, err := k.SignIn(t.Context(), pool.SignInInput{Client: "default", Username: ada, With: pool.Password{Value: right}})
	if !errors.Is(err, pool.ErrUnknownClient) {
		t.Errorf("sign-in to a client that is gone = %v, want ErrUnknownClient", err)
	}
}

// No two pools of a store mint in one name, however often they are opened.
func TestS7_IssuerBelongsToOnePool(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	for _, tt := range []struct {
		id, issuer string
		good       bool
	}{
		{"a", "https://a.example.com", true},
		{"b", "https://a.example.com", false},
		{"b", "https://b.example.com", true},
		{"a", "https://b.example.com", false},
		{"a", "https://c.example.com", true},
		{"a", "https://a.example.com", true},
		{"b", "https://c.example.com", false}, // it was a's, whose old tokens still name it
	} {
		_, err := reopen(t, st, pool.Config{ID: user.PoolID(tt.id), Issuer: tt.issuer, Keys: r, Sender: nothing})
		if (err == nil) != tt.good {
			t.Errorf("open %s as %s = %v, want good %v", tt.id, tt.issuer, err, tt.good)
		}
	}
}

func TestManyProcessesOpenAtOnce(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	errs := make(chan error)
	pools := make(chan *pool.Pool, 16)
	for range 16 {
		go func() {
			p, err := pool.Open(t.Context(), st, pool.Config{Keys: r, Sender: nothing})
			pools <- p
			errs <- err
		}()
	}
	var jwks string
	for range 16 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		p := <-pools
		if jwks == "" {
			jwks = string(p.JWKS())
		}
		if string(p.JWKS()) != jwks {
			t.Error("two of them made a key")
		}
		p.Close(t.Context())
	}
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.store.Store.Close()
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("SignIn = %v, want ErrClosed", err)
	}
}
