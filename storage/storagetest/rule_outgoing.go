package storagetest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var outgoingRules = []contract{
	{
		"Outgoing/Heads",
		"of each owner Due returns only the first by (Created, ID) of those due",
		dueHeads,
	},
	{
		"Outgoing/Order",
		"within a pool lower classes come first, then what was due first",
		dueOrder,
	},
	{
		"Outgoing/Fair",
		"pools take turns: a full one does not keep another's messages waiting",
		dueFair,
	},
	{
		"Outgoing/Pools",
		"Due looks only into the pools that are named, and not into deleted ones",
		duePools,
	},
	{
		"Outgoing/Lanes",
		"a lane narrows Due to its owners, and -1 is any",
		dueLanes,
	},
	{
		"Outgoing/Window",
		"a message shows from Due on, and never from NotAfter on",
		dueWindow,
	},
	{
		"Outgoing/Defer",
		"Defer lets none of an owner's messages be due before a time, those put by the same " +
			"commit included",
		deferOwner,
	},
	{
		"Outgoing/Fenced",
		"a message that was deferred or retried by another cannot be deleted at the old stamp " +
			"once it was put again",
		dueFenced,
	},
}

// due returns the ids that Due returns, joined.
func (s *scene) due(pools []user.PoolID, lane int, now time.Time, n int) string {
	s.Helper()
	out, err := s.st.Due(s.ctx, pools, lane, now, n)
	if err != nil {
		s.Fatalf("due: %v", err)
	}
	var ids []string
	for _, o := range out {
		ids = append(ids, o.ID)
	}
	return strings.Join(ids, " ")
}

func (s *scene) wantDue(what string, now time.Time, want string) {
	s.Helper()
	for _, n := range []int{100, math.MaxInt} {
		if got := s.due([]user.PoolID{home}, -1, now, n); got != want {
			s.Errorf("%d due %s: %q, want %q", n, what, got, want)
		}
	}
}

// message returns an outgoing message of the n-th user.
func message(id string, n, class int, created, due time.Time) *storage.Outgoing {
	o := outgoing(id, userID(n))
	o.Class, o.Created, o.Due = class, created, due
	return o
}

func dueHeads(s *scene) {
	s.put(
		message("b", 1, 0, at(2), at(1)), message("a", 1, 9, at(2), at(5)), message("z", 1, 9, at(1), noon),
		message("c", 2, 0, at(1), at(3)))
	s.wantDue("before the owner's first is", at(6), "c a")
	s.wantDue("when all are", noon, "c z")
	s.commit(storage.DeleteRecord{Record: s.stored(message("z", 1, 0, noon, noon))})
	s.wantDue("after the first was sent", noon, "c a")
	s.commit(storage.DeleteRecord{Record: s.stored(message("a", 1, 0, noon, noon))})
	s.wantDue("after the second was sent", noon, "b c")
}

func dueOrder(s *scene) {
	s.put(message("bulk-old", 1, 5, at(1), at(1)), message("bulk-new", 2, 5, at(0), at(2)),
		message("code-new", 3, 0, at(4), at(4)), message("code-old", 4, 0, at(5), at(3)),
		message("mid", 5, 1, at(0), at(0)))
	s.wantDue("by class, then time", noon, "code-old code-new mid bulk-old bulk-new")
	if got := s.due(nil, -1, noon, 2); got != "code-old code-new" {
		s.Errorf("the first two due are %q", got)
	}
}

func dueFair(s *scene) {
	s.put(pool("small"))
	s.put(pool("tiny"))
	var many []any
	for i := range 50 {
		many = append(many, message(fmt.Sprintf("home%02d", i), i, 0, at(0), at(0)))
	}
	s.put(many...)
	for i := range 3 {
		o := message(fmt.Sprintf("small%d", i), 100+i, 9, at(50), at(50))
		o.Pool = "small"
		s.put(o)
	}
	o := message("tiny0", 200, 9, noon, noon)
	o.Pool = "tiny"
	s.put(o)
	for _, c := range []struct{ n, home, small, tiny int }{
		{3, 1, 1, 1},
		{6, 3, 2, 1},
		{9, 5, 3, 1},
		{20, 16, 3, 1},
	} {
		ids := s.due(nil, -1, noon, c.n)
		got := []int{strings.Count(ids, "home"), strings.Count(ids, "small"), strings.Count(ids, "tiny")}
		for i, want := range []int{c.home, c.small, c.tiny} {
			if diff := got[i] - want; diff < -1 || diff > 1 || want == 1 && i > 0 && got[i] != 1 {
				s.Errorf("of %d due the pools got %v, want about %v: %s", c.n, got, c, ids)
				break
			}
		}
		if n := len(strings.Fields(ids)); n != c.n {
			s.Errorf("Due returned %d messages, want %d", n, c.n)
		}
	}
}

