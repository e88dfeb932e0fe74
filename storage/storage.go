// Package storage is the contract between a user pool and what keeps it: records, changes to them,
// and the one interface that an adapter implements.
//
// Reading is by key, many records in one round trip, or by keyset pages. Writing is one method that
// takes a set of changes as values and applies all of them or none:
//
//	got, err := st.Read(ctx, pool, storage.Want{Now: now, User: user.ByLogin("ada@example.com")})
//	...
//	got.User.Status = user.Confirmed
//	err = st.Commit(ctx, storage.Put(got.User), storage.Delete(ticket))
//
// No code of the caller runs inside a transaction, so nothing can run twice, call out, or hash a
// password under a lock; an adapter is free to put the commits of many callers under one fsync.
//
// Every record carries a stamp, a random number under which it was last written. A change names the
// stamp that its record was read at, and fails with [ErrStale] where the stored one is another: read
// and decide again. Stamps are never reused, so a commit whose answer was lost ([ErrUnknown]) is
// settled by reading: the stored stamp is the one of the [Put], or it is not. That it stays is known
// when a commit has passed that requires it.
//
// The adapters are storage/memory, storage/sqlite and storage/postgres. Package storagetest proves an
// adapter.
package storage

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/user"
)

// Store keeps pools and everything in them. Implementations are safe for concurrent use, in one
// process and, where the store is a file or a server, in several. Everything that they take and hand
// out is copied: neither side sees the other's later changes.
//
// Times are kept in UTC to the microsecond; what is below is cut off, and the zero time stays zero.
// Absence is nil, never an error. What has expired at the given time is absent, whether or not it
// has been swept; the time it expires at is the first at which it is gone.
//
// A context that ends before a call has begun its work ends the call with the context's error and
// changes nothing. A commit that has been taken up runs to its end whatever its caller's context
// does; where nobody can tell that end it is [ErrUnknown]. After Close every method returns [ErrClosed].
type Store interface {
	// Read returns what w wants of one pool, all as of one moment, with the pool's epoch. It never
	// reads from a replica. A pool that is absent or deleted gives the zero Got, and a key that
	// no record can have, such as one with a NUL, finds nothing.
	//
	// Reading a session or a ticket also returns its owner in Got.User where w.User is zero: the
	// session's, or the first found ticket's that has one. A counter whose key has no owner is
	// that of the user found; its key comes back with the owner in it, or empty where nobody was.
	Read(ctx context.Context, pool user.PoolID, w Want) (Got, error)

	// Users lists users of a pool, attempts among them, in the order q chooses.
	Users(ctx context.Context, pool user.PoolID, q UserQuery) (UserPage, error)
	// Sessions lists the live sessions of one user, oldest first.
	Sessions(ctx context.Context, pool user.PoolID, q SessionQuery) (SessionPage, error)
	// Documents lists documents of one kind by id.
	Documents(ctx context.Context, pool user.PoolID, q DocumentQuery) (DocumentPage, error)
	// Events lists events by time, or those of one seal, or those without one.
	Events(ctx context.Context, pool user.PoolID, q EventQuery) (EventPage, error)
	// Pools lists pools by id.
	Pools(ctx context.Context, q PoolQuery) (PoolPage, error)

	// Drop erases at most n rows of a deleted pool and tells whether any are left. The pool's id
	// and issuer stay, so that neither is used again. For a pool that is not deleted it is
	// ErrInvalid.
	Drop(ctx context.Context, pool user.PoolID, n int) (left bool, err error)

	// Commit applies all changes or none. It is a set: the order of the arguments means nothing,
	// and nothing at all is a success. All changes are of one pool, which must exist ([ErrNoPool])
	// unless the commit itself puts it. Errors are *[ChangeError] where one change was refused, or
	// [ErrInvalid], [ErrNoPool], [ErrRetry] and [ErrUnknown]; after all but the last nothing is
	// written.
	Commit(ctx context.Context, changes ...Change) error

	// Lease takes or renews l.Name for l.Holder, and tells whether it holds it now: it does where
	// the name was free, its lease had run out at l.Now, or the holder is the same. A lease whose
	// Until is not after its Now gives the name up, if the holder has it.
	Lease(ctx context.Context, l Lease) (bool, error)
	// Due returns at most n outgoing messages to send at now, of the named pools, or of all where
	// pools is nil. Of each owner it returns only the first by (Created, ID) of those due, so that a
	// person's messages keep their order. Pools take turns; within a pool lower classes come first,
	// then what was due first. A lane narrows the answer to owners in it; lane -1 is any.
	Due(ctx context.Context, pools []user.PoolID, lane int, now time.Time, n int) ([]*Outgoing, error)
	// Changed tells what moved since the cursor: pools whose epoch rose or that were deleted, and
	// revocations. The zero cursor starts before everything. It never misses a change, and may tell
	// one twice; where the store cannot know that it still has all that it told, it tells everything
	// anew, and says so.
	Changed(ctx context.Context, since Cursor) (Feed, error)
	// Sweep erases at most n records that have expired at now, with what they own, and returns how
	// many it erased. Fewer than n means that it is done.
	Sweep(ctx context.Context, now time.Time, n int) (int, error)

	// Trim erases at most n events of the seals up to and including the numbered one, those of the
	// oldest seal first, with every seal whose last event went; it tells whether any are left. The
	// newest seal stays, with its events, so that the next can follow it. What is in no seal stays
	// too.
	Trim(ctx context.Context, pool user.PoolID, seal int64, n int) (left bool, err error)

	// Close waits for commits under way and frees what the store holds. It may be called again.
	Close() error
}

// Ephemeral is implemented by stores that forget everything when the process ends. One without it
// counts as durable, and a pool on it needs a keyring (security.md T8).
type Ephemeral interface{ Ephemeral() bool }
