package sqlite

import (
	"cmp"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// phase is where in a commit a step runs. A commit is a set: its order is ours, such that what
// usually refuses comes before the first write, and that what is given up is free to be taken.
type phase int

const (
	phasePool     phase = iota // the pool itself, which the rest may be the first of
	phaseCheck                 // what refuses without a write: required stamps, counters
	phaseGuard                 // what is written or deleted only at its stamp
	phaseCount                 // counters, which will not refuse any more
	phaseFarewell              // the app's statements for users who go, who are still there
	phaseErase                 // what goes with what is deleted, and logins given up
	phaseClaim                 // logins taken
	phaseInsert                // what must not exist yet
	phaseTrim                  // whom the newcomers crowd out
	phaseAfter                 // what looks at the records of this commit, and the pool's own numbers
	phaseApp                   // the app's other statements
)

// step is one thing that a change does.
type step struct {
	phase  phase
	change int // index, or -1 for none
	run    func(t *tx) error
}

// plan is what a commit does: statements with all that they write, encoded before the writer is
// asked. It can run any number of times.
type plan struct {
	pool      user.PoolID
	putsPool  bool
	steps     []step
	users     int64                   // how many more are somebody
	documents bool                    // one was put or deleted
	written   map[storage.Target]bool // what the commit puts or requires
	deletes   bool                    // a user
	size      int
	also      func(storage.UserChange) []Exec
}

// newPlan plans changes that [storage.Check] has passed.
func newPlan(pool user.PoolID, changes []storage.Change, also func(storage.UserChange) []Exec) (*plan, error) {
	p := &plan{pool: pool, also: also, steps: make([]step, 0, 2*len(changes)+2), written: make(map[storage.Target]bool)}
	for i, c := range changes {
		switch r := c.(type) {
		case storage.PutRecord:
			p.written[storage.TargetOf(r.Record)] = true
		case storage.RequireRecord:
			p.written[storage.TargetOf(r.Record)] = true
		}
		if err := p.change(i, c); err != nil {
			return nil, fmt.Errorf("%w: change %d: %w", storage.ErrInvalid, i, err)
		}
	}
	if p.users != 0 {
		p.add(phaseAfter, -1, func(t *tx) error {
			_, err := t.exec(`UPDATE userpool_pools SET users = users + ? WHERE key = ?`, p.users, t.pool)
			return err
		})
	}
	if p.documents {
		p.add(phaseAfter, -1, func(t *tx) error {
			_, err := t.exec(raiseEpoch, t.pool)
			return err
		})
	}
	slices.SortStableFunc(p.steps, func(a, b step) int { return cmp.Compare(a.phase, b.phase) })
	return p, nil
}

func (p *plan) add(at phase, change int, run func(t *tx) error) {
	p.steps = append(p.steps, step{at, change, run})
}

func (p *plan) change(i int, c storage.Change) error {
	switch c := c.(type) {
	case storage.PutRecord:
		return p.put(i, c)
	case storage.DeleteRecord:
		p.delete(i, c.Record)
		p.addAlso(i, c)
	case storage.RequireRecord:
		p.require(i, c.Record)
	case storage.Count:
		p.count(i, c.Key, c.Now, c.Move)
	case storage.Clear:
		p.count(i, c.Key, c.Now, c.Move)
	case storage.Raise:
		p.count(i, c.Key, time.Time{}, func(now storage.Counter) (storage.Counter, error) {
			if c.N <= now.N {
				return now, storage.ErrStale
			}
			now.N = c.N
			return now, nil
		})
	case storage.Defer:
		p.add(phaseAfter, i, func(t *tx) error {
			_, err := t.exec(deferOwner, micros(c.Due), t.pool, string(c.Owner), micros(c.Due))
			return err
		})
	case storage.Seal:
		return p.seal(i, c)
	}
	return nil
}

func (p *plan) put(i int, c storage.PutRecord) (err error) {
	switch r := c.Record.(type) {
	case *storage.Pool:
		err = p.putPool(i, r, c.Stamp)
	case *user.User:
		err = p.putUser(i, r, c.Stamp)
	case *token.Session:
		err = p.putSession(i, r, c.Stamp)
	case *storage.Ticket:
		p.putTicket(i, r, c.Stamp)
	case *storage.Document:
		p.putDocument(i, r, c.Stamp)
	case *storage.Outgoing:
		p.putOutgoing(i, r, c.Stamp)
	case *storage.Revocation:
		p.putRevocation(i, r)
	case *storage.Event:
		p.putEvent(i, r)
	}
	p.addAlso(i, c)
	return err
}

// addAlso plans the app's statements for a change. The app gets a copy of the user: what it does to
// it reaches neither the store nor the caller.
func (p *plan) addAlso(i int, c storage.Change) {
	if p.also == nil {
		return
	}
	uc, ok := storage.UserChangeOf(c)
	if !ok {
		return
	}
	uc.User = uc.User.Clone()
	at := phaseApp
	if uc.Deleted() {
		at = phaseFarewell
	}
	for _, e := range p.also(uc) {
		args, err := plain(e.Args)
		p.add(at, i, func(t *tx) error {
			if err != nil {
				return err
			}
			return t.app(Exec{e.SQL, args})
		})
	}
}

// plain asks the app's arguments for their values here, in the caller's goroutine: one that panics
// must not end the writer, and the process with it.
func plain(args []any) ([]any, error) {
	out := make([]any, len(args))
	for i, a := range args {
		name, named := a.(sql.NamedArg)
		if named {
			a = name.Value
		}
		v, err := driver.DefaultParameterConverter.ConvertValue(a)
		if err != nil {
			return nil, fmt.Errorf("the app's argument %d: %w", i, err)
		}
		if out[i] = v; named {
			out[i] = sql.Named(name.Name, v)
		}
	}
	return out, nil
}

// run does all steps inside a transaction.
func (p *plan) run(t *tx) error {
	if !p.putsPool {
		if err := t.enter(p.pool); err != nil {
			return err
		}
	}
	for _, s := range p.steps {
		if err := s.run(t); err != nil {
			return s.refused(err)
		}
	}
	return nil
}

func (s step) refused(err error) error {
	if _, broken := errors.AsType[*brokenError](err); broken || s.change < 0 {
		return err
	}
	return &storage.ChangeError{Index: s.change, Err: err}
}
