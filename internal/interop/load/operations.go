package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const maxCallers = 64

// chains is how many sessions each caller refreshes in turn.
const chains = 8

// operation is something that users or administrators do, and what it is measured by.
type operation struct {
	name       string
	ours, bare work
	hashes     bool // it is the hash that takes its time: longer windows, and as many bare hashes at once as there are processors
	chores     bool // it leaves chores behind, which count with it
}

// workload is the operations on one full store.
type workload struct {
	*target
	users       int
	dear, light *pool.Pool
	admin       *pool.Admin
	signer      *signer
	verifier    *token.Verifier // that remembers no token
	aware       *token.Verifier // beside the pool
	tokens      []string
	refreshes   [maxCallers][chains]token.Secret
	turn        [maxCallers]int
	apart       [maxCallers][chains]storage.SessionKey // of the pool apart
	members     []*user.User                           // of the pool apart
	session     *token.Session                         // one that the pool has made, of which those in the pool apart are copies
	signedUp    string                                 // what logins of this run begin with
	idle        tally                                  // what the pools cost while nobody calls
	waiting     tally                                  // the same, with a look now and then whether they are done
}

func newWorkload(ctx context.Context, t *target, users int, dear, light *pool.Pool, most int) (*workload, error) {
	w := &workload{target: t, users: users, dear: dear, light: light, admin: dear.Admin(pool.Actor{Name: "load"}), signedUp: rand.Text()}
	var err error
	if w.signer, err = newSigner(); err != nil {
		return nil, err
	}
	keys, err := token.ParseKeySet(dear.JWKS())
	if err != nil {
		return nil, err
	}
	clients := []string{dear.Settings().Clients[0].ID}
	w.verifier, err = token.NewVerifier(dear.Issuer(), token.Config{ClientIDs: clients, Use: token.Access, Keys: keys, Seen: -1})
	if err != nil {
		return nil, err
	}
	if w.aware, err = dear.Verifier(); err != nil {
		return nil, err
	}
	for n := range apartUsers {
		got, err := t.store.Read(ctx, apart, storage.Want{Now: time.Now(), User: user.ByID(idOf(apartUser(n)))})
		if err != nil || got.User == nil {
			return nil, errors.Join(errors.New("load: a user apart is missing"), err)
		}
		w.members = append(w.members, got.User)
	}
	if err := w.signInAll(ctx, most); err != nil {
		return nil, err
	}
	return w, w.beginApart(ctx, most)
}

// beginApart makes the sessions of the pool apart.
func (w *workload) beginApart(ctx context.Context, most int) error {
	for caller := range most {
		var changes []storage.Change
		for i := range chains {
			s := w.sessionOf(w.members[caller*chains+i], time.Now())
			changes = append(changes, storage.Put(s))
			w.apart[caller][i] = storage.SessionKey{User: user.ID(s.User), ID: s.ID}
		}
		if err := w.store.Commit(ctx, changes...); err != nil {
			return err
		}
	}
	return nil
}

// sessionOf returns a new session of a user apart.
func (w *workload) sessionOf(u *user.User, now time.Time) *token.Session {
	s := w.session.Clone()
	s.ID, s.Pool, s.User, s.Version, s.Created = rand.Text(), string(apart), string(u.ID), 0, now
	return s
}

