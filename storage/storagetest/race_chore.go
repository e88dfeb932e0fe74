package storagetest

import (
	"context"
	"fmt"

	"github.com/userpool-go/userpool/storage"
)

var choreRaces = []race{
	{
		name: "Lease", size: 32,
		rule:  "of 32 processes that ask for a lease at once one holds it",
		setup: settings(func() []any { return nil }),
		enter: enterLease, judge: judgeLease,
	},
	{
		name: "Seal", size: 16,
		rule:  "of 16 sealers of the same events one writes the next seal",
		setup: settings(func() []any { return []any{event("a", at(1)), event("b", at(2))} }),
		enter: enterSeal, judge: judgeSeal,
	},
	{
		name: "Feed", size: feedWriters + 2,
		rule:  "whoever follows the feed while others commit misses nothing",
		setup: settings(func() []any { return nil }),
		enter: enterFeed, judge: allOK,
	},
	{
		name: "Sweep", size: 2 * prolonged,
		rule:  "Sweep erases nothing that was prolonged before it came to it",
		setup: settings(expiredTickets),
		enter: enterSweep, judge: judgeSweep,
	},
}

func enterLease(ctx context.Context, st storage.Store, i int) (func() string, error) {
	_, err := readHome(ctx, st, storage.Want{})
	return func() string {
		held, err := st.Lease(ctx, storage.Lease{Name: "chore", Holder: fmt.Sprint("p", i), Now: noon, Until: end})
		if err == nil && !held {
			return "not held"
		}
		return classOf(err)
	}, err
}

func judgeLease(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: 1, "not held": len(outcomes) - 1}); err != nil {
		return err
	}
	for i, o := range outcomes {
		held, err := st.Lease(ctx, storage.Lease{Name: "chore", Holder: fmt.Sprint("p", i), Now: noon, Until: end})
		if err != nil || held != (o == ok) {
			return fmt.Errorf("process %d got %q, but asked again: %t, %v", i, o, held, err)
		}
	}
	return nil
}

func enterSeal(ctx context.Context, st storage.Store, _ int) (func() string, error) {
	page, err := st.Events(ctx, home, storage.EventQuery{Unsealed: true})
	if err != nil || len(page.Events) != 2 || page.Seal != nil {
		return nil, fmt.Errorf("%d events, seal %v, %v", len(page.Events), page.Seal, err)
	}
	return sends(ctx, st, sealOf(1, "a", "b")), nil
}

func judgeSeal(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: 1, "stale": len(outcomes) - 1}); err != nil {
		return err
	}
	page, err := st.Events(ctx, home, storage.EventQuery{Seal: 1})
	if err != nil || len(page.Events) != 2 || page.Seal == nil {
		return fmt.Errorf("seal 1 is %s with %d events, %v", show(page.Seal), len(page.Events), err)
	}
	return nil
}

// feedWriters commit feedTurns times each while two others follow.
const feedWriters, feedTurns = 6, 20

func enterFeed(ctx context.Context, st storage.Store, i int) (func() string, error) {
	f, err := follow(ctx, st, "")
	if i < feedWriters {
		return func() string {
			return again(feedTurns, func(n int) error { return feedTurn(ctx, st, i, n) })
		}, err
	}
	return func() string { return classOf(followAll(ctx, st, f.Next)) }, err
}

// feedTurn puts a revocation and, with the last, a document that says that this writer is done.
func feedTurn(ctx context.Context, st storage.Store, i, n int) error {
	records := []any{revocation(fmt.Sprintf("%d-%d", i, n))}
	if n == feedTurns-1 {
		records = append(records, document("done", fmt.Sprint(i)))
	}
	return put(ctx, st, records...)
}

// followAll follows the feed until all writers are done, and once more.
func followAll(ctx context.Context, st storage.Store, since storage.Cursor) error {
	seen := map[string]bool{}
	var epoch int64
	for done := false; !done; {
		page, err := st.Documents(ctx, home, storage.DocumentQuery{Kind: "done"})
		if err != nil {
			return err
		}
		done = len(page.Documents) == feedWriters
		f, err := follow(ctx, st, since)
		if err != nil {
			return err
		}
		for _, r := range f.Revocations {
			seen[r.ID] = true
		}
		since, epoch = f.Next, max(epoch, latest(f, home).Epoch)
	}
	got, err := readHome(ctx, st, storage.Want{})
	if err != nil {
		return err
	}
	if len(seen) != feedWriters*feedTurns || epoch != got.PoolEpoch {
		return fmt.Errorf("the feed told %d of %d revocations, and epoch %d of %d",
			len(seen), feedWriters*feedTurns, epoch, got.PoolEpoch)
	}
	return nil
}

// prolonged is how many tickets are prolonged while as many callers sweep.
const prolonged = 16

func expiredTickets() []any {
	var out []any
	for i := range prolonged {
		t := ticket(fmt.Sprint("t", i), "")
		t.Expires = noon
		out = append(out, t)
	}
	return out
}

// enterSweep prolongs a ticket that has just expired, or sweeps some away.
func enterSweep(ctx context.Context, st storage.Store, i int) (func() string, error) {
	if i >= prolonged {
		_, err := readHome(ctx, st, storage.Want{})
		return func() string {
			_, err := st.Sweep(ctx, noon, 3)
			return classOf(err)
		}, err
	}
	w := storage.Want{Now: noon.Add(-tick), Tickets: []string{fmt.Sprint("t", i)}}
	got, err := st.Read(ctx, home, w)
	if err != nil || got.Tickets[0] == nil {
		return nil, fmt.Errorf("the ticket: %v, %w", got.Tickets, err)
	}
	got.Tickets[0].Expires = end
	return sends(ctx, st, storage.Put(got.Tickets[0])), nil
}

func judgeSweep(ctx context.Context, st storage.Store, outcomes []string) error {
	for i, o := range outcomes {
		if o != ok && (o != "stale" || i >= prolonged) {
			return fmt.Errorf("caller %d got %q", i, o)
		}
		if i >= prolonged {
			continue
		}
		got, err := readHome(ctx, st, storage.Want{Tickets: []string{fmt.Sprint("t", i)}})
		if err != nil || (got.Tickets[0] != nil) != (o == ok) {
			return fmt.Errorf("ticket %d, whose holder got %q, is there: %t, %v", i, o, got.Tickets[0] != nil, err)
		}
	}
	return nil
}
