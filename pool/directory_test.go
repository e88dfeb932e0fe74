package pool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// operator is who makes and deletes pools.
var operator = pool.Actor{Name: "operator"}

// city is an open directory with everything around it in reach.
type city struct {
	*pool.Directory
	t     testing.TB
	store storage.Store
	box   *mailbox.Mailbox
	clock *clock
}

// openCity opens a directory; change may alter its config first.
func openCity(t testing.TB, st storage.Store, change ...func(*pool.DirectoryConfig)) *city {
	t.Helper()
	c := &city{t: t, store: st, box: mailbox.New(), clock: &clock{now: start}}
	config := pool.DirectoryConfig{Config: pool.Config{
		Sender: c.box, Now: c.clock.Now, InsecureHash: &cheap, Keys: cityKeys,
	}}
	for _, f := range change {
		f(&config)
	}
	d, err := pool.OpenDirectory(context.WithValue(t.Context(), byChore{}, true), st, config)
	if err != nil {
		t.Fatalf("OpenDirectory: %v", err)
	}
	c.Directory = d
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

// cityKeys is the keyring of directories that are told of no other.
var cityKeys = func() *seal.Keyring {
	ring, err := seal.New(seal.Generate())
	if err != nil {
		panic(err)
	}
	return ring
}()

// create makes a pool of an id, whose issuer is made of it.
func (c *city) create(id user.PoolID, s pool.Settings) *pool.Pool {
	c.t.Helper()
	p, err := c.Create(c.t.Context(), operator, id, issuerOf(id), s)
	if err != nil {
		c.t.Fatalf("Create(%q): %v", id, err)
	}
	return p
}

func issuerOf(id user.PoolID) string { return "http://localhost/" + strings.ToLower(string(id)) }

// kit is a pool of the directory, to be used as any other in tests.
func (c *city) kit(p *pool.Pool) *kit {
	return &kit{Pool: p, t: c.t, store: &counting{Store: c.store}, box: c.box, clock: c.clock}
}

// list returns the ids of all pools.
func (c *city) list() (ids []user.PoolID) {
	c.t.Helper()
	q := pool.PoolQuery{Limit: 2}
	for {
		page, err := c.Pools(c.t.Context(), operator, q)
		if err != nil {
			c.t.Fatalf("Pools: %v", err)
		}
		for _, p := range page.Pools {
			ids = append(ids, p.ID)
		}
		if q.After = page.Next; q.After == "" {
			return ids
		}
	}
}

// onStores runs a test on a memory store and on a SQLite file.
func onStores(t *testing.T, test func(t *testing.T, st storage.Store)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		t.Cleanup(func() { st.Close() })
		test(t, st)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		test(t, st)
	})
}

func TestDirectoryFindsPools(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		c := openCity(t, st)
		generated := pool.NewClientID()
		a := c.create("acme", pool.Settings{Clients: []pool.Client{{ID: "web"}, {ID: generated}}})
		b := c.create("bolt", pool.Settings{Clients: []pool.Client{{ID: "web"}}})
		other := openCity(t, st) // another node, or the same after a restart
		for _, c := range []*city{c, other} {
			for what, find := range map[string]func(ctx context.Context) (*pool.Pool, error){
				"id":     func(ctx context.Context) (*pool.Pool, error) { return c.Pool(ctx, "acme") },
				"issuer": func(ctx context.Context) (*pool.Pool, error) { return c.ByIssuer(ctx, issuerOf("acme")) },
				"client": func(ctx context.Context) (*pool.Pool, error) { return c.ByClient(ctx, generated) },
			} {
				p, err := find(t.Context())
				if err != nil || p.ID() != "acme" || p.Issuer() != issuerOf("acme") || string(p.JWKS()) != string(a.JWKS()) {
					t.Errorf("by %s: %v, %v", what, p, err)
				}
				if again, _ := find(t.Context()); again != p {
					t.Errorf("by %s: two handles of one pool", what)
				}
			}
			if ids := c.list(); !slices.Equal(ids, []user.PoolID{"acme", "bolt"}) {
				t.Errorf("Pools = %v", ids)
			}
		}
		if string(a.JWKS()) == string(b.JWKS()) {
			t.Error("two pools sign with one key")
		}
	})
}

