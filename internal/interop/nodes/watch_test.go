package nodes_test

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/token"
)

// watched is the store of a process. It notes which leases the process held and what it did under them,
// and stops or kills the process at a place of the test's choice.
type watched struct {
	*postgres.Store
	now func() time.Time

	mu      sync.Mutex
	log     []entry
	waiting trap
}

// entry is a lease that the process has from At until Until, or has let go (Until is zero), or what it did
// under one.
type entry struct {
	Lease     string
	At, Until time.Time
	Did       bool
	Seal      int64 // that it made
}

// trap is where a process gets a signal, once: before or after it sends a mail, seals, or commits a
// session. Or how long it waits before it reads the feed, each time.
type trap struct {
	At     string // "mail", "seal" or "session"
	After  bool
	Signal syscall.Signal
	Feed   time.Duration
}

func (w *watched) set(t trap) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = t
}

func (w *watched) note(e entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, e)
}

func (w *watched) entries() []entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]entry{}, w.log...)
}

// spring lets the trap at a place snap. A process that was frozen goes on here when it is thawed.
func (w *watched) spring(at string, after bool) {
	w.mu.Lock()
	t := w.waiting
	snaps := t.At == at && t.After == after && t.Signal != 0
	if snaps {
		w.waiting = trap{}
	}
	w.mu.Unlock()
	if !snaps {
		return
	}
	_ = syscall.Kill(syscall.Getpid(), t.Signal)
	if t.Signal == syscall.SIGKILL {
		select {} // it may take a moment
	}
	time.Sleep(20 * time.Millisecond) // to be frozen may take a moment, too
}

// Lease notes what is held. From after it was given until before it is given back: so two processes that
// keep to leases never hold one at once, however long the store takes.
func (w *watched) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	if !l.Until.After(l.Now) {
		w.note(entry{Lease: l.Name, At: w.now()})
	}
	held, err := w.Store.Lease(ctx, l)
	if held {
		w.note(entry{Lease: l.Name, At: w.now(), Until: l.Until})
	}
	return held, err
}

func (w *watched) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	w.note(entry{Lease: "sweep", At: w.now(), Did: true})
	return w.Store.Sweep(ctx, now, n)
}

func (w *watched) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	w.mu.Lock()
	wait := w.waiting.Feed
	w.mu.Unlock()
	time.Sleep(wait)
	return w.Store.Changed(ctx, since)
}

func (w *watched) Commit(ctx context.Context, changes ...storage.Change) error {
	at, under := place(changes)
	w.spring(at, false)
	under.At, under.Did = w.now(), true
	err := w.Store.Commit(ctx, changes...)
	w.spring(at, true)
	if err == nil && under.Lease != "" {
		w.note(under)
	}
	return err
}

// place names what a commit is, and the lease that it needs where it is a chore's.
func place(changes []storage.Change) (at string, under entry) {
	for _, c := range changes {
		switch c := c.(type) {
		case storage.Seal:
			return "seal", entry{Lease: "seal/" + string(c.Pool), Seal: c.Record.Number}
		case storage.PutRecord:
			switch r := c.Record.(type) {
			case *storage.Pool:
				return "", entry{} // whose first key needs no lease
			case *token.Session:
				at = "session"
			case *storage.Document:
				if r.Kind == "signing" {
					under.Lease = "rotate/" + string(r.Pool)
				}
			}
		case storage.DeleteRecord:
			switch r := c.Record.(type) {
			case *storage.Outgoing:
				under.Lease = leaseOf(r)
			case *storage.Document:
				if r.Kind == "signing" {
					under.Lease = "rotate/" + string(r.Pool)
				}
			}
		}
	}
	return at, under
}

// leaseOf names the lease that who sends a message has, or who runs a hook.
func leaseOf(m *storage.Outgoing) string {
	name, waits := strings.CutPrefix(string(m.Owner), "hook/")
	if !waits {
		return storage.LaneLease(m.Pool, storage.Lane(m.Owner))
	}
	name, _, _ = strings.Cut(name, "/")
	return "hook/" + string(m.Pool) + "/" + name
}

// trapped is the sender of a process.
type trapped struct {
	message.Sender
	*watched
}

func (t trapped) Send(ctx context.Context, m message.Message) error {
	t.spring("mail", false)
	err := t.Sender.Send(ctx, m)
	if err == nil {
		t.spring("mail", true)
	}
	return err
}
