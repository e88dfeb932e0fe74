package storage_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
)

var (
	t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	// password is the rule of T5 by default.
	password = storage.Rule{
		Free: 5, Base: time.Second, Max: 15 * time.Minute, Decay: 15 * time.Minute, Ceiling: 100,
	}
	window = storage.Rule{Free: 3, Window: time.Hour}
	tries  = storage.Rule{Free: 5}
)

// TestT5_FifthFailureLocks: four failures are free, the fifth locks for a second, and each later
// one for twice as long, up to 15 minutes.
func TestT5_FifthFailureLocks(t *testing.T) {
	t.Parallel()
	locks := []time.Duration{0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900}
	var c storage.Counter
	now := t0
	for i, lock := range locks {
		next, refused := password.Count(c, now)
		if !refused.IsZero() {
			t.Fatalf("failure %d was refused until %v", i+1, refused)
		}
		want := time.Time{}
		if lock > 0 {
			want = now.Add(lock * time.Second)
		}
		if !next.Until.Equal(want) || next.N != int64(i+1) || next.Run != int64(i+1) || !next.Start.Equal(now) {
			t.Errorf("failure %d: got %+v, want a lock until %v", i+1, next, want)
		}
		if !next.Expires.IsZero() {
			t.Errorf("failure %d: the state expires at %v: the run to the ceiling would be forgotten", i+1, next.Expires)
		}
		c, now = next, now.Add(lock*time.Second)
	}
}

// TestT5_Locked: while it is locked nothing is counted and nothing extends the lock; the time it
// ends at is the first that is open.
func TestT5_Locked(t *testing.T) {
	t.Parallel()
	until := t0.Add(time.Minute)
	c := storage.Counter{N: 10, Run: 10, Start: t0, Until: until}
	for _, now := range []time.Time{t0.Add(-time.Hour), t0, until.Add(-1)} {
		for name, move := range map[string]func(storage.Counter, time.Time) (storage.Counter, time.Time){
			"Count": password.Count, "Clear": password.Clear,
		} {
			if next, refused := move(c, now); !refused.Equal(until) || next != c {
				t.Errorf("%s at %v: %+v, refused until %v; want %+v, until %v", name, now, next, refused, c, until)
			}
		}
		if got := password.Locked(c, now); !got.Equal(until) {
			t.Errorf("Locked at %v = %v, want %v", now, got, until)
		}
	}
	for _, now := range []time.Time{until, until.Add(1), until.AddDate(1, 0, 0)} {
		if got := password.Locked(c, now); !got.IsZero() {
			t.Errorf("Locked at %v = %v, want open", now, got)
		}
		if next, refused := password.Clear(c, now); !refused.IsZero() || next.N != 0 || next.Run != 0 || !next.Until.IsZero() {
			t.Errorf("Clear at %v = %+v, %v, want an open counter", now, next, refused)
		}
	}
}

// TestT5_Decay: a pause after a lock has ended forgets the doubling, but never the run.
func TestT5_Decay(t *testing.T) {
	t.Parallel()
	c := storage.Counter{N: 9, Run: 9, Start: t0, Until: t0.Add(16 * time.Second)}
	never := password
	never.Decay = 0
	tests := []struct {
		name  string
		rule  storage.Rule
		c     storage.Counter
		pause time.Duration // after the lock
		n     int64
		lock  time.Duration
	}{
		{"at once", password, c, 0, 10, 32 * time.Second},
		{"just short", password, c, 15*time.Minute - 1, 10, 32 * time.Second},
		{"whole", password, c, 15 * time.Minute, 1, 0},
		{"long", password, c, 1000 * time.Hour, 1, 0},
		{"never decays", never, c, 1000 * time.Hour, 10, 32 * time.Second},
		{"no lock to decay from", password, storage.Counter{N: 4, Run: 9, Start: t0}, 1000 * time.Hour, 5, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := t0.Add(tt.pause)
			if !tt.c.Until.IsZero() {
				now = tt.c.Until.Add(tt.pause)
			}
			next, _ := tt.rule.Count(tt.c, now)
			if next.N != tt.n || next.Run != 10 {
				t.Errorf("N, Run = %d, %d, want %d, 10", next.N, next.Run, tt.n)
			}
			want := time.Time{}
			if tt.lock > 0 {
				want = now.Add(tt.lock)
			}
			if !next.Until.Equal(want) {
				t.Errorf("Until = %v, want %v", next.Until, want)
			}
		})
	}
}

