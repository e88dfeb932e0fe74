package storagetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// noon is when everything happens that says nothing else.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// home is the pool that every scene begins with.
const home user.PoolID = "home"

// tick is the smallest time that a store tells apart.
const tick = time.Microsecond

// scene is a database with one pool in it, and what one caller does to it.
type scene struct {
	testing.TB
	ctx     context.Context
	adapter Adapter
	address string
	st      storage.Store
}

func newScene(t testing.TB, a Adapter) *scene {
	t.Helper()
	s := &scene{TB: t, ctx: t.Context(), adapter: a, address: a.New(t)}
	s.st = s.open()
	s.commit(storage.Put(pool(home)))
	return s
}

// open returns one more handle on the scene's database, closed with the test.
func (s *scene) open() storage.Store {
	s.Helper()
	st, err := s.adapter.Open(s.ctx, s.address)
	if err != nil {
		s.Fatalf("open the store: %v", err)
	}
	s.Cleanup(func() {
		if err := st.Close(); err != nil {
			s.Errorf("close the store: %v", err)
		}
	})
	return st
}

// commit makes changes that must pass.
func (s *scene) commit(changes ...storage.Change) {
	s.Helper()
	if err := s.st.Commit(s.ctx, changes...); err != nil {
		s.Fatalf("commit of %s: %v", named(changes), err)
	}
}

// put commits records that must pass, all in one commit, at the stamps that they carry.
func (s *scene) put(records ...any) {
	s.Helper()
	var changes []storage.Change
	for _, r := range records {
		changes = append(changes, putOf(r))
	}
	s.commit(changes...)
}

// refused commits what must fail with want at the change of the given index. Where two changes
// are at fault, index is -1: the store may name either.
func (s *scene) refused(want error, index int, changes ...storage.Change) error {
	s.Helper()
	err := s.st.Commit(s.ctx, changes...)
	if !errors.Is(err, want) {
		s.Errorf("commit of %s: got %v, want %v", named(changes), err, want)
		return err
	}
	ce, ok := errors.AsType[*storage.ChangeError](err)
	if !ok {
		s.Errorf("commit of %s: got %T, want a *storage.ChangeError around %v", named(changes), err, want)
	} else if index >= 0 && ce.Index != index {
		s.Errorf("commit of %s: the error names change %d, want %d", named(changes), ce.Index, index)
	}
	return err
}

// fails commits what must fail with want, which comes alone.
func (s *scene) fails(want error, changes ...storage.Change) {
	s.Helper()
	err := s.st.Commit(s.ctx, changes...)
	if !errors.Is(err, want) {
		s.Errorf("commit of %s: got %v, want %v", named(changes), err, want)
	}
}

// read reads from the pool home, at noon where w says nothing else.
func (s *scene) read(w storage.Want) storage.Got {
	s.Helper()
	if w.Now.IsZero() {
		w.Now = noon
	}
	got, err := s.st.Read(s.ctx, home, w)
	if err != nil {
		s.Fatalf("read: %v", err)
	}
	return got
}

// user reads a user of the pool home by id; nil means absent.
func (s *scene) user(id user.ID) *user.User {
	s.Helper()
	return s.read(storage.Want{User: user.ByID(id)}).User
}

// owner reads who is found by a login; "" means nobody.
func (s *scene) owner(login string) user.ID {
	s.Helper()
	u := s.read(storage.Want{User: user.ByLogin(login)}).User
	if u == nil {
		return ""
	}
	return u.ID
}

// counter reads a counter of the pool home.
func (s *scene) counter(owner, name string, now time.Time) storage.Counter {
	s.Helper()
	return s.read(storage.Want{Now: now, Counters: []storage.CounterKey{counterKey(owner, name)}}).Counters[0]
}

// same compares two records, lists or values by what they show.
func (s *scene) same(what string, got, want any) {
	s.Helper()
	if g, w := show(got), show(want); g != w {
		s.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// stored reads what the store keeps under the key of r, or nil. Outgoing messages show only while
// they are due and the first of their owner.
func (s *scene) stored(r any) any {
	s.Helper()
	found, err := stored(s.ctx, s.st, r)
	if err != nil {
		s.Fatalf("read %T back: %v", r, err)
	}
	return found
}

// gone wants r to be absent.
func (s *scene) gone(what string, r any) {
	s.Helper()
	if got := s.stored(r); got != nil {
		s.Errorf("%s is still there: %s", what, show(got))
	}
}

// there wants r to be present.
func (s *scene) there(what string, r any) {
	s.Helper()
	if s.stored(r) == nil {
		s.Errorf("%s is gone", what)
	}
}

// named tells what a commit was made of.
func named(changes []storage.Change) string {
	out := ""
	for i, c := range changes {
		if i > 0 {
			out += ", "
		}
		if i == 4 {
			return fmt.Sprintf("%s... (%d in all)", out, len(changes))
		}
		out += changeName(c)
	}
	return out
}

func changeName(c storage.Change) string {
	switch c := c.(type) {
	case storage.PutRecord:
		return fmt.Sprintf("Put(%T)", c.Record)
	case storage.DeleteRecord:
		return fmt.Sprintf("Delete(%T)", c.Record)
	case storage.RequireRecord:
		return fmt.Sprintf("Require(%T)", c.Record)
	}
	return fmt.Sprintf("%T", c)
}

// is wants an error of a class.
func (s *scene) is(what string, got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}
