package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// world is some pools on one store, and what ought to be so in them.
type world struct {
	ctx     context.Context
	store   *storagetest.Faulty
	trouble // of this step
	clock   *clock
	dir     *pool.Directory
	hand    chore.Hand
	place
	towns   []*town
	ruins   []*town // whose pool was deleted
	founded int
	stray   []message.Message // of pools that there are not
	seen    map[string]bool   // messages, by their ids
	erased  map[user.ID]bool
	rand    *rand.Rand // of this step
	calls   int        // numbers networks and passwords
	said    []string   // what this step did
	well    bool       // something that this step did went well
	tally   map[string]int
	last    struct {
		town *town
		operation
	}
}

// town is a pool with the people in it.
type town struct {
	*pool.Pool
	world    *world
	verifier *token.Verifier
	named    bool // people choose a user name beside their address
	byLink   bool // sign-ups are confirmed by a link
	closed   bool // nobody may sign up
	grouped  bool // there is the group

	people    []*person
	focus     *person // of whom it was last
	sessions  []*session
	tickets   []*ticket
	left      []*person             // who have gone, and had links to restore addresses
	rests     map[string]rest       // logins that were given up
	strangers map[string]*lock      // guesses at logins that nobody owns
	mails     map[string]*allowance // by kind and address

	mu    sync.Mutex
	box   *mailbox.Mailbox
	inbox []message.Message // that nobody has looked at yet
}