// TestT5_Ceiling: the hundredth failure in a row locks for good, whatever the pauses between;
// a Clear before that begins a new run.
func TestT5_Ceiling(t *testing.T) {
	t.Parallel()
	patient := func(c storage.Counter, now time.Time, failures int) (storage.Counter, time.Time) {
		for range failures {
			var refused time.Time
			if c, refused = password.Count(c, now); !refused.IsZero() {
				t.Fatalf("failure %d was refused until %v", c.Run+1, refused)
			}
			now = now.Add(time.Hour) // forgets each lock
		}
		return c, now
	}
	c, now := patient(storage.Counter{}, t0, 99)
	if c.Run != 99 || c.Until.Equal(storage.Forever) {
		t.Fatalf("after 99 failures: %+v", c)
	}
	cleared, _ := password.Clear(c, now)
	if cleared, _ = patient(cleared, now, 1); cleared.Run != 1 {
		t.Errorf("after a Clear the run is %d, want 1", cleared.Run)
	}
	c, now = patient(c, now, 1)
	for _, now := range []time.Time{now, now.AddDate(1000, 0, 0)} {
		if _, refused := password.Count(c, now); !refused.Equal(storage.Forever) {
			t.Errorf("Count at %v is refused until %v, want Forever", now, refused)
		}
		if _, refused := password.Clear(c, now); !refused.Equal(storage.Forever) {
			t.Errorf("Clear at %v is refused until %v, want Forever", now, refused)
		}
	}
}

func TestRuleWindow(t *testing.T) {
	t.Parallel()
	end := t0.Add(time.Hour)
	full := storage.Counter{N: 3, Start: t0, Expires: end}
	tests := []struct {
		name  string
		rule  storage.Rule
		c     storage.Counter
		now   time.Time
		want  storage.Counter
		until time.Time
	}{
		{"first", window, storage.Counter{}, t0, storage.Counter{N: 1, Start: t0, Expires: end}, time.Time{}},
		{
			"second keeps the window", window,
			storage.Counter{N: 1, Start: t0, Expires: end},
			end.Add(-1),
			storage.Counter{N: 2, Start: t0, Expires: end},
			time.Time{},
		},
		{"full", window, full, t0, full, end},
		{"full to the end", window, full, end.Add(-1), full, end},
		{"next window", window, full, end, storage.Counter{N: 1, Start: end, Expires: end.Add(time.Hour)}, time.Time{}},
		{
			"next window before it was full", window,
			storage.Counter{N: 2, Start: t0, Expires: end},
			end,
			storage.Counter{N: 1, Start: end, Expires: end.Add(time.Hour)},
			time.Time{},
		},
		{"a clock that went back", window, full, t0.Add(-time.Minute), full, end},
		{"no window, first", tries, storage.Counter{}, t0, storage.Counter{N: 1, Start: t0}, time.Time{}},
		{"no window, last", tries, storage.Counter{N: 4, Start: t0}, end, storage.Counter{N: 5, Start: t0}, time.Time{}},
		{
			"no window, full for ever", tries,
			storage.Counter{N: 5, Start: t0},
			t0.AddDate(100, 0, 0),
			storage.Counter{N: 5, Start: t0},
			storage.Forever,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, until := tt.rule.Count(tt.c, tt.now)
			if got != tt.want || !until.Equal(tt.until) {
				t.Errorf("Count() = %+v, %v, want %+v, %v", got, until, tt.want, tt.until)
			}
			if locked := tt.rule.Locked(tt.c, tt.now); !locked.Equal(tt.until) {
				t.Errorf("Locked() = %v, want %v", locked, tt.until)
			}
		})
	}
}

