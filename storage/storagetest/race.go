package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
)

// race is what many callers do at the same moment, and what must come of it. It reports by values
// alone, so that the same race runs in one process, on two handles, in two processes, and against
// a store that is broken on purpose.
type race struct {
	name string
	rule string // what an adapter that fails has broken
	size int    // how many take part
	// setup fills the database.
	setup func(ctx context.Context, st storage.Store) error
	// enter prepares the i-th caller: it reads what it needs, and so has opened its connection. What
	// it returns is called once all have entered, and tells how it went: "ok", or see classOf.
	enter func(ctx context.Context, st storage.Store, i int) (run func() string, err error)
	// judge looks at how it went for each, and at what is stored.
	judge func(ctx context.Context, st storage.Store, outcomes []string) error
}

// raceTime bounds a race: only a deadlock lasts that long.
const raceTime = time.Minute

// races are all of them.
func races() []race {
	return slices.Concat(commitRaces, accountRaces, readRaces, choreRaces)
}

// start lets the callers who are mine enter and, once gate returns, go at once. It returns how it
// went for each; "" for those who are not mine.
func (r race) start(ctx context.Context, handles []storage.Store, mine func(i int) bool,
	gate func() error,
) ([]string, error) {
	runs := map[int]func() string{}
	for i := range r.size {
		if !mine(i) {
			continue
		}
		run, err := r.enter(ctx, handles[i%len(handles)], i)
		if err != nil {
			return nil, fmt.Errorf("caller %d could not enter: %w", i, err)
		}
		runs[i] = run
	}
	outcomes := make([]string, r.size)
	open := make(chan struct{})
	var all sync.WaitGroup
	for i, run := range runs {
		all.Go(func() {
			<-open
			outcomes[i] = run()
		})
	}
	err := gate()
	close(open)
	all.Wait()
	return outcomes, err
}

// run sets a race up on base and runs it on handles, in this process.
func (r race) run(ctx context.Context, base storage.Store, handles ...storage.Store) error {
	ctx, cancel := context.WithTimeout(ctx, raceTime)
	defer cancel()
	if err := r.setup(ctx, base); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	everybody := func(int) bool { return true }
	outcomes, err := r.start(ctx, handles, everybody, func() error { return nil })
	if err != nil {
		return err
	}
	return r.judge(ctx, handles[0], outcomes)
}

// commit sends changes, again where the store says that it may help.
func commit(ctx context.Context, st storage.Store, changes ...storage.Change) error {
	var err error
	for range 100 {
		if err = st.Commit(ctx, changes...); !errors.Is(err, storage.ErrRetry) {
			return err
		}
	}
	return err
}

// put commits records at the stamps that they carry, at most 100 at a time.
func put(ctx context.Context, st storage.Store, records ...any) error {
	for batch := range slices.Chunk(records, storage.MaxChanges) {
		var changes []storage.Change
		for _, r := range batch {
			changes = append(changes, putOf(r))
		}
		if err := commit(ctx, st, changes...); err != nil {
			return err
		}
	}
	return nil
}

// settings returns a setup that puts the pool home and records.
func settings(records func() []any) func(ctx context.Context, st storage.Store) error {
	return func(ctx context.Context, st storage.Store) error {
		if err := put(ctx, st, pool(home)); err != nil {
			return err
		}
		return put(ctx, st, records()...)
	}
}

// ok is the outcome of what went well.
const ok = "ok"

// classOf names how a call went, so that two processes, or two stores, can compare.
func classOf(err error) string {
	for name, class := range map[string]error{
		"stale": storage.ErrStale, "conflict": storage.ErrConflict, "limited": storage.ErrLimited,
		"referenced": storage.ErrReferenced, "invalid": storage.ErrInvalid, "no pool": storage.ErrNoPool,
		"unknown": storage.ErrUnknown, "not ready": storage.ErrNotReady, "closed": storage.ErrClosed,
		"canceled": context.Canceled,
	} {
		if errors.Is(err, class) {
			return name
		}
	}
	if err != nil {
		return "error: " + err.Error()
	}
	return ok
}

// count returns how many outcomes are want.
func count(outcomes []string, want string) int {
	n := 0
	for _, o := range outcomes {
		if o == want {
			n++
		}
	}
	return n
}

// tally wants so many outcomes of each kind, and no others.
func tally(outcomes []string, want map[string]int) error {
	for o, n := range want {
		if got := count(outcomes, o); got != n {
			return fmt.Errorf("%d callers got %q, want %d; all outcomes: %s", got, o, n, summary(outcomes))
		}
	}
	total := 0
	for _, n := range want {
		total += n
	}
	if total != len(outcomes) {
		return fmt.Errorf("outcomes that must not be: %s", summary(outcomes))
	}
	return nil
}

// summary tells how often each outcome came.
func summary(outcomes []string) string {
	counts := map[string]int{}
	for _, o := range outcomes {
		counts[o]++
	}
	var lines []string
	for o, n := range counts {
		lines = append(lines, fmt.Sprintf("%dx %q", n, o))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}
