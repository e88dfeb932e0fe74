package pool_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

const (
	ada   = "ada@example.com"
	phone = "+4915112345678"
)

var (
	right = password.New("correct horse battery staple")
	wrong = password.New("incorrect horse battery staple")
	cheap = password.Params{Memory: 8, Time: 1, Threads: 1}
)

// start is when the clocks of tests begin.
var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// kit is an open pool with everything around it in reach.
type kit struct {
	*pool.Pool
	t      testing.TB
	chosen string // user name that newcomers choose beside their address; "" means none
	store  *counting
	box    *mailbox.Mailbox
	clock  *clock
	hashed uint64 // what had been hashed when a test began to count
}

// open opens a pool on a new memory store; change may alter its config first.
func open(t testing.TB, change ...func(*pool.Config)) *kit {
	t.Helper()
	return openOn(t, memory.New(), change...)
}

func openOn(t testing.TB, st storage.Store, change ...func(*pool.Config)) *kit {
	t.Helper()
	k := &kit{t: t, store: &counting{Store: st}, box: mailbox.New(), clock: &clock{now: start}}
	c := pool.Config{Sender: k.box, Now: k.clock.Now, InsecureHash: &cheap}
	for _, f := range change {
		f(&c)
	}
	p, err := pool.Open(context.WithValue(t.Context(), byChore{}, true), k.store, c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	k.Pool = p
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		st.Close()
	})
	return k
}

// signUp signs login up and returns the ticket.
func (k *kit) signUp(login string) (ticket string) {
	k.t.Helper()
	in := pool.SignUpInput{Username: login, Password: right}
	if to := addressOf(login); to != login {
		in.Attributes = user.Attributes{"email": to}
	}
	up, err := k.SignUp(k.t.Context(), in)
	if err != nil {
		k.t.Fatalf("SignUp(%q): %v", login, err)
	}
	return up.Ticket
}

// addressOf returns the address that a login is, or that goes with a user name.
func addressOf(login string) string {
	if strings.ContainsAny(login, "@+") {
		return login
	}
	return login + "@example.com"
}

// takes lets a pool take logins of some kinds.
func takes(ids ...pool.Identifier) func(*pool.Config) {
	return func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.SignIn.Identifiers = ids
	}
}

// newcomer signs up at an address, with another password than right.
func (k *kit) newcomer(address string) (pool.SignUpResult, error) {
	in := pool.SignUpInput{Username: address, Password: another}
	if k.chosen != "" {
		in.Username, in.Attributes = k.chosen, user.Attributes{"email": address}
	}
	return k.SignUp(k.t.Context(), in)
}

// code returns the code in the n-th mail to login.
func (k *kit) code(login string, n int) string {
	k.t.Helper()
	k.mails(login, n)
	return k.box.Code(login)
}

// mails waits for the n-th mail to login and returns all that came.
func (k *kit) mails(login string, n int) []message.Message {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	ms, err := k.box.Wait(ctx, login, n)
	if err != nil {
		k.t.Fatalf("mail %d to %s: %v", n, login, err)
	}
	return ms
}

// delivered waits until nothing is to be sent any more. Messages to different owners overtake each
// other, so that one which has come does not tell that all before it have.
func (k *kit) delivered() {
	k.t.Helper()
	waitFor(k.t, func() bool {
		due, err := k.store.Store.Due(k.t.Context(), nil, -1, k.clock.Now(), 1)
		return err == nil && len(due) == 0
	})
}

// confirmed makes login a user.
func (k *kit) confirmed(login string) {
	k.t.Helper()
	ticket := k.signUp(login)
	if ticket == "" { // an administrator has to
		err := k.admin().ConfirmSignUp(k.t.Context(), pool.ConfirmUserInput{ID: k.user(login).ID, EmailVerified: true})
		if err != nil {
			k.t.Fatalf("ConfirmSignUp(%q): %v", login, err)
		}
		return
	}
	code := k.code(addressOf(login), 1)
	if code == "" {
		code = k.link(addressOf(login), 1) // which is as good as a code
	}
	if _, err := k.ConfirmSignUp(k.t.Context(), pool.CodeInput{Ticket: ticket, Code: code}); err != nil {
		k.t.Fatalf("ConfirmSignUp(%q): %v", login, err)
	}
}

func (k *kit) signIn(login string, pw password.Secret) (pool.Step, error) {
	return k.SignIn(k.t.Context(), pool.SignInInput{Username: login, With: pool.Password{Value: pw}})
}

// from returns a caller at the n-th address of a network.
func from(n int) pool.Caller {
	return pool.Caller{IP: netip.AddrFrom4([4]byte{192, 0, byte(2 + n/256), byte(n)})}
}

func (k *kit) signInFrom(c pool.Caller, login string, pw password.Secret) (pool.Step, error) {
	return k.SignIn(k.t.Context(), pool.SignInInput{Username: login, With: pool.Password{Value: pw}, Caller: c})
}

// done signs login in with the right password.
func (k *kit) done(login string) *pool.Done {
	k.t.Helper()
	d, err := pool.Finished(k.signIn(login, right))
	if err != nil {
		k.t.Fatalf("SignIn(%q): %v", login, err)
	}
	return d
}