// TestT5_Clear keeps the key and nothing else, and what it leaves has expired already.
func TestT5_Clear(t *testing.T) {
	t.Parallel()
	key := storage.CounterKey{Pool: "p", Owner: "ada", Name: "password"}
	for _, r := range []storage.Rule{password, window, tries} {
		got, until := r.Clear(storage.Counter{Key: key, N: 2, Run: 2, Start: t0}, t0)
		if want := (storage.Counter{Key: key, Expires: t0}); got != want || !until.IsZero() {
			t.Errorf("%+v.Clear() = %+v, %v, want %+v", r, got, until, want)
		}
	}
	full := storage.Counter{Key: key, N: 5, Start: t0}
	if got, until := tries.Clear(full, t0); got != full || !until.Equal(storage.Forever) {
		t.Errorf("Clear of a full counter = %+v, %v, want it unmoved", got, until)
	}
}

func TestRuleValid(t *testing.T) {
	t.Parallel()
	for _, r := range []storage.Rule{
		password, window, tries,
		{Free: 1, Base: 1, Max: 1},
		{Free: 1, Base: time.Second, Max: 10 * 365 * 24 * time.Hour},
	} {
		if !r.Valid() {
			t.Errorf("%+v is not valid, want valid", r)
		}
	}
	for _, r := range []storage.Rule{
		{},
		{Window: time.Hour},
		{Free: -1},
		{Free: 1, Window: -1},
		{Free: 1, Max: time.Hour},
		{Free: 1, Decay: time.Hour},
		{Free: 1, Ceiling: 100},
		{Free: 1, Base: -1, Max: time.Hour},
		{Free: 1, Base: time.Second},
		{Free: 1, Base: time.Minute, Max: time.Second},
		{Base: time.Second, Max: time.Minute},
		{Free: -1, Base: time.Second, Max: time.Minute},
		{Free: 1, Base: time.Second, Max: time.Minute, Window: time.Hour},
		{Free: 1, Base: time.Second, Max: time.Minute, Decay: -1},
		{Free: 1, Base: time.Second, Max: time.Minute, Ceiling: -1},
		{Free: 1, Base: time.Second, Max: 10*365*24*time.Hour + 1},
		{Free: 1, Base: math.MaxInt64, Max: math.MaxInt64},
	} {
		if r.Valid() {
			t.Errorf("%+v is valid, want invalid", r)
		}
	}
}

// TestT5_NoOverflow: the longest lock, doubled as often as a counter can tell, is still a lock.
func TestT5_NoOverflow(t *testing.T) {
	t.Parallel()
	long := 10 * 365 * 24 * time.Hour
	for _, r := range []storage.Rule{
		{Free: 1, Base: 1, Max: long}, {Free: 1, Base: long - 1, Max: long}, {Free: 1, Base: long, Max: long, Decay: math.MaxInt64},
	} {
		for _, n := range []int64{0, 62, 63, 64, 1000, math.MaxInt64 - 1} {
			got, refused := r.Count(storage.Counter{N: n, Run: n}, t0)
			if !refused.IsZero() || !got.Until.After(t0) || got.Until.After(t0.Add(long)) {
				t.Errorf("%+v, failure %d: locked until %v, refused until %v", r, n, got.Until, refused)
			}
		}
	}
}

func ExampleRule() {
	lock := storage.Rule{Free: 3, Base: time.Second, Max: time.Minute}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var c storage.Counter
	for range 4 {
		var refused time.Time
		c, refused = lock.Count(c, now)
		fmt.Println(c.N, !refused.IsZero())
	}
	// Output:
	// 1 false
	// 2 false
	// 3 false
	// 3 true
}

// TestWindowAhead: a window that a clock began which was ahead, and has gone back, refuses nobody
// until then. One that another node began a little ahead counts.
func TestWindowAhead(t *testing.T) {
	t.Parallel()
	c := storage.Counter{N: 3, Start: t0}
	if got := window.Locked(c, t0.Add(-window.Window)); !got.Equal(t0.Add(window.Window)) {
		t.Errorf("a window ahead: refused until %v, want the end of the window", got)
	}
	back := t0.Add(-window.Window - 1)
	if got := window.Locked(c, back); !got.IsZero() {
		t.Errorf("further ahead: refused until %v, want open", got)
	}
	if next, refused := window.Count(c, back); !refused.IsZero() || next.N != 1 || !next.Start.Equal(back) {
		t.Errorf("further ahead: %+v, refused until %v; want a new window", next, refused)
	}
}