// What nobody has is not found, and a pool is never taken for another.
func TestDirectoryFindsNoOther(t *testing.T) {
	t.Parallel()
	c := openCity(t, memory.New())
	c.create("acme", pool.Settings{})
	for _, tt := range []struct {
		name string
		find func(ctx context.Context) (*pool.Pool, error)
		want error
	}{
		{"id", func(ctx context.Context) (*pool.Pool, error) { return c.Pool(ctx, "bolt") }, pool.ErrNotFound},
		{"no id", func(ctx context.Context) (*pool.Pool, error) { return c.Pool(ctx, "") }, pool.ErrNotFound},
		{"id in capitals", func(ctx context.Context) (*pool.Pool, error) { return c.Pool(ctx, "ACME") }, pool.ErrNotFound},
		{"id with NUL", func(ctx context.Context) (*pool.Pool, error) { return c.Pool(ctx, "acme\x00") }, pool.ErrNotFound},
		{"issuer", func(ctx context.Context) (*pool.Pool, error) { return c.ByIssuer(ctx, "http://localhost/bolt") }, pool.ErrNotFound},
		{"no issuer", func(ctx context.Context) (*pool.Pool, error) { return c.ByIssuer(ctx, "") }, pool.ErrNotFound},
		{"issuer with /", func(ctx context.Context) (*pool.Pool, error) { return c.ByIssuer(ctx, "http://localhost/acme/") }, pool.ErrNotFound},
		{"issuer in capitals", func(ctx context.Context) (*pool.Pool, error) { return c.ByIssuer(ctx, "http://LOCALHOST/acme") }, pool.ErrNotFound},
		{"long issuer", func(ctx context.Context) (*pool.Pool, error) {
			return c.ByIssuer(ctx, "http://localhost/"+strings.Repeat("a", 1<<20))
		}, pool.ErrNotFound},
		{"chosen client", func(ctx context.Context) (*pool.Pool, error) { return c.ByClient(ctx, "default") }, pool.ErrUnknownClient},
		{"client", func(ctx context.Context) (*pool.Pool, error) { return c.ByClient(ctx, pool.NewClientID()) }, pool.ErrUnknownClient},
		{"no client", func(ctx context.Context) (*pool.Pool, error) { return c.ByClient(ctx, "") }, pool.ErrUnknownClient},
	} {
		if p, err := tt.find(t.Context()); !errors.Is(err, tt.want) || p != nil {
			t.Errorf("%s: %v, %v, want %v", tt.name, p, err, tt.want)
		}
	}
}

func TestCreateRefusesBadInput(t *testing.T) {
	t.Parallel()
	c := openCity(t, memory.New(), func(c *pool.DirectoryConfig) { c.Sender, c.Keys = nil, nil })
	good := issuerOf("acme")
	for _, tt := range []struct {
		name, id, issuer string
		settings         pool.Settings
	}{
		{"no id", "", good, pool.Settings{}},
		{"odd id", "a/b", good, pool.Settings{}},
		{"long id", strings.Repeat("a", 129), good, pool.Settings{}},
		{"no issuer", "acme", "", pool.Settings{}},
		{"plain http", "acme", "http://acme.example.com", pool.Settings{}},
		{"query", "acme", good + "?x", pool.Settings{}},
		{"long issuer", "acme", good + strings.Repeat("a", 512), pool.Settings{}},
		{"production without a sender", "acme", "https://acme.example.com", pool.Settings{}},
		{"settings", "acme", good, pool.Settings{Clients: []pool.Client{{ID: "/"}}}},
		{"link without a page", "acme", good, pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}}},
	} {
		_, err := c.Create(t.Context(), operator, user.PoolID(tt.id), tt.issuer, tt.settings)
		if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
			t.Errorf("%s: Create = %v, want a *SettingsError", tt.name, err)
		}
	}
	for _, name := range []string{"", "\x00", strings.Repeat("a", 129)} {
		if _, err := c.Create(t.Context(), pool.Actor{Name: name}, "acme", good, pool.Settings{}); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("Create by %q = %v, want ErrInvalid", name, err)
		}
	}
	if ids := c.list(); len(ids) > 0 {
		t.Errorf("what was refused has made %v", ids)
	}
}

// TestS7_NamesOfPoolsAreNeverReused: ids, issuers and generated client ids stay whose they were.
func TestS7_NamesOfPoolsAreNeverReused(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		c := openCity(t, st)
		generated, dropped := pool.NewClientID(), pool.NewClientID()
		with := func(ids ...string) (s pool.Settings) {
			for _, id := range ids {
				s.Clients = append(s.Clients, pool.Client{ID: id})
			}
			return s
		}
		c.create("live", with("web", generated))
		gone := c.create("gone", with(dropped))
		free := c.create("free", with("web"))
		if err := c.Delete(t.Context(), operator, gone.ID()); err != nil {
			t.Fatal(err)
		}
		for name, create := range map[string]func() (*pool.Pool, error){
			"id":     func() (*pool.Pool, error) { return c.Create(t.Context(), operator, "live", issuerOf("new"), with()) },
			"issuer": func() (*pool.Pool, error) { return c.Create(t.Context(), operator, "new", issuerOf("live"), with()) },
			"client": func() (*pool.Pool, error) {
				return c.Create(t.Context(), operator, "new", issuerOf("new"), with(generated))
			},
			"id of a deleted": func() (*pool.Pool, error) { return c.Create(t.Context(), operator, "gone", issuerOf("new"), with()) },
			"its issuer":      func() (*pool.Pool, error) { return c.Create(t.Context(), operator, "new", issuerOf("gone"), with()) },
			"its client": func() (*pool.Pool, error) {
				return c.Create(t.Context(), operator, "new", issuerOf("new"), with(dropped))
			},
			"client put later": func() (*pool.Pool, error) { return nil, putClients(t, free, "web", generated) },
		} {
			if _, err := create(); !errors.Is(err, pool.ErrExists) {
				t.Errorf("%s: %v, want ErrExists", name, err)
			}
		}
		if ids := c.list(); !slices.Equal(ids, []user.PoolID{"free", "live"}) {
			t.Errorf("Pools = %v", ids)
		}
		added := pool.NewClientID()
		if err := putClients(t, free, "web", added); err != nil {
			t.Fatal(err)
		}
		if p, err := c.ByClient(t.Context(), added); p != free || err != nil {
			t.Errorf("ByClient of one that was added = %v, %v", p, err)
		}
		if err := putClients(t, free, "web"); err != nil {
			t.Fatal(err)
		}
		if p, err := c.ByClient(t.Context(), added); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("ByClient of one that was taken away = %v, %v", p, err)
		}
		if err := putClients(t, free, "web", added); err != nil {
			t.Errorf("the pool cannot have back what was its own: %v", err)
		}
	})
}

