package storagetest

import (
	"errors"
	"time"

	"github.com/userpool-go/userpool/storage"
)

var counterRules = []contract{
	{
		"Counters/Window",
		"a fixed window allows Free uses; the next is refused until it ends, and is not " +
			"counted",
		countWindow,
	},
	{
		"Counters/Lock",
		"a doubling lock moves exactly as Rule.Count says",
		countLock,
	},
	{
		"Counters/Expect",
		"a count that locks where it was expected not to, or does not where it was, is ErrStale, " +
			"and moves nothing; a counter that is locked refuses either",
		expectedCount,
	},
	{
		"Counters/Clear",
		"Clear ends a run, and is refused while the counter is locked",
		clearCounter,
	},
	{
		"Counters/Refused",
		"a counter that refuses fails the whole commit, and no counter in it moves",
		refusedCount,
	},
	{
		"Counters/Delete",
		"Delete of a counter takes no stamp, opens a lock without end, and passes where there " +
			"is none",
		deleteCounter,
	},
	{
		"Counters/Raise",
		"a watermark only grows: the same number or a lower one is ErrStale",
		raiseWatermark,
	},
}

var (
	fiveAnHour = storage.Rule{Free: 5, Window: time.Hour}
	doubling   = storage.Rule{Free: 3, Base: time.Second, Max: time.Minute, Decay: time.Hour, Ceiling: 12}
)

// limited wants a commit to be refused by a counter until a time.
func (s *scene) limited(k storage.CounterKey, until time.Time, index int, changes ...storage.Change) {
	s.Helper()
	err := s.refused(storage.ErrLimited, index, changes...)
	le, ok := errors.AsType[*storage.LimitError](err)
	if !ok {
		s.Errorf("got %T, want a *storage.LimitError inside", err)
		return
	}
	if le.Key != k || !le.Until.Equal(until) {
		s.Errorf("the limit names %v until %s, want %v until %s", le.Key, le.Until, k, until)
	}
}

func countWindow(s *scene) {
	k := counterKey("o", "n")
	for n := range 5 {
		s.commit(storage.Count{Key: k, Rule: fiveAnHour, Now: noon.Add(time.Duration(n) * time.Minute)})
	}
	for _, now := range []time.Time{noon.Add(5 * time.Minute), end.Add(-tick)} {
		s.limited(k, end, 0, storage.Count{Key: k, Rule: fiveAnHour, Now: now})
	}
	s.same("a full counter", s.counter("o", "n", end.Add(-tick)),
		storage.Counter{Key: k, N: 5, Start: noon, Expires: end})
	s.commit(storage.Count{Key: k, Rule: fiveAnHour, Now: end})
	s.same("the next window", s.counter("o", "n", end),
		storage.Counter{Key: k, N: 1, Start: end, Expires: end.Add(time.Hour)})

	inAll := storage.Rule{Free: 2}
	k = counterKey("code", "tries")
	s.commit(storage.Count{Key: k, Rule: inAll, Now: noon})
	s.commit(storage.Count{Key: k, Rule: inAll, Now: noon})
	s.limited(k, storage.Forever, 0, storage.Count{Key: k, Rule: inAll, Now: noon.AddDate(50, 0, 0)})
}

func countLock(s *scene) {
	k := counterKey("o", "lock")
	c, now := storage.Counter{Key: k}, noon
	for i, pause := range []time.Duration{
		0, 0, 0, 0, time.Second - tick, tick, time.Second, 2 * time.Second, 10 * time.Second,
		time.Hour + time.Minute, 0, time.Second, 2 * time.Hour, time.Minute, time.Minute, time.Minute,
		time.Minute, 24 * time.Hour,
	} {
		now = now.Add(pause)
		next, until := doubling.Count(c, now)
		change := storage.Count{Key: k, Rule: doubling, Now: now}
		if until.IsZero() {
			s.commit(change)
		} else {
			s.limited(k, until, 0, change)
		}
		c = next
		s.same("step "+string(rune('a'+i)), s.counter("o", "lock", now), c)
	}
	if !c.Until.Equal(storage.Forever) {
		s.Fatalf("the story of this case did not reach the ceiling: %s", show(c))
	}
}

func expectedCount(s *scene) {
	k := counterKey("o", "lock")
	count := func(e storage.Expect, now time.Time) storage.Count {
		return storage.Count{Key: k, Rule: doubling, Now: now, Expect: e}
	}
	unmoved := func(what string, n int64, now time.Time, wrong storage.Expect) {
		s.refused(storage.ErrStale, 1, putOf(document("k", "d")), count(wrong, now))
		s.gone(what+": a document of the commit", document("k", "d"))
		if got := s.counter("o", "lock", now); got.N != n {
			s.Errorf("%s: the counter stands at %d, want %d", what, got.N, n)
		}
	}
	unmoved("the first failure", 0, noon, storage.Locks)
	s.commit(count(storage.StaysOpen, noon))
	s.commit(count(storage.Either, noon))
	unmoved("the failure that locks", 2, noon, storage.StaysOpen)
	s.commit(count(storage.Locks, noon), putOf(document("k", "d")))
	locked := noon.Add(time.Second)
	for _, e := range []storage.Expect{storage.Either, storage.StaysOpen, storage.Locks} {
		s.limited(k, locked, 0, count(e, locked.Add(-tick)))
	}
	s.commit(count(storage.Locks, locked))
	late := locked.Add(2*time.Second + doubling.Decay)
	s.commit(count(storage.StaysOpen, late))
	want, _ := doubling.Count(storage.Counter{Key: k, N: 4, Run: 4, Until: locked.Add(2 * time.Second)}, late)
	s.same("the failure after a pause", s.counter("o", "lock", late), want)
}