var (
	cheap = password.Params{Memory: 8, Time: 1, Threads: 1}
	noon  = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

const staff = "staff"

// clock is a clock that operations move.
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

// newWorld makes a pool of each kind on a store. They end with close.
func newWorld(ctx context.Context, st storage.Store, at place) (w *world, err error) {
	w = &world{
		ctx: ctx, clock: &clock{now: noon}, erased: map[user.ID]bool{}, seen: map[string]bool{}, tally: map[string]int{}, place: at,
	}
	w.store = &storagetest.Faulty{Store: watched{st, w}}
	stands := storage.Store(w.store)
	if at.stands != nil {
		stands = at.stands(stands)
	}
	ring, err := seal.New(seal.Generate())
	if err != nil {
		return nil, err
	}
	w.dir, err = pool.OpenDirectory(chore.NewContext(ctx, &w.hand), stands, pool.DirectoryConfig{Config: pool.Config{
		Keys: ring, Sender: message.SenderFunc(w.take), ConfirmURL: "/confirm", CancelURL: "/cancel", Now: w.clock.Now, InsecureHash: &cheap,
	}})
	if err != nil {
		return nil, err
	}
	for _, t := range []*town{{}, {named: true}, {byLink: true}} {
		if err := w.found(t); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

func (w *world) close() error { return w.dir.Close(context.WithoutCancel(w.ctx)) }

// found makes a pool for a town of a kind.
func (w *world) found(t *town) (err error) {
	settings := pool.Settings{
		SignUp:   pool.SignUpSettings{ByLink: t.byLink},
		Groups:   []pool.Group{{Name: staff}},
		Limits:   pool.LimitSettings{SignIns: 1_000_000, Mails: 1_000_000},
		Sessions: pool.SessionSettings{Idle: idleLife, Absolute: browserLife},
		Clients:  []pool.Client{{ID: "default", Tokens: pool.TokenSettings{Refresh: refreshLife}}},
	}
	if t.named {
		settings.SignIn.Identifiers = []pool.Identifier{pool.Username, pool.Email}
	}
	for _, f := range w.change {
		f(&settings)
	}
	w.founded++
	id := user.PoolID(fmt.Sprintf("town-%d", w.founded))
	t.world, t.box, t.grouped = w, mailbox.New(), true
	t.strangers, t.mails, t.rests = map[string]*lock{}, map[string]*allowance{}, map[string]rest{}
	t.Pool, err = w.dir.Create(w.ctx, operator, id, fmt.Sprintf("http://localhost:%d", 8000+w.founded), settings)
	if err != nil {
		return err
	}
	w.towns = append(w.towns, t)
	t.verifier, err = t.Verifier()
	return err
}

// operator is who runs all pools.
var operator = pool.Actor{Name: "operator"}

// take takes a message that a pool sends.
func (w *world) take(ctx context.Context, m message.Message) error {
	if w.seen[m.ID] { // it is sent at least once
		return nil
	}
	w.seen[m.ID] = true
	i := slices.IndexFunc(w.towns, func(t *town) bool { return string(t.ID()) == m.Pool })
	if i < 0 {
		w.stray = append(w.stray, m)
		return nil
	}
	t := w.towns[i]
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inbox = append(t.inbox, m)
	return t.box.Send(ctx, m)
}

// broken is what a step panics with where the pool and the model differ.
type broken struct{ error }

// fail ends the step: a pool does what it should not.
func (w *world) fail(format string, args ...any) { panic(broken{fmt.Errorf(format, args...)}) }

// say tells what the step does.
func (w *world) say(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

// refused are the answers that open nothing.
var refused = []error{pool.ErrNotAuthorized, pool.ErrBadCode, pool.ErrTicketGone}

// want fails unless err is one of some; nil among them, or alone, is success.
func (w *world) want(err error, some ...error) {
	struck, made := w.answered()
	for _, e := range some {
		if errors.Is(err, e) || e == nil && err == nil {
			w.well = w.well || err == nil
			return
		}
	}
	if struck {
		w.spoilt(err, made)
		return
	}
	w.fail("the answer is %v, want one of %v", err, some)
}

func (w *world) now() time.Time { return w.clock.Now() }

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.rand.IntN(n) == 0 }

// one returns one of some things, the zero value of none.
func one[T any](w *world, of []T) (v T) {
	if len(of) > 0 {
		v = of[w.rand.IntN(len(of))]
	}
	return v
}

// anyone returns one of the people of t who pass all tests, or nil; often whom it was before, so
// that more than one thing happens to somebody.
func (w *world) anyone(t *town, like ...func(*person) bool) *person {
	some := of(t.people, func(p *person) bool {
		return !slices.ContainsFunc(like, func(is func(*person) bool) bool { return !is(p) })
	})
	if !slices.Contains(some, t.focus) || w.chance(2) {
		t.focus = one(w, some)
	}
	return t.focus
}

// secret returns a password for somebody new to it: mostly one that nobody has had.
func (w *world) secret(t *town) string {
	if p := w.anyone(t); p != nil && w.chance(8) {
		return p.password
	}
	w.calls++
	return fmt.Sprintf("quiet lantern over harbour %d", w.calls)
}

// caller returns somebody at a network of their own: what networks may do is another test's.
func (w *world) caller(browser bool) pool.Caller {
	w.calls++
	n := w.calls
	return pool.Caller{IP: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), Browser: browser}
}

func (t *town) admin() *pool.Admin { return t.Admin(pool.Actor{Name: "lifecycle"}) }

// owner returns who owns a login, or nil.
func (t *town) owner(login string) *person {
	for _, p := range t.people {
		if slices.Contains(p.logins(), login) {
			return p
		}
	}
	return nil
}

// taken reports whether nobody but a person, who may be nil, can have a login: somebody else has it, or
// it rests after them.
func (t *town) taken(login string, but *person) bool {
	if p := t.owner(login); p != nil {
		return p != but
	}
	r := t.rests[login]
	return t.world.now().Before(r.until) && (but == nil || r.by != but)
}

// attempts returns the sign-ups at a login that are not confirmed, the oldest first.
func (t *town) attempts(login string) (at []*person) {
	for _, p := range t.people {
		if !p.somebody() && p.login() == login {
			at = append(at, p)
		}
	}
	return at
}

// newest returns the sign-up that a sign-in at a login judges, or nil.
func (t *town) newest(login string) *person {
	if at := t.attempts(login); len(at) > 0 {
		return at[len(at)-1]
	}
	return nil
}

// at returns a counter or an allowance by its name.
func at[T any](of map[string]*T, name string) *T {
	if of[name] == nil {
		of[name] = new(T)
	}
	return of[name]
}

// addresses are those of all towns: few, so that people meet.
var addresses = []string{
	"ada@example.com", "bob@example.com", "eve@example.com", "ida@example.com", "joe@example.com", "kim@example.com",
}

var names = []string{"ada", "bob", "eve", "ida"}

// logins are all that may be typed.
func (t *town) logins() []string {
	if t.named {
		return slices.Concat(names, addresses)
	}
	return addresses
}

// pass lets time pass: what has expired is no more.
func (w *world) pass(d time.Duration) {
	w.clock.advance(d)
	for _, t := range w.towns {
		for _, p := range slices.Clone(t.people) {
			if !p.somebody() && w.now().Sub(p.made) >= attemptLife {
				p.erase()
			}
		}
	}
}

// letter returns the one message of a kind to an address that this step caused, or fails. Any other
// message must be a notice.
func (w *world) letter(t *town, k message.Kind, to string) message.Message {
	found := w.post(t, k)
	if len(found) != 1 || !strings.EqualFold(found[0].To, to) {
		w.fail("%d messages %s, want one to %s: %v", len(found), k, to, found)
	}
	return found[0]
}

// notices are what owners may be told by any step.
var notices = []message.Kind{message.PasswordChanged, message.SignInAttempts, message.NewDevice}

// silence fails where the step has caused any message but a notice.
func (w *world) silence(t *town) { w.post(t, "") }

func (w *world) post(t *town, k message.Kind) (found []message.Message) {
	w.chores()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.inbox {
		switch {
		case m.Kind == k:
			found = append(found, m)
		case !slices.Contains(notices, m.Kind):
			w.fail("a message %s to %s, which nobody caused", m.Kind, m.To)
		case !slices.ContainsFunc(t.people, func(p *person) bool { return p.somebody() && p.proven && strings.EqualFold(p.email, m.To) }):
			w.fail("a notice %s to %s, whose address it is not", m.Kind, m.To)
		}
	}
	t.inbox = nil
	return found
}

// of returns those of some things that pass a test.
func of[T any](all []T, is func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !is(v) })
}
