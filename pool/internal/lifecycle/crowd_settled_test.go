package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// Of many who do things to few people at once none does what the rules do not allow.
func TestCrowd(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) storage.Store{
		"memory": func(*testing.T) storage.Store { return memory.New() },
		"sqlite": func(t *testing.T) storage.Store {
			st, err := sqlite.Open(context.WithoutCancel(t.Context()), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{Synchronous: sqlite.Normal})
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := asked("USERPOOL_SEED", uint64(time.Now().UnixNano()))
			if err := gather(t.Context(), open(t), seed, 60); err != nil {
				t.Errorf("USERPOOL_SEED=%d: %v", seed, err)
			}
		})
	}
}

// gather lets eight do a number of deeds each, and returns what is wrong in the end.
func gather(ctx context.Context, st storage.Store, seed uint64, deedsEach int) (err error) {
	defer func() { err = errors.Join(err, st.Close()) }()
	w, err := newWorld(ctx, st, place{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	c := &crowd{
		town: w.towns[0], store: st, redeemed: map[string]int{}, raised: map[user.ID]int{}, deleted: map[user.ID]int{},
		secrets: []string{"the password of nobody"},
	}
	var all sync.WaitGroup
	gate := make(chan struct{})
	for n := range uint64(8) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, n))
			<-gate
			for range deedsEach {
				deeds[r.IntN(len(deeds))].do(c, r)
				w.clock.advance(time.Duration(r.IntN(3000)) * time.Millisecond)
			}
		})
	}
	close(gate)
	all.Wait()
	return c.settled()
}

// settled returns what is wrong once all are done.
func (c *crowd) settled() error {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	page, err := c.admin().ListUsers(c.world.ctx, pool.UserQuery{})
	if err != nil {
		return err
	}
	users, owners := map[user.ID]pool.User{}, map[string]user.ID{}
	for _, u := range page.Users {
		users[u.ID] = u
		if u.EmailVerified && owners[u.Email] != "" {
			say("%s is owned twice", u.Email)
		}
		if u.EmailVerified {
			owners[u.Email] = u.ID
		}
		stored, err := c.store.Read(c.world.ctx, c.ID(), storage.Want{Now: c.world.now(), User: user.ByID(u.ID)})
		if err != nil {
			return err
		}
		// A reset raises it too, of whom its answer does not tell.
		if got, least := stored.User.Epoch, int64(1+c.raised[u.ID]); got < least {
			say("the epoch of %s (%s) is %d after %d acts that raise it: one was lost", u.Email, u.Status, got, least-1)
		}
	}
	for id, times := range c.deleted {
		if _, there := users[id]; there || times > 1 {
			say("%s was deleted %d times, and is there: %t", id, times, there)
		}
	}
	for text, times := range c.redeemed {
		if times > 1 {
			say("ticket %.8s was redeemed %d times", text, times)
		}
	}
	for _, d := range c.held {
		u := users[c.of(d)]
		a, err := c.Account(c.world.ctx, d.Tokens.Access)
		if err == nil {
			_, err = a.Get(c.world.ctx)
		}
		if open := u.Status == user.Confirmed && !u.Disabled; err == nil && !open {
			say("a session of %s, who is %s, disabled %t, lives", u.Email, u.Status, u.Disabled)
		}
	}
	wrong = append(wrong, c.passwords(owners)...)
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "\n\t"))
	}
	return nil
}

// passwords wants each user to have one password, and nobody else's but by chance.
func (c *crowd) passwords(owners map[string]user.ID) (wrong []string) {
	for login := range owners {
		var good []string
		for _, secret := range c.secrets[max(0, len(c.secrets)-150):] {
			c.world.clock.advance(16 * time.Minute) // beyond any lock
			_, by := c.next()
			step, err := c.SignIn(c.world.ctx, pool.SignInInput{Username: login, With: pool.Password{Value: password.New(secret)}, Caller: by})
			if _, done := step.(*pool.Done); err == nil && done {
				good = append(good, secret)
			}
		}
		if len(good) > 1 {
			wrong = append(wrong, fmt.Sprintf("%s signs in by %q", login, good))
		}
	}
	return wrong
}

// blind is a store that writes a user whatever became of them since they were read.
type blind struct{ storage.Store }

func (b blind) Ephemeral() bool { return true }

func (b blind) Commit(ctx context.Context, changes ...storage.Change) error {
	for range 10 { // others come in between
		runtime.Gosched()
	}
	err := b.Store.Commit(ctx, changes...)
	for range 8 {
		if !errors.Is(err, storage.ErrStale) {
			return err
		}
		for _, c := range changes {
			put, ok := c.(storage.PutRecord)
			if !ok {
				continue
			}
			u, ok := put.Record.(*user.User)
			if !ok || u.Version == 0 {
				continue
			}
			got, failed := b.Read(ctx, u.Pool, storage.Want{Now: noon, User: user.ByID(u.ID)})
			if failed == nil && got.User != nil {
				u.Version = got.User.Version
			}
		}
		err = b.Store.Commit(ctx, changes...)
	}
	return err
}

// A crowd finds out a store that loses what others have written, and one whose tickets stay.
func TestCrowdFindsMutants(t *testing.T) {
	t.Parallel()
	if brief() {
		return
	}
	for name, st := range map[string]func() storage.Store{
		"blind":                func() storage.Store { return blind{memory.New()} },
		"tickets are for ever": func() storage.Store { return &mutant{Store: memory.New(), drops: deletes[*storage.Ticket]} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(100) {
				if err := gather(t.Context(), st(), seed, 60); err != nil {
					t.Logf("after %d crowds: %v", seed+1, err)
					return
				}
			}
			t.Error("not found by 100 crowds")
		})
	}
}
