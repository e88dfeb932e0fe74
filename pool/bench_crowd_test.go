//go:build linux

package pool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// crowd is a pool of many people, who all have the password right.
type crowd struct {
	hash password.Params
	size int
	file string // a database, beside its keys; every benchmark of a process works on the same
}

// million is the crowd that the goals are set for. With -short it is a thousandth of that.
func million(b *testing.B) crowd {
	if testing.Short() {
		return crowd{hash: cheap, size: 1000}.onDisk(b)
	}
	return crowd{hash: cheap, size: 1_000_000}.onDisk(b)
}

// login returns the address of the n-th person.
func (c crowd) login(n int) string { return fmt.Sprintf("person%07d@example.com", n%c.size) }

// config is that of a benchmark: by the clock of the machine, because what is measured is the
// whole, and with mail that costs nothing to send.
func (c crowd) config(ring *seal.Keyring) pool.Config {
	none := message.SenderFunc(func(context.Context, message.Message) error { return nil })
	settings := &pool.Settings{Limits: pool.LimitSettings{SignIns: 1_000_000, Mails: 1_000_000}} // none, in effect
	return pool.Config{Keys: ring, Sender: none, InsecureHash: &c.hash, Settings: settings}
}

// open opens the pool of a crowd on disk.
func (c crowd) open(b *testing.B) *pool.Pool { return c.openIn(b.Context(), b) }

func (c crowd) openIn(ctx context.Context, b *testing.B) *pool.Pool {
	b.Helper()
	st, ring, err := c.store(ctx)
	if err != nil {
		b.Fatal(err)
	}
	return c.openOn(ctx, b, st, ring)
}

func (c crowd) store(ctx context.Context) (storage.Store, *seal.Keyring, error) {
	ring, err := seal.File(c.file + ".keys")
	if err != nil {
		return nil, nil, err
	}
	st, err := sqlite.Open(ctx, c.file, sqlite.Config{})
	return st, ring, err
}

func (c crowd) openOn(ctx context.Context, b *testing.B, st storage.Store, ring *seal.Keyring) *pool.Pool {
	b.Helper()
	p, err := pool.Open(ctx, st, c.config(ring))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(p.Close(context.Background()), st.Close()); err != nil {
			b.Error(err)
		}
	})
	return p
}

// crowds are the databases of this process, each made once.
var crowds struct {
	mu   sync.Mutex
	dir  string
	made map[crowd]string
}

func removeCrowds() {
	if crowds.dir != "" {
		os.RemoveAll(crowds.dir)
	}
}

// onDisk returns the crowd with its database.
func (c crowd) onDisk(b *testing.B) crowd {
	crowds.mu.Lock()
	defer crowds.mu.Unlock()
	if crowds.dir == "" {
		dir, err := os.MkdirTemp("", "userpool-crowd-")
		if err != nil {
			b.Fatal(err)
		}
		crowds.dir, crowds.made = dir, map[crowd]string{}
	}
	file, ok := crowds.made[c]
	if !ok {
		file = filepath.Join(crowds.dir, fmt.Sprintf("%d.db", len(crowds.made)))
		if err := c.make(b.Context(), file); err != nil {
			b.Fatal(err)
		}
		crowds.made[c] = file
	}
	c.file = file
	return c
}

// make makes the database of a crowd. Its log is large, so that the pages of the indexes, hit at
// random, are written once in a while only.
func (c crowd) make(ctx context.Context, file string) error {
	ring, err := seal.File(file + ".keys")
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"+
		"&_pragma=synchronous(NORMAL)&_pragma=wal_autocheckpoint(100000)&_pragma=cache_size(-400000)&_pragma=mmap_size(2000000000)")
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := sqlite.New(ctx, db, sqlite.Config{Synchronous: sqlite.Normal})
	if err != nil {
		return err
	}
	defer st.Close()
	return c.fill(ctx, st, ring)
}

// fill puts the crowd into a store, many people in a commit and many commits at a time.
func (c crowd) fill(ctx context.Context, st storage.Store, ring *seal.Keyring) error {
	p, err := pool.Open(ctx, st, c.config(ring))
	if err != nil {
		return err
	}
	if err := p.Close(ctx); err != nil {
		return err
	}
	hash, err := c.hash.Hash(right)
	if err != nil {
		return err
	}
	const batch, callers = 90, 8
	batches := make(chan int, c.size/batch+1)
	for from := 0; from < c.size; from += batch {
		batches <- from
	}
	close(batches)
	failed := make([]error, callers)
	var wait sync.WaitGroup
	for i := range failed {
		wait.Go(func() {
			for from := range batches {
				var changes []storage.Change
				for n := from; n < min(c.size, from+batch); n++ {
					changes = append(changes, storage.Put(c.person(n, ring, hash)))
				}
				if failed[i] = st.Commit(ctx, changes...); failed[i] != nil {
					return
				}
			}
		})
	}
	wait.Wait()
	return errors.Join(failed...)
}

// person returns the n-th of a crowd. Only the hash is everybody's: it is sealed to each alone.
func (c crowd) person(n int, ring *seal.Keyring, hash password.Hash) *user.User {
	login, _ := user.Email(c.login(n)) // it is one
	now := time.Now().UTC().Truncate(time.Microsecond)
	u := &user.User{
		Pool: "default", ID: user.NewID(), Status: user.Confirmed, Epoch: 1,
		Logins: []user.Login{login}, Attributes: user.Attributes{"name": fmt.Sprintf("Ada Lovelace %d", n), "locale": "en-GB"},
		EventKey: make([]byte, 16), Created: now, Updated: now,
	}
	u.EventKey[0] = byte(n)
	u.Password = &user.Password{
		Hash: hash.Bare(), Digest: ring.Seal(gate.PasswordLabel(u.Pool, u.ID), hash.Digest),
		Form: user.FormNFC, Set: now, Revision: 1,
	}
	return u
}