// signInAll begins the sessions that are refreshed, of users from everywhere.
func (w *workload) signInAll(ctx context.Context, most int) error {
	var all sync.WaitGroup
	failed := make([]error, most)
	for caller := range most {
		all.Go(func() {
			r := mathrand.New(mathrand.NewPCG(uint64(caller), 2))
			var ids []user.ID
			for i := range chains {
				n := w.lightUser(r)
				done, err := w.enter(ctx, w.light, n)
				if err != nil {
					failed[caller] = err
					return
				}
				w.refreshes[caller][i], ids = done.Tokens.Refresh, append(ids, idOf(n))
			}
			failed[caller] = w.bare.start(ctx, caller, ids)
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	var claimed *token.Claims
	for range 64 {
		done, err := w.enter(ctx, w.light, w.lightUser(mathrand.New(mathrand.NewPCG(mathrand.Uint64(), 3))))
		if err != nil {
			return err
		}
		w.tokens = append(w.tokens, done.Tokens.Access.Reveal())
		if claimed, err = w.verifier.Verify(ctx, w.tokens[0]); err != nil {
			return err
		}
	}
	page, err := w.store.Sessions(ctx, w.light.ID(), storage.SessionQuery{User: user.ID(claimed.Subject), Now: time.Now(), Limit: 1})
	if err != nil || len(page.Sessions) == 0 {
		return errors.Join(errors.New("load: a session is missing"), err)
	}
	w.session = page.Sessions[0]
	return w.settle(ctx)
}

// Every second user has a password that was hashed cheaply.
func (w *workload) dearUser(r *mathrand.Rand) int  { return r.IntN(w.users) &^ 1 }
func (w *workload) lightUser(r *mathrand.Rand) int { return r.IntN(w.users) | 1 }

func (w *workload) enter(ctx context.Context, p *pool.Pool, n int) (*pool.Done, error) {
	return pool.Finished(p.SignIn(ctx, pool.SignInInput{
		Username: loginOf(n), With: pool.Password{Value: everybodys}, Caller: somebody(),
	}))
}

// settled reports whether nothing is left to be sent or sealed.
func (w *workload) settled(ctx context.Context) (bool, error) {
	events, err := w.store.Events(ctx, w.dear.ID(), storage.EventQuery{Unsealed: true, Limit: 1})
	if err != nil {
		return false, err
	}
	due, err := w.store.Due(ctx, []user.PoolID{w.dear.ID()}, -1, time.Now(), 1)
	return len(events.Events)+len(due) == 0, err
}

const glance = 50 * time.Millisecond // between looks whether it is settled

// settle waits until the chores are done.
func (w *workload) settle(ctx context.Context) error {
	for begun := time.Now(); time.Since(begun) < 30*time.Second; time.Sleep(glance) {
		if done, err := w.settled(ctx); done || err != nil {
			return err
		}
	}
	return errors.New("load: the chores do not come to an end")
}

// rest measures what it costs to do nothing, and to wait.
func (w *workload) rest(ctx context.Context, d time.Duration) error {
	for _, t := range []*tally{&w.idle, &w.waiting} {
		self, server, start := spent(), w.server(), time.Now()
		for time.Since(start) < d {
			if t == &w.waiting {
				if _, err := w.settled(ctx); err != nil {
					return err
				}
			}
			time.Sleep(glance)
		}
		t.wall, t.self, t.server = time.Since(start), spent()-self, w.server()-server
	}
	return nil
}

// less takes off what would have been spent anyway in the meantime.
func (t *tally) less(anyway *tally, meanwhile time.Duration) {
	part := float64(meanwhile) / float64(anyway.wall)
	t.self -= min(t.self, time.Duration(part*float64(anyway.self)))
	t.server -= min(t.server, time.Duration(part*float64(anyway.server)))
}

// clear lets the chores come to an end that a window has left, and counts them with it.
func (w *workload) clear(ctx context.Context, t *tally) error {
	self, server, start := spent(), w.server(), time.Now()
	if err := w.settle(ctx); err != nil {
		return err
	}
	after := tally{self: spent() - self, server: w.server() - server}
	after.less(&w.waiting, time.Since(start))
	t.add(&after)
	return nil
}

func (w *workload) operations() []operation {
	return []operation{
		{name: "find by login", ours: w.findByLogin, bare: func(ctx context.Context, _ int, r *mathrand.Rand) error {
			return w.bare.byLogin(ctx, loginOf(r.IntN(w.users)))
		}},
		{name: "find by id", ours: w.findByID, bare: func(ctx context.Context, _ int, r *mathrand.Rand) error {
			return w.bare.byID(ctx, idOf(r.IntN(w.users)))
		}},
		{
			name: "page by creation", ours: w.page(func(n int) pool.UserQuery { return pool.UserQuery{CreatedMin: createdOf(n)} }),
			bare: func(ctx context.Context, _ int, r *mathrand.Rand) error {
				return w.bare.byCreated(ctx, createdOf(w.place(r)))
			},
		},
		{name: "page by name prefix", ours: w.page(func(n int) pool.UserQuery {
			return pool.UserQuery{Filter: pool.Filter{Attribute: "name", Value: prefixOf(n), Prefix: true}}
		}), bare: func(ctx context.Context, _ int, r *mathrand.Rand) error {
			return w.bare.byPrefix(ctx, terms(w.place(r))[0].Value[:prefix])
		}},
		{
			name: "page by group", ours: w.page(func(n int) pool.UserQuery { return pool.UserQuery{Group: groupOf(n)} }),
			bare: func(ctx context.Context, _ int, r *mathrand.Rand) error {
				return w.bare.byGroup(ctx, groupOf(w.place(r)))
			},
		},
		{name: "verify, new token", ours: w.verify(w.verifier), bare: w.signer.verify},
		{name: "verify, seen token", ours: w.verify(w.aware), bare: w.signer.verify},
		{name: "commit of a sign-in", ours: w.commit, bare: func(ctx context.Context, _ int, r *mathrand.Rand) error {
			return w.bare.signIn(ctx, w.members[r.IntN(len(w.members))].ID)
		}},
		{name: "refresh at the store", ours: w.turnOver, bare: func(ctx context.Context, caller int, _ *mathrand.Rand) error {
			return w.bare.refresh(ctx, caller)
		}},
		{name: "refresh", chores: true, ours: w.refresh, bare: func(ctx context.Context, caller int, _ *mathrand.Rand) error {
			return errors.Join(w.bare.refresh(ctx, caller), w.signer.twice())
		}},
		{
			name: "sign-in but the hash", chores: true, ours: w.signIn(w.light, w.lightUser),
			bare: func(ctx context.Context, _ int, r *mathrand.Rand) error {
				n := w.lightUser(r)
				return errors.Join(w.bare.byLogin(ctx, loginOf(n)), w.signer.twice(), w.bare.signIn(ctx, idOf(n)))
			},
		},
		{name: "sign-in", hashes: true, ours: w.signIn(w.dear, w.dearUser), bare: argon},
		{name: "sign-up", hashes: true, chores: true, ours: w.signUp, bare: argon},
	}
}

func (w *workload) findByLogin(ctx context.Context, _ int, r *mathrand.Rand) error {
	login := loginOf(r.IntN(w.users))
	u, err := w.admin.FindUser(ctx, login)
	if err == nil && u.Username != login {
		err = fmt.Errorf("load: %s is %s", login, u.Username)
	}
	return err
}

func (w *workload) findByID(ctx context.Context, _ int, r *mathrand.Rand) error {
	_, err := w.admin.GetUser(ctx, idOf(r.IntN(w.users)))
	return err
}

// prefix is the length of a beginning that a hundred names share.
var prefix = len(nameOf(0)) - 2

func prefixOf(n int) string { return nameOf(n)[:prefix] }

// place is where a page begins that has all of its users.
func (w *workload) place(r *mathrand.Rand) int { return r.IntN(w.users - pageSize) }

func (w *workload) page(query func(n int) pool.UserQuery) work {
	return func(ctx context.Context, _ int, r *mathrand.Rand) error {
		q := query(w.place(r))
		q.Limit = pageSize
		page, err := w.admin.ListUsers(ctx, q)
		return least(len(page.Users), err)
	}
}

func (w *workload) verify(v *token.Verifier) work {
	return func(ctx context.Context, _ int, r *mathrand.Rand) error {
		_, err := v.Verify(ctx, w.tokens[r.IntN(len(w.tokens))])
		return err
	}
}

// guesses is the rule of wrong passwords.
var guesses = storage.Rule{Free: 5, Base: time.Second, Max: 15 * time.Minute, Decay: 15 * time.Minute, Ceiling: 100}

// commit is that of a sign-in at the store alone.
func (w *workload) commit(ctx context.Context, _ int, r *mathrand.Rand) error {
	u, now := w.members[r.IntN(len(w.members))], time.Now()
	session := w.sessionOf(u, now)
	return w.store.Commit(ctx,
		storage.Require(u),
		storage.Clear{Key: storage.CounterKey{Pool: apart, Owner: session.User, Name: "password"}, Rule: guesses, Now: now},
		storage.Put(session),
		eventOf(u, now))
}

// eventOf returns an event as large as those of a sign-in.
func eventOf(u *user.User, now time.Time) storage.Change {
	e := newBareEvent()
	return storage.Put(&storage.Event{
		Pool: apart, ID: e.id, Time: now, User: u.ID, Kind: "sign_in", Header: e.header, Personal: e.personal, Leaf: e.leaf,
	})
}

// turnOver is a refresh at the store alone: what it reads, and what it writes.
func (w *workload) turnOver(ctx context.Context, caller int, _ *mathrand.Rand) error {
	w.turn[caller]++
	now := time.Now()
	got, err := w.store.Read(ctx, apart, storage.Want{Now: now, Session: w.apart[caller][w.turn[caller]%chains]})
	if err != nil || got.Session == nil || got.User == nil {
		return errors.Join(errMissing, err)
	}
	next := got.Session.Clone()
	next.Generation, next.Rotated, next.LastUsed = next.Generation+1, now, now
	return w.store.Commit(ctx, storage.Put(next), storage.Require(got.User), eventOf(got.User, now))
}

func (w *workload) refresh(ctx context.Context, caller int, _ *mathrand.Rand) error {
	w.turn[caller]++
	one := &w.refreshes[caller][w.turn[caller]%chains]
	done, err := pool.Finished(w.light.Refresh(ctx, pool.RefreshInput{Token: *one, Caller: somebody()}))
	if err == nil {
		*one = done.Tokens.Refresh
	}
	return err
}

func (w *workload) signIn(p *pool.Pool, who func(*mathrand.Rand) int) work {
	return func(ctx context.Context, _ int, r *mathrand.Rand) error {
		_, err := w.enter(ctx, p, who(r))
		return err
	}
}

func (w *workload) signUp(ctx context.Context, _ int, _ *mathrand.Rand) error {
	c := somebody()
	_, err := w.dear.SignUp(ctx, pool.SignUpInput{
		Username: fmt.Sprintf("new-%s-%d@example.com", w.signedUp, callers.Add(1)), Password: everybodys, Caller: c,
		Attributes: user.Attributes{"name": "Grace Hopper", "locale": "en-GB"},
	})
	return err
}

// measure lets the callers do an operation and what it is measured by, in turns, so that what else
// the machine does meets both.
func (w *workload) measure(ctx context.Context, o operation, callers int, f *flags) (ours, bare *tally, err error) {
	length, beside := f.window, callers
	if o.hashes {
		length, beside = 3*f.window, min(callers, runtime.GOMAXPROCS(0))
	}
	ours, bare = &tally{}, &tally{}
	for range f.rounds {
		t, err := window(ctx, callers, length, w.server, o.ours)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.name, err)
		}
		t.less(&w.idle, t.wall)
		if o.chores {
			if err := w.clear(ctx, t); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", o.name, err)
			}
		}
		ours.add(t)
		if t, err = window(ctx, beside, length, w.server, o.bare); err != nil {
			return nil, nil, fmt.Errorf("%s, bare: %w", o.name, err)
		}
		t.less(&w.idle, t.wall)
		bare.add(t)
	}
	return ours, bare, nil
}
