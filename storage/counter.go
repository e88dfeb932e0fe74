package storage

import "time"

// Counter is the state of an attempt counter, or of a watermark in N alone (see [Raise]).
type Counter struct {
	Key   CounterKey
	N     int64     // uses in the window; failures since the doubling was forgotten; or the watermark
	Run   int64     // failures since the last Clear or Delete
	Start time.Time // of the window
	Until time.Time // locked until; zero means open
	// Expires is when the state means nothing any more, and Sweep may erase it; zero means never.
	Expires time.Time
}

// Rule says how often something may be tried (security.md T5). It is a fixed window where Base is
// zero, a doubling lock otherwise; anything else is ErrInvalid.
//
// A fixed window allows Free uses in each Window, and Free in all where Window is zero. One that
// begins more than a Window ahead, because a clock went back, is over.
//
// A doubling lock allows Free-1 failures; the next locks for Base, and each later one for twice as
// long, up to Max. A pause of Decay after a lock has ended forgets the doubling. Ceiling failures
// without a Clear lock for good.
type Rule struct {
	Free    int
	Window  time.Duration
	Base    time.Duration
	Max     time.Duration
	Decay   time.Duration // 0 means the doubling is never forgotten
	Ceiling int           // 0 means none
}

// Forever is the Until of a lock without end.
var Forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// maxLock keeps the arithmetic of locks far from overflow.
const maxLock = 10 * 365 * 24 * time.Hour

// Valid reports whether r is a rule.
func (r Rule) Valid() bool {
	if r.Base == 0 {
		return r.Free > 0 && r.Window >= 0 && r.Max == 0 && r.Decay == 0 && r.Ceiling == 0
	}
	return r.Free > 0 && r.Base > 0 && r.Max >= r.Base && r.Max <= maxLock && r.Decay >= 0 && r.Ceiling >= 0 && r.Window == 0
}

// Locked returns until when the counter refuses under r; zero means that it does not.
func (r Rule) Locked(c Counter, now time.Time) time.Time {
	if r.Base > 0 {
		if c.Until.After(now) {
			return c.Until
		}
		return time.Time{}
	}
	if c.N < int64(r.Free) {
		return time.Time{}
	}
	if r.Window == 0 {
		return Forever
	}
	if r.over(c, now) {
		return time.Time{}
	}
	return c.Start.Add(r.Window)
}

// over reports whether a fixed window has ended, or begins further ahead than it is long: then the
// clock has gone back, and whoever was refused would be until it has caught up.
func (r Rule) over(c Counter, now time.Time) bool {
	return r.Window > 0 && (!c.Start.Add(r.Window).After(now) || c.Start.After(now.Add(r.Window)))
}

// Count returns the counter after one more use or failure, or until when it refuses, unmoved.
func (r Rule) Count(c Counter, now time.Time) (next Counter, until time.Time) {
	if until := r.Locked(c, now); !until.IsZero() {
		return c, until
	}
	if r.Base == 0 {
		if c.N == 0 || r.over(c, now) {
			c.N, c.Start = 0, now
		}
		c.N++
		c.Expires = time.Time{} // a Clear before may have left one
		if r.Window > 0 {
			c.Expires = c.Start.Add(r.Window)
		}
		return c, time.Time{}
	}
	if r.Decay > 0 && !c.Until.IsZero() && !c.Until.Add(r.Decay).After(now) {
		c.N = 0
	}
	c.N, c.Run, c.Start, c.Until, c.Expires = c.N+1, c.Run+1, now, time.Time{}, time.Time{}
	if c.N >= int64(r.Free) {
		c.Until = now.Add(r.lock(c.N - int64(r.Free)))
	}
	if r.Ceiling > 0 && c.Run >= int64(r.Ceiling) {
		c.Until = Forever
	}
	return c, time.Time{}
}

// Move returns the counter, as it stood unexpired at c.Now, after c, or why the commit fails: a
// *[LimitError], or [ErrStale] where it came to something else than was expected.
func (c Count) Move(old Counter) (Counter, error) {
	next, until := c.Rule.Count(old, c.Now.Truncate(time.Microsecond))
	switch locks := !next.Until.IsZero(); {
	case !until.IsZero():
		return old, &LimitError{Key: c.Key, Until: until}
	case c.Expect == StaysOpen && locks, c.Expect == Locks && !locks:
		return old, ErrStale
	}
	return next, nil
}

// Move returns the counter, as it stood unexpired at c.Now, after c, or a *[LimitError].
func (c Clear) Move(old Counter) (Counter, error) {
	next, until := c.Rule.Clear(old, c.Now.Truncate(time.Microsecond))
	if !until.IsZero() {
		return old, &LimitError{Key: c.Key, Until: until}
	}
	return next, nil
}

// Clear returns the counter after a success, or until when it refuses, unmoved.
func (r Rule) Clear(c Counter, now time.Time) (next Counter, until time.Time) {
	if until := r.Locked(c, now); !until.IsZero() {
		return c, until
	}
	return Counter{Key: c.Key, Expires: now}, time.Time{}
}

// lock returns how long a lock lasts that was doubled n times.
func (r Rule) lock(n int64) time.Duration {
	d := r.Base
	for ; n > 0 && d < r.Max; n-- {
		d = min(r.Max, 2*d)
	}
	return d
}