func duePools(s *scene) {
	for _, id := range []user.PoolID{"a", "b", "c"} {
		s.put(pool(id))
		o := outgoing("of-"+string(id), userID(1))
		o.Pool = id
		s.put(o)
	}
	s.commit(storage.DeleteRecord{Record: s.stored(pool("c"))})
	for _, c := range []struct {
		pools []user.PoolID
		want  []string
	}{
		{[]user.PoolID{"a"}, []string{"of-a"}},
		{[]user.PoolID{"b", "c"}, []string{"of-b"}},
		{[]user.PoolID{"x"}, nil},
		{[]user.PoolID{}, nil},
		{nil, []string{"of-a", "of-b"}},
	} {
		got := strings.Fields(s.due(c.pools, -1, noon, 10))
		slices.Sort(got)
		s.same(fmt.Sprintf("due in pools %q", c.pools), got, c.want)
	}
}

func dueLanes(s *scene) {
	lanes := map[int][]string{}
	var many []any
	for n := range 30 {
		o := outgoing(fmt.Sprintf("m%02d", n), userID(n))
		many = append(many, o)
		l := storage.Lane(o.Owner)
		lanes[l] = append(lanes[l], o.ID)
	}
	for n, owner := range []user.ID{"list/a/1", "list/a/2", "list/b/1"} {
		o := outgoing(fmt.Sprintf("n%02d", n), owner)
		o.Class = 9
		many = append(many, o)
		l := storage.Lane(owner)
		lanes[l] = append(lanes[l], o.ID)
	}
	s.put(many...)
	for lane := range lanes {
		got := strings.Fields(s.due([]user.PoolID{home}, lane, noon, 100))
		slices.Sort(got)
		s.same(fmt.Sprintf("lane %d", lane), got, lanes[lane])
	}
	if n := len(strings.Fields(s.due(nil, -1, noon, 100))); n != len(many) {
		s.Errorf("lane -1 has %d messages, want %d", n, len(many))
	}
}

func dueWindow(s *scene) {
	o := message("m", 1, 0, at(0), noon)
	o.NotAfter = end
	next := message("n", 1, 0, at(1), noon)
	s.put(o, next)
	s.wantDue("too early", noon.Add(-tick), "")
	s.wantDue("from Due on", noon, "m")
	s.wantDue("before NotAfter", end.Add(-tick), "m")
	s.wantDue("from NotAfter on", end, "n")
}

func deferOwner(s *scene) {
	later := end.Add(time.Hour)
	s.put(message("a", 1, 0, at(0), at(0)), message("b", 1, 0, at(1), later), message("c", 2, 0, at(0), at(0)))
	first := s.stored(message("a", 1, 0, noon, noon)).(*storage.Outgoing)
	retry := first.Clone()
	retry.Tries = 1
	s.commit(storage.Defer{Pool: home, Owner: userID(1), Due: end}, putOf(retry),
		putOf(message("d", 1, 0, at(-1), at(0))))
	s.wantDue("before the time deferred to", end.Add(-tick), "c")
	s.wantDue("at it", end, "c d")
	s.refused(storage.ErrStale, 0, storage.DeleteRecord{Record: first})
	found, err := s.st.Due(s.ctx, nil, storage.Lane(userID(1)), end, 10)
	head, err := pick(found, err, func(o *storage.Outgoing) bool { return o.ID == "d" })
	if err != nil || head == nil {
		s.Fatalf("the first message of user 1: %v, %v", head, err)
	}
	if o := head.(*storage.Outgoing); !o.Due.Equal(end) {
		s.Errorf("a deferred message says it is due at %s, want %s", o.Due, end)
	}
	s.commit(storage.DeleteRecord{Record: head})
	s.wantDue("after the first was sent", end, "c a")
	s.commit(storage.Defer{Pool: home, Owner: userID(1), Due: noon})
	s.wantDue("after a Defer to a time already past", end.Add(-tick), "c")
	s.commit(storage.Defer{Pool: home, Owner: userID(9), Due: end})
}

func dueFenced(s *scene) {
	s.put(outgoing("m", userID(1)))
	mine := s.stored(outgoing("m", userID(1))).(*storage.Outgoing)
	s.commit(storage.Require(mine), storage.Defer{Pool: home, Owner: userID(1), Due: noon})
	retry := mine.Clone()
	retry.Tries = 1
	theirs := s.stored(outgoing("m", userID(1))).(*storage.Outgoing)
	theirs.Tries = 2
	s.put(theirs)
	s.refused(storage.ErrStale, 0, storage.Delete(mine))
	s.refused(storage.ErrStale, 0, storage.Require(mine), storage.Defer{Pool: home, Owner: userID(1), Due: end})
	s.refused(storage.ErrStale, 0, putOf(retry))
	s.there("the message, and still due", mine)
}
