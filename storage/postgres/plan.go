package postgres

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// phase is where in a commit a statement stands. A commit is a set: its order is ours, the same in
// every process, so that two commits wait for each other's rows in one direction only, and that what
// is given up is free to be taken. What many commits want comes last and is held the shortest.
type phase int

const (
	phaseLock     phase = iota // rows that stand for what has none
	phasePool                  // the pool itself, which the rest may be the first of
	phaseUser                  // users that are held, before what is theirs
	phaseGuard                 // what else is required, or written or deleted only at its stamp
	phaseFarewell              // the app's statements for users who go, who are still there
	phaseErase                 // what goes with what is deleted, and logins given up
	phaseInsert                // what must not exist yet
	phaseClaim                 // logins taken
	phaseTrim                  // whom the newcomers crowd out
	phaseAfter                 // what looks at the records of this commit
	phaseApp                   // the app's other statements
	phaseCount                 // counters, and the pool's own numbers
)

// item is one statement of a commit.
type item struct {
	phase  phase
	key    string // the order within the phase
	change int    // index, or -1 for none
	sql    string
	args   []any
	// refuses says what a failure of the statement means, by its SQLSTATE, or nil where it is no
	// refusal. Nil means that the statement never refuses.
	refuses func(code string) error
	counter func(now storage.Counter) error // judges a counter that refused, as it is read again
	count   storage.CounterKey
	app     bool // of the app
}

// plan is what a commit does: statements with all that they write. It can be sent any number of
// times.
type plan struct {
	pool      user.PoolID
	gated     bool // another statement sees to it that the pool is there
	items     []item
	buckets   []int16
	signed    []string // users who get a session
	users     int64    // how many more are somebody
	documents bool     // one was put or deleted
	changes   []storage.Change
	also      func(storage.UserChange) []Exec
}

const (
	lockBuckets = `SELECT bucket FROM userpool_locks WHERE bucket = ANY($1::smallint[]) ORDER BY bucket FOR UPDATE`
	buckets     = 1024

	// A commit goes in by one of the gates of its pool, any of them: at the only one all commits
	// would meet, and write their names into one row. Who deletes a pool waits at all of them for
	// the commits in it, and takes them away.
	livePool   = `WITH g AS (SELECT 1 FROM userpool_gates WHERE pool = $1 AND gate = $2 FOR KEY SHARE) SELECT 1/count(*) FROM g`
	gates      = 64
	raiseEpoch = `UPDATE userpool_pools SET epoch = epoch + 1, moved = pg_current_xact_id()::text::bigint WHERE id = $1`
	countUsers = `INSERT INTO userpool_counts AS c (pool, stripe, users) VALUES ($1, $2, $3)
		ON CONFLICT (pool, stripe) DO UPDATE SET users = c.users + excluded.users`
	stripes = 64
)

// newPlan plans changes that [storage.Check] has passed.
func newPlan(pool user.PoolID, changes []storage.Change, also func(storage.UserChange) []Exec) (*plan, error) {
	p := &plan{pool: pool, also: also, changes: changes, items: make([]item, 0, len(changes)+4)}
	for i, c := range changes {
		if err := p.change(i, c); err != nil {
			return nil, fmt.Errorf("%w: change %d: %w", storage.ErrInvalid, i, err)
		}
	}
	if !p.gated {
		args := []any{string(pool), storage.NewStamp() % gates}
		p.add(item{phase: phasePool, change: -1, sql: livePool, args: args, refuses: refuse(storage.ErrNoPool, divisionByZero)})
	}
	if p.users != 0 {
		args := []any{string(pool), storage.NewStamp() % stripes, p.users}
		p.add(item{phase: phaseCount, key: "~users", change: -1, sql: countUsers, args: args})
	}
	if p.documents {
		p.add(item{phase: phaseCount, key: "~~epoch", change: -1, sql: raiseEpoch, args: []any{string(pool)}})
	}
	for _, id := range p.signed {
		p.hold(id)
	}
	if len(p.buckets) > 0 {
		p.add(item{phase: phaseLock, change: -1, sql: lockBuckets, args: []any{p.buckets}})
	}
	p.sort()
	return p, nil
}

func (p *plan) sort() {
	slices.SortStableFunc(p.items, func(a, b item) int {
		if c := cmp.Compare(a.phase, b.phase); c != 0 {
			return c
		}
		return strings.Compare(a.key, b.key)
	})
}

// written returns the ids of the records of a kind and an owner that the commit puts or requires.
func (p *plan) written(kind, owner string) (ids []string) {
	for _, c := range p.changes {
		var r any
		switch c := c.(type) {
		case storage.PutRecord:
			r = c.Record
		case storage.RequireRecord:
			r = c.Record
		}
		if r == nil {
			continue
		}
		if t := storage.TargetOf(r); t.Kind == kind && t.Owner == owner {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

func (p *plan) add(i item) { p.items = append(p.items, i) }

// lock holds the row that stands for something until the commit has ended.
func (p *plan) lock(parts ...string) {
	h := fnv.New32a()
	for _, part := range append([]string{string(p.pool)}, parts...) {
		h.Write(append([]byte(part), 0))
	}
	p.buckets = append(p.buckets, int16(h.Sum32()%buckets))
}

// refuse returns what some SQLSTATEs mean.
func refuse(err error, codes ...string) func(string) error {
	return func(code string) error {
		if slices.Contains(codes, code) {
			return err
		}
		return nil
	}
}

var stale = refuse(storage.ErrStale, divisionByZero, uniqueViolation)

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
		p.count(i, c)
	case storage.Clear:
		p.clear(i, c)
	case storage.Raise:
		p.raise(i, c)
	case storage.Defer:
		p.add(item{phase: phaseAfter, key: string(c.Owner), change: i, sql: deferOwner, args: []any{string(p.pool), string(c.Owner), micros(c.Due)}})
	case storage.Seal:
		p.seal(i, c)
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
		p.add(item{phase: at, key: string(uc.User.ID), change: i, sql: e.SQL, args: e.Args, app: true})
	}
}
