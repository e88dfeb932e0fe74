package storagetest

import (
	"context"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var feedRules = []contract{
	{
		"Feed/Everything",
		"the zero cursor starts before everything, and each cursor after it misses nothing",
		feedEverything,
	},
	{
		"Feed/Epoch",
		"each commit of a document raises the pool's epoch, and no other commit does",
		epochRaised,
	},
	{
		"Feed/Swept",
		"a revocation is told to every cursor from before it, whatever was swept in between",
		feedSwept,
	},
	{
		"Feed/Long",
		"a feed too long for one answer says More, and goes on where it stopped",
		feedLong,
	},
	{
		"Feed/Garbage",
		"a cursor that the store did not give is ErrInvalid",
		feedGarbage,
	},
}

// follow reads the feed from a cursor until it has no more.
func follow(ctx context.Context, st storage.Store, since storage.Cursor) (storage.Feed, error) {
	var all storage.Feed
	for range 10_000 {
		f, err := st.Changed(ctx, since)
		if err != nil {
			return all, err
		}
		all.Pools = append(all.Pools, f.Pools...)
		all.Revocations = append(all.Revocations, f.Revocations...)
		all.Next, since = f.Next, f.Next
		if !f.More {
			return all, nil
		}
	}
	return all, fmt.Errorf("the feed still says More after 10,000 answers")
}

// latest returns the newest that a feed tells of a pool; the zero value means nothing.
func latest(f storage.Feed, id user.PoolID) storage.PoolChange {
	var last storage.PoolChange
	for _, c := range f.Pools {
		if c.Pool == id && (c.Epoch >= last.Epoch || c.Deleted) {
			last = c
		}
	}
	return last
}

func (s *scene) follow(since storage.Cursor) storage.Feed {
	s.Helper()
	f, err := follow(s.ctx, s.st, since)
	if err != nil {
		s.Fatalf("feed: %v", err)
	}
	return f
}

func feedEverything(s *scene) {
	s.put(pool("other"))
	f := s.follow("")
	for _, id := range []user.PoolID{home, "other"} {
		if c := latest(f, id); c.Pool != id || c.Epoch < 1 || c.Deleted {
			s.Errorf("the feed from the zero cursor tells of pool %q: %s", id, show(c))
		}
	}
	for i := range 5 {
		d, r := document("k", fmt.Sprint(i)), revocation(fmt.Sprint(i))
		s.put(d, r)
		next := s.follow(f.Next)
		if got, was := latest(next, home).Epoch, latest(f, home).Epoch; got <= was {
			s.Errorf("the feed missed a document: epoch %d after %d", got, was)
		}
		found, _ := pick(next.Revocations, nil, func(v *storage.Revocation) bool { return v.ID == r.ID })
		s.same("the revocation in the feed", found, r)
		f = next
	}
	s.commit(storage.DeleteRecord{Record: s.stored(pool("other"))})
	next := s.follow(f.Next)
	if c := latest(next, "other"); !c.Deleted {
		s.Errorf("the feed missed that a pool was deleted: %s", show(c))
	}
	whole := s.follow("")
	if len(whole.Revocations) < 5 || latest(whole, home).Epoch < latest(next, home).Epoch {
		s.Errorf("the feed from the zero cursor has %d revocations, want 5 at the least", len(whole.Revocations))
	}
}

func epochRaised(s *scene) {
	epochNow := func() int64 { return s.read(storage.Want{}).PoolEpoch }
	last := epochNow()
	raised := func(what string, want bool) {
		s.Helper()
		now := epochNow()
		if (now > last) != want || now < last {
			s.Errorf("the epoch went from %d to %d with %s", last, now, what)
		}
		if p := s.stored(pool(home)).(*storage.Pool); p.Epoch != now {
			s.Errorf("the pool's record has epoch %d, Read says %d", p.Epoch, now)
		}
		last = now
	}
	s.put(person(1), ticket("t", ""), session(userID(1), 1), event("e", noon), revocation("r"),
		outgoing("o", userID(1)))
	raised("a commit without a document", false)
	s.put(document("k", "a"), document("k", "b"))
	raised("two documents put", true)
	s.put(s.stored(document("k", "a")))
	raised("a document put again", true)
	s.commit(storage.RequireRecord{Record: s.stored(document("k", "a"))})
	raised("a document required", false)
	s.refused(storage.ErrStale, 0, putOf(document("k", "a")))
	raised("a refused commit", false)
	s.commit(storage.DeleteRecord{Record: s.stored(document("k", "a"))})
	raised("a document deleted", true)
}

// feedSwept sweeps the newest revocations: what numbers the next by those there are would use a
// number again that a cursor has passed.
func feedSwept(s *scene) {
	for i := range 3 {
		r := revocation(fmt.Sprint("old", i))
		r.Expires = at(i)
		s.put(r)
	}
	old := s.follow("")
	for i := range 3 {
		if n := s.sweep(at(2-i), 10); (n == 0) != (i > 0) {
			s.Errorf("sweep %d erased %d revocations", i, n)
		}
		r := revocation(fmt.Sprint("new", i))
		s.put(r)
		told := s.follow(old.Next)
		found, _ := pick(told.Revocations, nil, func(v *storage.Revocation) bool { return v.ID == r.ID })
		s.same("a revocation after the newest was swept, in the feed", found, r)
		old = told
	}
}

func feedLong(s *scene) {
	start := s.follow("").Next
	want := map[string]bool{}
	for range 30 {
		var batch []any
		for range 100 {
			r := revocation(fmt.Sprint("r", len(want)))
			want[r.ID] = true
			batch = append(batch, r)
		}
		s.put(batch...)
	}
	for _, since := range []storage.Cursor{"", start} {
		seen := map[string]bool{}
		for _, r := range s.follow(since).Revocations {
			seen[r.ID] = true
		}
		if len(seen) != len(want) {
			s.Errorf("the feed from %q told %d of %d revocations", since, len(seen), len(want))
		}
	}
}

func feedGarbage(s *scene) {
	for _, c := range []storage.Cursor{"garbage", "\x00\xff", "-1", storage.Cursor(odd)} {
		_, err := s.st.Changed(s.ctx, c)
		s.is(fmt.Sprintf("Changed since %q", c), err, storage.ErrInvalid)
	}
}
