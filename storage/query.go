package storage

import (
	"strings"
	"time"

	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Want names what one [Store.Read] returns. Zero fields want nothing.
type Want struct {
	Now       time.Time // what has expired by then is absent; required
	User      user.Key
	Attempt   user.Key // a login: the newest live attempt at it, whoever owns it
	Session   SessionKey
	Tickets   []string // ids
	Counters  []CounterKey
	Documents []DocumentKey
}

// Got is the answer to a [Want]. The slices are as long as those of the Want and in their order,
// with nil for what is absent. A counter that was never counted is there with zero values.
type Got struct {
	User      *user.User
	Attempt   *user.User
	Session   *token.Session
	Tickets   []*Ticket
	Counters  []Counter
	Documents []*Document
	PoolEpoch int64 // at least 1 for a pool that exists
}

// MaxPage is the most that a list returns at once; a Limit of 0 means it.
const MaxPage = 1000

// Examined is how many rows a list of users looks at for one page at the most. A page may
// therefore be short, or empty, and still have a Next.
const Examined = 1000

// UserQuery asks for a page of users. With Where the order is by its value, then id; without it,
// by Order. The other fields narrow the answer.
type UserQuery struct {
	Where      *Where
	Order      Order
	Status     user.Status // "" means any
	Disabled   *bool       // nil means either
	CreatedMin time.Time   // inclusive; zero means no bound
	CreatedMax time.Time   // exclusive; zero means no bound
	Now        time.Time   // attempts that have expired by then are absent; required
	After      string      // Next of the page before; "" starts
	Limit      int
	Stale      bool // see [EventQuery]
}

// Where is the one predicate that an index decides. It answers [ErrNotReady] for a name that is not
// among the pool's Searchable, except "group" and "login", which always are. Values are compared by
// bytes, and only their first [MaxTerm] bytes decide the order. A user with several terms that match
// is listed once for each; one with several logins that match, once, at the first of them.
type Where struct {
	Name   string
	Value  string
	Prefix bool // values that begin with Value, rather than equal it
}

// First reports whether value is the first of the logins of u that match. It is for stores, which
// list a user once.
func (w *Where) First(u *user.User, value string) bool {
	for _, l := range u.Logins {
		if l.Namespace == user.Name && l.Value < value && w.Prefix && strings.HasPrefix(l.Value, w.Value) {
			return false
		}
	}
	return true
}

// MaxTerm is how many bytes of an index value a store keeps. A longer value of a [Where] is
// ErrInvalid.
const MaxTerm = 128

// GroupTerm is the index name under which a user's groups stand.
const GroupTerm = "group"

// LoginTerm is the name under which the logins that users own stand, of the namespace [user.Name].
// No term may have it.
const LoginTerm = "login"

// Order is the order of a list of users without a [Where].
type Order int

// The orders: by time of creation, then id; or by id.
const (
	ByCreated Order = iota
	ByID
)

// UserPage is a page of users.
type UserPage struct {
	Users []*user.User
	Next  string // "" means that there is no more
}

// SessionQuery asks for a page of a user's live sessions.
type SessionQuery struct {
	User  user.ID
	Now   time.Time // required
	After string
	Limit int
}

// SessionPage is a page of sessions.
type SessionPage struct {
	Sessions []*token.Session
	Next     string
}

// DocumentQuery asks for a page of documents of one kind.
type DocumentQuery struct {
	Kind  string
	After string
	Limit int
}

// DocumentPage is a page of documents.
type DocumentPage struct {
	Documents []*Document
	Next      string
}

// EventQuery asks for a page of events, oldest first by (Time, ID). At most one of User, Unsealed
// and Seal may be set.
type EventQuery struct {
	User     user.ID // only this user's
	Newest   bool    // newest first; for those of a User only
	Unsealed bool    // only those in no seal
	Seal     int64   // only those in this seal
	After    string
	Limit    int
	// Stale permits a copy to answer that is behind the store by any time: what was written of late
	// is missing, and what has changed or gone is as it was. It is for people who look at a list;
	// nothing may be decided by it. Pages of either kind follow each other, but each by its own
	// moment. A store without copies answers as ever.
	Stale bool
}

// EventPage is a page of events.
type EventPage struct {
	Events []*Event
	Next   string
	// Seal is the seal that was asked for or, for Unsealed, the pool's newest. Nil means none.
	Seal *SealRecord
}

// PoolQuery asks for a page of pools.
type PoolQuery struct {
	ID      user.PoolID // only this one
	Issuer  string      // only the one with this issuer
	Client  string      // only the one with this among its Clients
	Deleted bool        // deleted pools rather than live ones
	After   string
	Limit   int
}

// PoolPage is a page of pools.
type PoolPage struct {
	Pools []*Pool
	Next  string
}

// Cursor is a place in the feed of [Store.Changed]. Only the store that gave it understands it.
type Cursor string

// Feed is what has changed.
type Feed struct {
	Pools       []PoolChange
	Revocations []*Revocation
	Next        Cursor
	More        bool // ask again at once
	// Anew says that the cursor was of another history: the store was restored from a copy, or may
	// have lost what it told. From here on everything is told again, and what somebody made of it
	// before is to be read again, for an epoch may have gone back, and come again as another.
	Anew bool
}

// PoolChange is a pool's epoch, or its end.
type PoolChange struct {
	Pool    user.PoolID
	Epoch   int64
	Deleted bool
}
