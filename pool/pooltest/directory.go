package pooltest

import (
	"context"
	"testing"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// Directory is an open [pool.Directory] with its clock and the mail of all its pools.
type Directory struct {
	*pool.Directory
	Clock *Clock
	Mail  *Mail

	t     testing.TB
	store storage.Store
}

// NewDirectory opens a directory that is closed when the test ends, on st or, where that is nil, on a
// memory store of its own. What c leaves out is made for the test, as by [WithConfig]. Its hashes cost
// nothing, so issuers are http on a loopback host, such as "http://localhost/acme". [Clock.Advance]
// does what is due in all pools.
func NewDirectory(t testing.TB, st storage.Store, c pool.DirectoryConfig) *Directory {
	t.Helper()
	if st == nil {
		forgets := memory.New()
		t.Cleanup(func() { _ = forgets.Close() }) // memory has nothing to lose
		st = forgets
	}
	hand, box := new(chore.Hand), mailbox.New()
	d := &Directory{Clock: newClock(t, hand, c.Now), Mail: &Mail{t: t, hand: hand, box: box}, t: t, store: st}
	keys := c.Keys
	c.Config = forTest(t, c.Config, d.Clock, box)
	if c.Keyring != nil {
		c.Keys = keys
	}
	dir, err := pool.OpenDirectory(chore.NewContext(t.Context(), hand), st, c)
	if err != nil {
		t.Fatalf("pooltest: %v", err)
	}
	d.Directory = dir
	t.Cleanup(func() {
		if err := dir.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("pooltest: close the directory: %v", err)
		}
	})
	return d
}

// Kit returns the kit of a pool of the directory, for its people. It shares the clock and the mail
// of the directory. Where the directory cannot serve the pool the test fails.
func (d *Directory) Kit(id user.PoolID) *Kit {
	d.t.Helper()
	p, err := d.Pool(d.t.Context(), id)
	if err != nil {
		d.t.Fatalf("pooltest: pool %s: %v", id, err)
	}
	return &Kit{Pool: p, Clock: d.Clock, Mail: d.Mail, t: d.t, store: d.store, secrets: map[string]password.Secret{}}
}
