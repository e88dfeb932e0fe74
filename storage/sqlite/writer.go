package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/userpool-go/userpool/storage"
)

// Bounds of one group, so that no commit waits for too many others.
const (
	maxGroup      = 256
	maxGroupBytes = 4 << 20
)

// job is what the writer runs inside a transaction. It may run more than once, each time from the
// state before the first.
type job struct {
	run     func(t *tx) error
	size    int  // roughly, in bytes
	deletes bool // a user, so that a foreign key that refuses at the very end refuses this
	err     error
	done    chan error
}

// errPanicked is what the members of a group get in which a statement panicked.
var errPanicked = errors.New("sqlite: a commit panicked")

// writer owns the one connection that writes. Who finds it idle takes the turn and commits at once,
// in its own goroutine; who comes meanwhile waits for the next turn, and whoever gets it takes all
// that wait together into one transaction, and so under one fsync.
//
// A job that fails before it has written anything is dropped and the rest goes on: that is why what
// usually fails stands first in a commit. When a job fails later, the transaction is rolled back
// and the group runs again with a savepoint before each job. Where even that does not hold (a
// statement of the app's that rolls back the whole, a foreign key deferred to the end), each job
// runs alone.
type writer struct {
	conn    *conn
	turn    chan struct{} // full while somebody writes, whose all other fields are
	jobs    chan *job     // without a buffer: a job that was handed over is being worked on
	closing <-chan struct{}
	unsure  error // why nothing is written any more; nil while the disk is as good as its word
	place   place
	most    int  // members of a group
	alone   bool // the last group was of one
}

func newWriter(c *conn, closing <-chan struct{}) *writer {
	return &writer{conn: c, turn: make(chan struct{}, 1), jobs: make(chan *job), closing: closing, most: maxGroup}
}

// do runs a job, or hands it over and waits for its end. The context counts only until then.
func (w *writer) do(ctx context.Context, j *job) error {
	j.done = make(chan error, 1)
	select {
	case w.turn <- struct{}{}:
		w.lead(j)
		return <-j.done
	case w.jobs <- j:
		return <-j.done
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return storage.ErrClosed
	}
}

// lead serves a job with all that wait besides, and ends the turn.
func (w *writer) lead(first *job) {
	group, served := []*job{first}, false
	defer func() {
		if !served { // a panic: nobody else may wait for ever, or write into what it has left open
			w.rollback()
			failAll(group, errPanicked)
			answer(group)
		}
		<-w.turn
	}()
	group = w.gather(group)
	w.serve(group)
	served = true
	answer(group)
}

func answer(group []*job) {
	for _, j := range group {
		j.done <- j.err
	}
}

// close takes the turn for good. The store has closed w.closing before.
func (w *writer) close() error {
	w.turn <- struct{}{}
	return w.conn.close()
}

// gather takes the jobs that wait into a group of one. It lets other goroutines run as long as that
// brings more: callers who were answered a moment ago are about to come again. After a group of one
// there are none.
func (w *writer) gather(group []*job) []*job {
	size, asked := group[0].size, 0
	if w.alone {
		asked = 1
	}
	for len(group) < w.most && size < maxGroupBytes {
		select {
		case j := <-w.jobs:
			group, size = append(group, j), size+j.size
			continue
		default:
		}
		if asked == len(group) {
			break
		}
		asked = len(group)
		runtime.Gosched()
	}
	w.alone = len(group) == 1
	return group
}

// serve runs a group.
func (w *writer) serve(group []*job) {
	err := w.unsure
	if err == nil {
		err = w.place.left()
	}
	switch {
	case err != nil:
		for _, j := range group {
			j.err = err
		}
	case w.attempt(group, false), w.attempt(group, true):
	default:
		for _, j := range group {
			w.attempt([]*job{j}, false)
		}
	}
}

// attempt runs a group in one transaction. It reports whether that settled every member, having set
// the errors of those that failed; otherwise nothing is written.
func (w *writer) attempt(group []*job, savepoints bool) (settled bool) {
	if _, err := w.conn.exec("BEGIN IMMEDIATE"); err != nil {
		return failAll(group, err)
	}
	t := &tx{statements: w.conn}
	passed := false
	for _, j := range group {
		clean, err := t.attempt(j, savepoints)
		if err != nil {
			w.rollback()
			return failAll(group, err)
		}
		if !clean && len(group) > 1 {
			w.rollback()
			return false
		}
		passed = passed || j.err == nil
	}
	if !passed {
		w.rollback()
		return true
	}
	return w.commit(group)
}

// attempt runs one job, inside a savepoint where it is to be undone alone. It is clean where it has
// left nothing behind but what it was to write. The error says that the transaction is broken.
func (t *tx) attempt(j *job, savepoint bool) (clean bool, broken error) {
	if savepoint {
		if _, err := t.statements.exec("SAVEPOINT userpool"); err != nil {
			return false, err
		}
	}
	t.wrote = false
	j.err = j.run(t)
	if b, ok := errors.AsType[*brokenError](j.err); ok {
		return false, b.err
	}
	if j.err != nil && t.wrote {
		if !savepoint {
			return false, nil
		}
		t.forget()
		if _, err := t.statements.exec("ROLLBACK TO userpool"); err != nil {
			return false, nil // the app's statement has rolled back everything
		}
	}
	if savepoint {
		if _, err := t.statements.exec("RELEASE userpool"); err != nil {
			return false, err
		}
	}
	return true, nil
}

// commit ends the transaction of a group.
func (w *writer) commit(group []*job) (settled bool) {
	_, err := w.conn.exec("COMMIT")
	if err == nil {
		return true
	}
	w.rollback()
	if unsynced(err) {
		w.unsure = fmt.Errorf("sqlite: nothing is written after a failed fsync until the store is opened again: %w", err)
	}
	if !referenced(err) {
		return failAll(group, err)
	}
	if len(group) > 1 {
		return false // a foreign key that is checked at the end does not say whose it was
	}
	if j := group[0]; j.deletes {
		err = storage.ErrReferenced
	}
	group[0].err = err
	return true
}

// rollback ends a transaction that has come to nothing. Where SQLite has done so already, it fails.
func (w *writer) rollback() { w.conn.exec("ROLLBACK") }

func failAll(group []*job, err error) (settled bool) {
	for _, j := range group {
		j.err = lost(err)
	}
	return true
}