func (k *kit) refresh(d *pool.Done) (*pool.Done, error) {
	return pool.Finished(k.Refresh(k.t.Context(), pool.RefreshInput{Token: d.Tokens.Refresh}))
}

// onEach runs a test on a memory store and on a SQLite file.
func onEach(t *testing.T, test func(t *testing.T, k *kit), change ...func(*pool.Config)) {
	t.Run("memory", func(t *testing.T) { t.Parallel(); test(t, open(t, change...)) })
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		test(t, openOn(t, st, change...))
	})
}

// user reads the user behind a login.
func (k *kit) user(login string) *user.User {
	k.t.Helper()
	got, err := k.store.Store.Read(k.t.Context(), "default", storage.Want{Now: k.clock.Now(), User: user.ByLogin(login)})
	if err != nil {
		k.t.Fatalf("read %s: %v", login, err)
	}
	return got.User
}

// disable disables the user behind a login, as an administrator would.
func (k *kit) disable(login string) {
	k.t.Helper()
	u := k.user(login)
	u.Disabled = true
	u.Epoch++
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
		k.t.Fatalf("disable %s: %v", login, err)
	}
}

// counting is a store that counts what use cases ask of it, chores aside, and can fail.
type counting struct {
	storage.Store
	mu      sync.Mutex
	reads   int
	commits [][]storage.Change
	after   func(error) error // what the caller is told of a commit; nil means the truth
	fail    error             // instead of committing
	keep    bool              // let no message be taken out
	race    func()            // what happens before the next commit
}

// meanwhile lets something happen between what the next use case reads and what it commits.
func (c *counting) meanwhile(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.race = f
}

// keepMail lets no message be taken out of the outbox.
func (c *counting) keepMail(keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep = keep
}

// answer changes what callers are told of commits.
func (c *counting) answer(f func(error) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after = f
}

// instead lets commits fail without being tried.
func (c *counting) instead(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

// byChore marks the context of what a pool does by itself.
type byChore struct{}

func (c *counting) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	settings := w.User == (user.Key{}) && w.Session == (storage.SessionKey{}) &&
		(len(w.Counters) == 0 || len(w.Counters) == 1 && len(w.Tickets) > 0 && w.Counters[0].Name == "tries")
	if ctx.Value(byChore{}) == nil && !settings {
		c.mu.Lock()
		c.reads++
		c.mu.Unlock()
	}
	return c.Store.Read(ctx, p, w)
}

func (c *counting) Users(ctx context.Context, p user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	if ctx.Value(byChore{}) == nil {
		c.mu.Lock()
		c.reads++
		c.mu.Unlock()
	}
	return c.Store.Users(ctx, p, q)
}

func (c *counting) Commit(ctx context.Context, changes ...storage.Change) error {
	if settles(changes) {
		return c.Store.Commit(ctx, changes...)
	}
	if !chore(changes) {
		c.mu.Lock()
		race := c.race
		c.race = nil
		c.mu.Unlock()
		if race != nil {
			race()
		}
		c.mu.Lock()
		c.commits = append(c.commits, changes)
		after, fail := c.after, c.fail
		c.mu.Unlock()
		if fail != nil {
			return fail
		}
		if after != nil {
			return after(c.Store.Commit(ctx, changes...))
		}
		return c.Store.Commit(ctx, changes...)
	}
	c.mu.Lock()
	keep := c.keep
	c.mu.Unlock()
	if keep {
		return storage.ErrRetry
	}
	return c.Store.Commit(ctx, changes...)
}

// settles tells whether a commit writes nothing, and only finds out what became of another.
func settles(changes []storage.Change) bool {
	return !slices.ContainsFunc(changes, func(c storage.Change) bool {
		_, ok := c.(storage.RequireRecord)
		return !ok
	})
}

// chore tells whether a commit is not a visitor's: it takes out a message, seals events, stores a
// document, or is of events alone.
func chore(changes []storage.Change) bool {
	if onlyEvents(changes) {
		return true
	}
	for _, c := range changes {
		switch c := c.(type) {
		case storage.PutRecord:
			if _, ok := c.Record.(*storage.Document); ok {
				return true
			}
			if o, ok := c.Record.(*storage.Outgoing); ok && o.Tries > 0 {
				return true
			}
		case storage.Count:
			if strings.HasPrefix(c.Key.Name, "sms:") {
				return true
			}
		case storage.Seal:
			return true
		case storage.DeleteRecord:
			if _, ok := c.Record.(*storage.Outgoing); ok {
				return true
			}
		case storage.Defer:
			return true
		}
	}
	return false
}

func onlyEvents(changes []storage.Change) bool {
	for _, c := range changes {
		put, ok := c.(storage.PutRecord)
		if !ok {
			return false
		}
		if _, ok := put.Record.(*storage.Event); !ok {
			return false
		}
	}
	return true
}

// reset forgets what was counted.
func (c *counting) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads, c.commits = 0, nil
}

func (c *counting) counted() (reads int, commits [][]storage.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads, c.commits
}

// long is long ago: nothing has expired by then.
var long = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Ephemeral lets the pool make a keyring of its own.
func (c *counting) Ephemeral() bool { return true }
