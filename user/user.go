package user

import (
	"maps"
	"slices"
	"time"
)

// PoolID names a pool. It is unique in a store and never used again (security.md S7).
type PoolID string

// ID names a user. It is a random UUID (version 4), unique in a store, never used again, and the
// subject of the user's tokens.
type ID string

// MaxSize is the largest [User.Size] that a store takes.
const MaxSize = 32 << 10

// User is the aggregate: read whole and written whole, under one stamp. A sign-in never writes it.
//
// The zero value belongs to nobody and is stored nowhere. Records that a store hands out are the
// caller's own: changing them changes nothing stored.
type User struct {
	Pool    PoolID
	ID      ID
	Version int64 // the stamp under which it was read; 0 means not stored yet

	Status   Status
	Disabled bool
	// Epoch is raised by whatever revokes: password set, login changed, disabled, signed out
	// everywhere (security.md T3). What carries another epoch is dead.
	Epoch int64

	Logins     []Login    // owned: proven addresses and chosen names
	Attempt    *Attempt   // set exactly while Status is Unconfirmed
	Attributes Attributes // nil means none
	Groups     []string   // names, sorted, each once ([CheckGroups]); nil means none
	Password   *Password  // nil means none
	Factors    *Factors   // nil means none
	// EventKey is the user's half of the key that seals the personal fields of events about them;
	// the other half is the pool's. It goes with the user, and without it they cannot be read
	// (security.md T10). Nil means that none are kept.
	EventKey []byte
	// Index holds the values by which lists may find this user. Names other than those of the
	// pool's Searchable are kept, and found only once the pool names them.
	Index []Term

	Created, Updated time.Time

	loaded *Loaded
}

// Attributes are the profile values of a user, by OIDC claim name.
type Attributes map[string]string

// Attempt is an unproven sign-up (security.md T7): it reserves a place at a login, owns nothing,
// and is gone when it expires.
type Attempt struct {
	Login   Login // as it was typed: the attempt is found by it
	Address Login // the email address or phone number to be proven; zero means Login itself
	Expires time.Time
}

// Proves returns the address that is proven by confirming the sign-up.
func (a *Attempt) Proves() Login {
	if a.Address != (Login{}) {
		return a.Address
	}
	return a.Login
}

// Password is the stored record of a password (security.md T9). The digest is sealed, bound to the
// pool and the user, so that the database alone gives nothing to guess against.
type Password struct {
	Hash     string // PHC string without its last part: scheme, parameters, salt
	Digest   []byte // sealed
	Form     Form   // which bytes of the typed password were hashed
	Inner    string // PHC string without digest of a weaker scheme that was hashed first; "" means none
	Set      time.Time
	Revision int64 // raised each time a password is set; a proof names the revision it was checked against
	// Past are the passwords before this one, newest first, as many as the pool's policy looks at:
	// at most [MaxPast]. Nil means that none are kept.
	Past []Past
}

// MaxPast is how many passwords before the present one are kept at most: with it they are the 24
// that a policy can look at.
const MaxPast = 23

// Past is a password that was replaced. Its digest is sealed under a label of its own: nobody who
// writes the database can put it back in the place of the present one.
type Past struct {
	Hash   string // as in [Password]
	Digest []byte
}

// Replace returns the record that takes the place of p as another password is set, with p among its
// [Password.Past] and no more of these than keep. Digest is p's own, sealed anew as that of a
// [Past]. The fields of next that p decides, Past and Revision, are set.
func (p *Password) Replace(next Password, digest []byte, keep int) *Password {
	next.Past, next.Revision = nil, 1
	if p == nil {
		return &next
	}
	next.Revision = p.Revision + 1
	if keep = min(keep, MaxPast); keep > 0 {
		next.Past = append([]Past{{p.Hash, digest}}, p.Past[:min(len(p.Past), keep-1)]...)
	}
	return &next
}

// Form says which bytes of a typed password were hashed (security.md T9).
type Form string

// The two forms: ours, and what other systems made.
const (
	FormNFC Form = "nfc"
	FormRaw Form = "raw"
)

// Term is one value in the index by which users are listed.
type Term struct{ Name, Value string }

// Loaded is what a stored user was when it was read. Stores diff against it.
type Loaded struct {
	Status  Status
	Logins  []Login
	Attempt *Attempt
	Index   []Term
}

// Loaded returns what u was when a store read it; ok is false for a user that was not read.
func (u *User) Loaded() (l Loaded, ok bool) {
	if u.loaded == nil {
		return Loaded{}, false
	}
	return *u.loaded, true
}

// MarkLoaded records u as it stands now as what is stored. It is for stores, when they hand a user
// out; anyone else who calls it makes the next commit of u wrong.
func (u *User) MarkLoaded() {
	u.loaded = &Loaded{
		Status: u.Status, Logins: slices.Clone(u.Logins), Attempt: u.Attempt.clone(), Index: slices.Clone(u.Index),
	}
}

// Somebody reports whether u is a user of the pool rather than an unproven sign-up.
func (u *User) Somebody() bool { return u.Status != Unconfirmed }

// Login returns the login of u that has the namespace and value of l, as u holds it; the zero Login
// means that u does not own it.
func (u *User) Login(l Login) Login {
	for _, own := range u.Logins {
		if own.Namespace == l.Namespace && own.Value == l.Value {
			return own
		}
	}
	return Login{}
}

// Size returns how many bytes u counts for: the lengths of all its texts and values, and 16 for each
// item of a list.
func (u *User) Size() int {
	n := len(u.Pool) + len(u.ID) + len(u.Status) + len(u.EventKey)
	for _, l := range u.Logins {
		n += item + l.size()
	}
	if u.Attempt != nil {
		n += item + u.Attempt.Login.size()
		if u.Attempt.Address != (Login{}) {
			n += item + u.Attempt.Address.size()
		}
	}
	for k, v := range u.Attributes {
		n += item + len(k) + len(v)
	}
	n += sizeOf(u.Groups)
	if p := u.Password; p != nil {
		n += item + len(p.Hash) + len(p.Digest) + len(p.Form) + len(p.Inner)
		for _, past := range p.Past {
			n += item + len(past.Hash) + len(past.Digest)
		}
	}
	for _, t := range u.Index {
		n += item + len(t.Name) + len(t.Value)
	}
	return n + u.Factors.size()
}

// item is what an item of a list counts for beside its texts.
const item = 16

func sizeOf(texts []string) (n int) {
	for _, text := range texts {
		n += item + len(text)
	}
	return n
}

// Clone returns a deep copy of u.
func (u *User) Clone() *User {
	if u == nil {
		return nil
	}
	c := *u
	c.Logins = slices.Clone(u.Logins)
	c.Attempt = u.Attempt.clone()
	c.Attributes = maps.Clone(u.Attributes)
	c.Groups = slices.Clone(u.Groups)
	c.Index = slices.Clone(u.Index)
	c.EventKey = slices.Clone(u.EventKey)
	if u.Password != nil {
		p := *u.Password
		p.Digest = slices.Clone(p.Digest)
		p.Past = slices.Clone(p.Past)
		for i := range p.Past {
			p.Past[i].Digest = slices.Clone(p.Past[i].Digest)
		}
		c.Password = &p
	}
	c.Factors = u.Factors.Clone()
	if u.loaded != nil {
		l := *u.loaded
		l.Logins, l.Attempt, l.Index = slices.Clone(l.Logins), l.Attempt.clone(), slices.Clone(l.Index)
		c.loaded = &l
	}
	return &c
}

func (a *Attempt) clone() *Attempt {
	if a == nil {
		return nil
	}
	c := *a
	return &c
}
