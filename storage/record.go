package storage

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/user"
)

// Pool is a pool's own record. Deleting it frees nothing at once: [Store.Drop] does, in chunks.
type Pool struct {
	ID         user.PoolID
	Version    int64
	Issuer     string   // unique in the store where not empty, never used again
	Clients    []string // ids by which the pool is found: unique in the store, never used again (at most 1000)
	Searchable []string // index names whose backfill is done (at most 10)
	Created    time.Time

	Epoch   int64 // raised by each commit of a document; kept by the store, Put does not write it
	Users   int64 // how many users are somebody; kept by the store, Put does not write it
	Deleted bool  // kept by the store; Delete sets it
}

// Ticket is the single-use handle between two steps, or behind a code or a link. It is found by an
// id of its own, and does not show to whom it belongs (security.md T4).
type Ticket struct {
	Pool    user.PoolID
	ID      string
	Version int64
	User    user.ID // "" where it belongs to nobody
	Epoch   int64   // the user's when the ticket was made
	Client  string
	Purpose string
	MAC     []byte // of the bearer secret
	Code    []byte // MAC of the code that was sent; nil means none
	State   []byte // the pool's own; the ticket has at most 16 KiB
	Created time.Time
	Expires time.Time
}

// Document is a named value of a pool: settings, a signing key, a client.
type Document struct {
	Pool    user.PoolID
	Kind    string
	ID      string
	Version int64
	Body    []byte // at most 256 KiB
	Created time.Time
	Updated time.Time
}

// Outgoing is a message to a person that waits to be sent.
type Outgoing struct {
	Pool     user.PoolID
	ID       string
	Version  int64
	Owner    user.ID // whose messages keep their order; the lane is [Lane] of it
	Class    int     // lower goes first: 0 for codes, more for bulk
	Ticket   string  // the ticket whose code it carries: deleting that deletes this; "" means none
	Body     []byte  // sealed, at most 64 KiB
	Tries    int
	Due      time.Time
	NotAfter time.Time // never sent from then on; zero means no end
	Created  time.Time
}

// Event is a line of a pool's history. It is written once; only [Seal] touches it again.
type Event struct {
	Pool     user.PoolID
	ID       string
	Time     time.Time
	User     user.ID // "" means nobody
	Kind     string
	Header   []byte // canonical, without personal data, at most 4 KiB
	Personal []byte // sealed under the person's event key, at most 4 KiB
	Leaf     []byte // digest over Header and Personal, 32 bytes
	Seal     int64  // number of the seal it is in; 0 means none yet; Put does not write it
}

// SealRecord closes a batch of events (security.md T10).
type SealRecord struct {
	Number   int64  // 1, 2, 3, ... in a pool
	Previous []byte // digest of the seal before; nil for the first
	Digest   []byte
	Count    int
	MAC      []byte
	Time     time.Time
}

// Revocation tells verifiers that a session, or all sessions of a user before an epoch, are over
// (security.md T3). It is kept until Expires, one access-token lifetime.
type Revocation struct {
	Pool    user.PoolID
	ID      string
	User    user.ID
	Session string // "" means all sessions of an epoch below Epoch
	Epoch   int64
	Expires time.Time
}

// SessionKey names a session within a pool.
type SessionKey struct {
	User user.ID
	ID   string
}

// DocumentKey names a document within a pool.
type DocumentKey struct{ Kind, ID string }

// CounterKey names a counter or a watermark: of a user, a ticket, or a keyed pseudonym. In a [Want]
// the empty Owner stands for the user found; in a change it is ErrInvalid.
type CounterKey struct {
	Pool  user.PoolID
	Owner string
	Name  string
}

// Lease is the right of one process to do a chore until a time.
type Lease struct {
	Name   string
	Holder string
	Now    time.Time
	Until  time.Time
}

// Clone returns a deep copy.
func (p *Pool) Clone() *Pool {
	c := *p
	c.Clients, c.Searchable = slices.Clone(p.Clients), slices.Clone(p.Searchable)
	return &c
}

// Clone returns a deep copy.
func (t *Ticket) Clone() *Ticket {
	c := *t
	c.MAC, c.Code, c.State = slices.Clone(t.MAC), slices.Clone(t.Code), slices.Clone(t.State)
	return &c
}

// Clone returns a deep copy.
func (d *Document) Clone() *Document {
	c := *d
	c.Body = slices.Clone(d.Body)
	return &c
}

// Clone returns a deep copy.
func (o *Outgoing) Clone() *Outgoing {
	c := *o
	c.Body = slices.Clone(o.Body)
	return &c
}

// Clone returns a deep copy.
func (e *Event) Clone() *Event {
	c := *e
	c.Header, c.Personal, c.Leaf = slices.Clone(e.Header), slices.Clone(e.Personal), slices.Clone(e.Leaf)
	return &c
}

// Clone returns a deep copy.
func (s *SealRecord) Clone() *SealRecord {
	c := *s
	c.Previous, c.Digest, c.MAC = slices.Clone(s.Previous), slices.Clone(s.Digest), slices.Clone(s.MAC)
	return &c
}
