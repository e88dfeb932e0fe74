package memory

import (
	"encoding/binary"
	"time"

	"github.com/userpool-go/userpool/user"
)

// packed is the row of a user: the whole aggregate in one piece of memory. Among a million users
// each pointer that a lookup follows is a wait for memory, and a plain aggregate has a dozen and
// more. Being a string it cannot change, so that what is unpacked may share its texts.
type packed string

// pack returns the row of a user under its new stamp.
func pack(u *user.User, stamp int64) packed {
	var w packer
	w.text(string(u.ID))
	w.text(string(u.Pool))
	w.number(stamp)
	w.text(string(u.Status))
	w.flag(u.Disabled)
	w.number(u.Epoch)
	w.number(int64(len(u.Logins)))
	for _, l := range u.Logins {
		w.login(l)
	}
	if w.flag(u.Attempt != nil) {
		w.login(u.Attempt.Login)
		w.login(u.Attempt.Address)
		w.time(u.Attempt.Expires)
	}
	w.number(int64(len(u.Attributes)))
	for name, value := range u.Attributes {
		w.text(name)
		w.text(value)
	}
	w.number(int64(len(u.Groups)))
	for _, name := range u.Groups {
		w.text(name)
	}
	if w.flag(u.Password != nil) {
		w.password(u.Password)
	}
	w.number(int64(len(u.Index)))
	for _, t := range u.Index {
		w.text(t.Name)
		w.text(t.Value)
	}
	w.text(string(u.EventKey))
	if f := u.Factors.Clone(); w.flag(f != nil) {
		w.factors(f)
	}
	w.time(u.Created)
	w.time(u.Updated)
	return packed(w.b)
}

// unpack returns a new copy of the user.
func (p packed) unpack() *user.User {
	r := unpacker{p}
	u := &user.User{
		ID: user.ID(r.text()), Pool: user.PoolID(r.text()), Version: r.number(),
		Status: user.Status(r.text()), Disabled: r.flag(), Epoch: r.number(),
	}
	if n := r.number(); n > 0 {
		u.Logins = make([]user.Login, n)
		for i := range u.Logins {
			u.Logins[i] = r.login()
		}
	}
	if r.flag() {
		u.Attempt = &user.Attempt{Login: r.login(), Address: r.login(), Expires: r.time()}
	}
	if n := r.number(); n > 0 {
		u.Attributes = make(user.Attributes, n)
		for range n {
			name := r.text()
			u.Attributes[name] = r.text()
		}
	}
	if n := r.number(); n > 0 {
		u.Groups = make([]string, n)
		for i := range u.Groups {
			u.Groups[i] = r.text()
		}
	}
	if r.flag() {
		u.Password = r.password()
	}
	if n := r.number(); n > 0 {
		u.Index = make([]user.Term, n)
		for i := range u.Index {
			u.Index[i] = user.Term{Name: r.text(), Value: r.text()}
		}
	}
	u.EventKey = r.bytes()
	if r.flag() {
		u.Factors = r.factors()
	}
	u.Created, u.Updated = r.time(), r.time()
	return u
}

// user returns the user as it is handed out; nil for no row.
func (p packed) user() *user.User {
	if p == "" {
		return nil
	}
	u := p.unpack()
	u.MarkLoaded()
	return u
}

// packer writes texts with their length before them, and numbers, as varints.
type packer struct{ b []byte }

func (w *packer) number(n int64) { w.b = binary.AppendVarint(w.b, n) }

func (w *packer) text(s string) {
	w.number(int64(len(s)))
	w.b = append(w.b, s...)
}

func (w *packer) flag(on bool) bool {
	if on {
		w.number(1)
	} else {
		w.number(0)
	}
	return on
}

// time cuts t to the microsecond; the zero time comes back as it was.
func (w *packer) time(t time.Time) { w.number(cut(t).UnixMicro()) }

func (w *packer) login(l user.Login) {
	w.text(string(l.Namespace))
	w.text(l.Value)
	w.text(l.Display)
	w.number(int64(l.Rule))
	w.flag(l.Preferred)
}

func (w *packer) password(p *user.Password) {
	w.text(p.Hash)
	w.text(string(p.Digest))
	w.text(string(p.Form))
	w.text(p.Inner)
	w.time(p.Set)
	w.number(p.Revision)
	w.number(int64(len(p.Past)))
	for _, old := range p.Past {
		w.text(old.Hash)
		w.text(string(old.Digest))
	}
}

// unpacker reads what a packer wrote, in the same order.
type unpacker struct{ rest packed }

func (r *unpacker) number() int64 {
	var n uint64
	for i := 0; ; i++ {
		c := r.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return int64(n>>1) ^ -int64(n&1) // zigzag, as encoding/binary writes it
		}
	}
}

func (r *unpacker) text() string {
	n := r.number()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return string(s)
}

func (r *unpacker) flag() bool      { return r.number() != 0 }
func (r *unpacker) time() time.Time { return time.UnixMicro(r.number()).UTC() }

func (r *unpacker) login() user.Login {
	return user.Login{
		Namespace: user.Namespace(r.text()), Value: r.text(), Display: r.text(),
		Rule: int(r.number()), Preferred: r.flag(),
	}
}

func (r *unpacker) password() *user.Password {
	p := &user.Password{Hash: r.text(), Digest: r.bytes()}
	p.Form, p.Inner, p.Set, p.Revision = user.Form(r.text()), r.text(), r.time(), r.number()
	for range r.number() {
		p.Past = append(p.Past, user.Past{Hash: r.text(), Digest: r.bytes()})
	}
	return p
}