// putClients changes the clients of a pool.
func putClients(t *testing.T, p *pool.Pool, ids ...string) error {
	t.Helper()
	s, v, err := p.Admin(operator).Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Clients = nil
	for _, id := range ids {
		s.Clients = append(s.Clients, pool.Client{ID: id})
	}
	return p.Admin(operator).PutSettings(t.Context(), s, v)
}

// Many make one pool at once: one does, and all the others learn that there is one.
func TestParallelCreates(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		nodes := []*city{openCity(t, st), openCity(t, st)}
		var mu sync.Mutex
		var running sync.WaitGroup
		made := 0
		for i := range 16 {
			running.Go(func() {
				_, err := nodes[i%2].Create(t.Context(), operator, "acme", issuerOf("acme"), pool.Settings{})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if !errors.Is(err, pool.ErrExists) {
					t.Errorf("Create = %v", err)
				}
			})
		}
		running.Wait()
		if made != 1 {
			t.Errorf("%d made one pool", made)
		}
		for _, n := range nodes {
			if _, err := n.Pool(t.Context(), "acme"); err != nil {
				t.Errorf("Pool: %v", err)
			}
		}
	})
}

func TestOpenDirectoryRefuses(t *testing.T) {
	t.Parallel()
	st := memory.New()
	_, err := pool.OpenDirectory(t.Context(), st, pool.DirectoryConfig{Config: pool.Config{
		ID: "a", Issuer: "https://a.example.com", Settings: &pool.Settings{}, ConfirmURL: "https://a.example.com/confirm",
		CancelURL: "//a.example.com/cancel",
	}})
	wrong, ok := errors.AsType[*pool.SettingsError](err)
	if !ok || len(wrong.Problems) != 5 {
		t.Fatalf("OpenDirectory = %v, want a *SettingsError of five problems", err)
	}
	durable, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer durable.Close()
	if _, err := pool.OpenDirectory(t.Context(), durable, pool.DirectoryConfig{}); !errors.Is(err, pool.ErrNoKeyring) {
		t.Errorf("OpenDirectory without keys on a durable store = %v, want ErrNoKeyring", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.OpenDirectory(t.Context(), st, pool.DirectoryConfig{}); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("OpenDirectory on a closed store = %v, want ErrClosed", err)
	}
}

// TestS16_PagesOfPools: a page token is of one actor, for a day, and of the directory's ring.
func TestS16_PagesOfPools(t *testing.T) {
	t.Parallel()
	st := memory.New()
	c := openCity(t, st)
	for i := range 3 {
		c.create(user.PoolID(fmt.Sprint("p", i)), pool.Settings{})
	}
	page, err := c.Pools(t.Context(), operator, pool.PoolQuery{Limit: 2})
	if err != nil || len(page.Pools) != 2 || page.Next == "" {
		t.Fatalf("Pools = %+v, %v", page, err)
	}
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	stranger := openCity(t, st, func(c *pool.DirectoryConfig) { c.Keys = ring })
	p, err := c.Pool(t.Context(), "p0")
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"altered": func() error {
			_, err := c.Pools(t.Context(), operator, pool.PoolQuery{After: page.Next + "A"})
			return err
		},
		"another actor": func() error {
			_, err := c.Pools(t.Context(), pool.Actor{Name: "other"}, pool.PoolQuery{After: page.Next})
			return err
		},
		"another ring": func() error {
			_, err := stranger.Pools(t.Context(), operator, pool.PoolQuery{After: page.Next})
			return err
		},
		"list of users": func() error {
			_, err := p.Admin(operator).ListUsers(t.Context(), pool.UserQuery{After: page.Next})
			return err
		},
		"limit": func() error {
			_, err := c.Pools(t.Context(), operator, pool.PoolQuery{Limit: 1001})
			return err
		},
		"a day later": func() error {
			c.clock.advance(24 * 60 * 60 * 1e9)
			_, err := c.Pools(t.Context(), operator, pool.PoolQuery{After: page.Next})
			return err
		},
	} {
		if name == "a day later" {
			defer func() {
				if err := ask(); !errors.Is(err, pool.ErrInvalid) {
					t.Errorf("%s: %v, want ErrInvalid", name, err)
				}
			}()
			continue
		}
		if err := ask(); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}
