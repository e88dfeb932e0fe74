package storage

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Change is one part of a commit, made by [Put], [Delete], [Require], [Count], [Clear], [Raise],
// [Defer] or [Seal]. It is a value: wrappers of a Store may look at it, and it may be sent again.
type Change interface{ change() }

// Record is what a store keeps under a stamp or, as events and revocations, writes once.
type Record interface {
	*Pool | *user.User | *token.Session | *Ticket | *Document | *Outgoing | *Revocation | *Event
}

// PutRecord writes a record. See [Put].
type PutRecord struct {
	Record any   // one of the types of [Record], whose Version is the stamp it was read at
	Stamp  int64 // what Version becomes
}

// DeleteRecord erases a record. See [Delete].
type DeleteRecord struct{ Record any }

// RequireRecord guards a record. See [Require].
type RequireRecord struct{ Record any }

// Put writes r whole. A Version of 0 means that r must not exist yet; otherwise the stored stamp
// must be r.Version. Events and revocations are only ever new. The change holds the new stamp, a
// random one; r itself is not changed, and must not be until the commit has returned.
//
// A user with a Version must be one that a store handed out (see [user.User.MarkLoaded]). Putting a
// user takes the logins it holds now, gives up those it was loaded with and holds no more, and is
// refused by a *[ConflictError] where another user owns one. An unconfirmed user owns none and
// holds a place at its attempt's login: there are three places, and a fourth attempt erases the
// oldest, as Delete does; one commit may put three at one login. A user may have 100 sessions: one
// more erases the one created first, except those that the same commit puts or requires and those
// above them.
func Put[R Record](r R) PutRecord { return PutRecord{r, NewStamp()} }

// Delete erases r, whose stored stamp must be r.Version; a counter has no stamp and may be absent.
// With a user go its logins, index terms, sessions, tickets, counters and outgoing messages; with a
// session those below it; with a ticket its counters and the message that carries its code. A pool
// is marked deleted (see [Store.Drop]). Events and revocations cannot be deleted: ErrInvalid. What a
// deleted record takes along may itself be deleted by the same commit, but not put.
func Delete[R Record | *Counter](r R) DeleteRecord { return DeleteRecord{r} }

// Require lets the commit pass only while the stored stamp of r is r.Version, and keeps others from
// moving r until the commit has ended. Events and revocations cannot be required: ErrInvalid.
func Require[R Record](r R) RequireRecord { return RequireRecord{r} }

// NewStamp returns a random stamp, never 0.
func NewStamp() int64 {
	for {
		var b [8]byte
		rand.Read(b[:]) // never fails: crypto/rand
		if n := int64(binary.LittleEndian.Uint64(b[:]) >> 1); n != 0 {
			return n
		}
	}
}

// Count counts one use or failure, as [Rule.Count] says; a counter that refuses fails the commit
// with a *[LimitError] and is not moved.
type Count struct {
	Key  CounterKey
	Rule Rule
	Now  time.Time
	// Expect is what it must come to by a doubling lock; where it does not, the commit fails with
	// [ErrStale]. So one commit can count a failure and say that it was the one that locked, and of
	// any number at once one says so.
	Expect Expect
}

// Expect says what a [Count] must come to.
type Expect int

// What a [Count] may be expected to come to.
const (
	Either    Expect = iota // it may lock or not
	StaysOpen               // it does not lock
	Locks                   // it locks
)

// Clear ends a run of failures, as [Rule.Clear] says; a counter that refuses fails the commit.
type Clear struct {
	Key  CounterKey
	Rule Rule
	Now  time.Time
}

// Raise moves a watermark, the N of a counter that nothing else counts, up to N; where it is there
// or beyond already the commit fails with [ErrStale]. An absent one stands at 0.
type Raise struct {
	Key CounterKey
	N   int64
}

// Defer lets none of an owner's messages be due before Due, those put by the same commit included.
type Defer struct {
	Pool  user.PoolID
	Owner user.ID
	Due   time.Time
}

// Seal closes a batch of events: it stores the record and writes its number into the named events
// (at most 5,000). It fails with [ErrStale] unless the number is one more than the newest seal's and
// every event exists and is in none.
type Seal struct {
	Pool   user.PoolID
	Record SealRecord
	Events []string // ids
}

func (PutRecord) change()     {}
func (DeleteRecord) change()  {}
func (RequireRecord) change() {}
func (Count) change()         {}
func (Clear) change()         {}
func (Raise) change()         {}
func (Defer) change()         {}
func (Seal) change()          {}