func clearCounter(s *scene) {
	k := counterKey("o", "lock")
	s.commit(storage.Clear{Key: k, Rule: doubling, Now: noon})
	for range 3 {
		s.commit(storage.Count{Key: k, Rule: doubling, Now: noon})
	}
	locked := noon.Add(time.Second)
	s.limited(k, locked, 0, storage.Clear{Key: k, Rule: doubling, Now: locked.Add(-tick)})
	if got := s.counter("o", "lock", noon); got.N != 3 || !got.Until.Equal(locked) {
		s.Errorf("a refused Clear moved the counter to %s", show(got))
	}
	s.commit(storage.Clear{Key: k, Rule: doubling, Now: locked})
	s.same("a cleared counter", s.counter("o", "lock", locked), storage.Counter{Key: k})
	s.commit(storage.Count{Key: k, Rule: doubling, Now: locked})
	s.same("the first failure after", s.counter("o", "lock", locked),
		storage.Counter{Key: k, N: 1, Run: 1, Start: locked})

	tries, inAll := counterKey("code", "tries"), storage.Rule{Free: 2}
	s.commit(storage.Count{Key: tries, Rule: inAll, Now: noon})
	s.commit(storage.Clear{Key: tries, Rule: inAll, Now: noon})
	s.commit(storage.Count{Key: tries, Rule: inAll, Now: noon})
	s.same("a count without end after a Clear", s.counter("code", "tries", end),
		storage.Counter{Key: tries, N: 1, Start: noon})
}

func refusedCount(s *scene) {
	full, a, b := counterKey("o", "full"), counterKey("a", "n"), counterKey("z", "n")
	s.commit(storage.Count{Key: full, Rule: storage.Rule{Free: 1}, Now: noon})
	count := func(k storage.CounterKey) storage.Count { return storage.Count{Key: k, Rule: fiveAnHour, Now: noon} }
	refusing := storage.Count{Key: full, Rule: storage.Rule{Free: 1}, Now: noon}
	s.limited(full, storage.Forever, 2, count(a), putOf(person(1, "ada")), refusing,
		storage.Raise{Key: counterKey("o", "w"), N: 1}, count(b))
	s.limited(full, storage.Forever, 0, refusing, count(a), putOf(document("k", "d")))
	for _, k := range []storage.CounterKey{a, b, counterKey("o", "w")} {
		if got := s.counter(k.Owner, k.Name, noon); got.N != 0 {
			s.Errorf("counter %s/%s moved with a commit that another counter refused", k.Owner, k.Name)
		}
	}
	s.gone("a user of the refused commit", person(1))
	s.gone("a document of the refused commit", document("k", "d"))
	if got := s.counter("o", "full", noon).N; got != 1 {
		s.Errorf("the counter that refused stands at %d, want 1", got)
	}
	s.put(person(1))
	s.refused(storage.ErrStale, 1, count(a), putOf(person(1)))
	if s.counter("a", "n", noon).N != 0 {
		s.Errorf("a counter moved with a commit that was stale")
	}
}

func deleteCounter(s *scene) {
	k := counterKey("o", "n")
	s.commit(storage.Delete(&storage.Counter{Key: k}))
	forGood := storage.Rule{Free: 1, Base: time.Second, Max: time.Second, Ceiling: 1}
	s.commit(storage.Count{Key: k, Rule: forGood, Now: noon})
	s.limited(k, storage.Forever, 0, storage.Clear{Key: k, Rule: forGood, Now: end})
	s.commit(storage.Delete(&storage.Counter{Key: k}))
	s.same("a deleted counter", s.counter("o", "n", noon), storage.Counter{Key: k})
	s.commit(storage.Clear{Key: k, Rule: forGood, Now: end})
}

func raiseWatermark(s *scene) {
	k := counterKey("o", "step")
	for _, n := range []int64{1, 2, 50, 1 << 62} {
		s.commit(storage.Raise{Key: k, N: n})
		s.refused(storage.ErrStale, 1, putOf(document("k", "d")), storage.Raise{Key: k, N: n})
		s.same("the watermark", s.counter("o", "step", noon), storage.Counter{Key: k, N: n})
	}
	s.refused(storage.ErrStale, 0, storage.Raise{Key: k, N: 51})
	s.gone("what stood beside a refused Raise", document("k", "d"))
	s.commit(storage.Delete(&storage.Counter{Key: k}))
	s.commit(storage.Raise{Key: k, N: 1})
}
