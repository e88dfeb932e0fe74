package storagetest

import (
	"context"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var commitRaces = []race{
	{
		name: "Count", size: 100,
		rule:  "of 100 parallel counts at a limit of 5 exactly 5 pass",
		setup: settings(func() []any { return nil }),
		enter: enterCount, judge: judgeCount,
	},
	{
		name: "Ticket", size: 32,
		rule:  "of 32 takers of one ticket one wins, and writes what it writes",
		setup: settings(func() []any { return []any{ticket("t", "")} }),
		enter: enterTicket, judge: judgeTicket,
	},
	{
		name: "OneWriter", size: 32,
		rule:  "of 32 writers who read a record at one stamp one wins, and what it wrote stands",
		setup: settings(func() []any { return []any{person(1, "ada")} }),
		enter: enterWriter, judge: judgeWriter,
	},
	{
		name: "Require", size: 60,
		rule: "Require keeps others from moving a record: of two commits that each guard what the " +
			"other writes one passes",
		setup: settings(requiredPairs),
		enter: enterRequire, judge: judgeRequire,
	},
	{
		name: "Raise", size: 64,
		rule:  "a watermark only grows, and each number is reached by one",
		setup: settings(func() []any { return nil }),
		enter: enterRaise, judge: judgeRaise,
	},
	{
		name: "Canceled", size: 60,
		rule: "a commit whose context ends is whole or absent, as its answer says, and its " +
			"neighbours' commits stand",
		setup: settings(func() []any { return nil }),
		enter: enterCanceled, judge: judgeCanceled,
	},
	{
		name: "Kept", size: 32,
		rule:  "the count of users and the epoch of a pool lose none of what commits in parallel add",
		setup: settings(func() []any { return nil }),
		enter: enterKept, judge: judgeKept,
	},
}

// sends returns a run that commits changes.
func sends(ctx context.Context, st storage.Store, changes ...storage.Change) func() string {
	return func() string { return classOf(commit(ctx, st, changes...)) }
}

func readHome(ctx context.Context, st storage.Store, w storage.Want) (storage.Got, error) {
	w.Now = noon
	return st.Read(ctx, home, w)
}

func enterCount(ctx context.Context, st storage.Store, i int) (func() string, error) {
	k := counterKey("account", "password")
	_, err := readHome(ctx, st, storage.Want{Counters: []storage.CounterKey{k}})
	return sends(ctx, st, storage.Count{Key: k, Rule: fiveAnHour, Now: noon},
		putOf(event(fmt.Sprint("verdict", i), noon))), err
}

func judgeCount(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: 5, "limited": 95}); err != nil {
		return err
	}
	got, err := readHome(ctx, st, storage.Want{Counters: []storage.CounterKey{counterKey("account", "password")}})
	if err != nil || got.Counters[0].N != 5 {
		return fmt.Errorf("the counter stands at %s, %v, want 5", show(got.Counters), err)
	}
	return wantEvents(ctx, st, 5)
}

// wantEvents wants so many events in the pool.
func wantEvents(ctx context.Context, st storage.Store, n int) error {
	page, err := st.Events(ctx, home, storage.EventQuery{})
	if err != nil || len(page.Events) != n {
		return fmt.Errorf("there are %d events, %v, want %d: one for each commit that passed",
			len(page.Events), err, n)
	}
	return nil
}

func enterTicket(ctx context.Context, st storage.Store, i int) (func() string, error) {
	got, err := readHome(ctx, st, storage.Want{Tickets: []string{"t"}})
	if err != nil || got.Tickets[0] == nil {
		return nil, fmt.Errorf("the ticket: %v, %v", got.Tickets, err)
	}
	return sends(ctx, st, storage.Delete(got.Tickets[0]), putOf(event(fmt.Sprint("taker", i), noon))), nil
}

func judgeTicket(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: 1, "stale": len(outcomes) - 1}); err != nil {
		return err
	}
	return wantEvents(ctx, st, 1)
}

func enterWriter(ctx context.Context, st storage.Store, i int) (func() string, error) {
	got, err := readHome(ctx, st, storage.Want{User: user.ByLogin("ada")})
	if err != nil || got.User == nil {
		return nil, fmt.Errorf("the user: %v, %v", got.User, err)
	}
	got.User.Attributes = user.Attributes{"writer": fmt.Sprint(i)}
	return sends(ctx, st, storage.Put(got.User)), nil
}

func judgeWriter(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: 1, "stale": len(outcomes) - 1}); err != nil {
		return err
	}
	got, err := readHome(ctx, st, storage.Want{User: user.ByID(userID(1))})
	if err != nil || got.User == nil {
		return fmt.Errorf("the user: %v, %v", got.User, err)
	}
	for i, o := range outcomes {
		if w := got.User.Attributes["writer"]; o == ok && w != fmt.Sprint(i) {
			return fmt.Errorf("writer %d was told that it won, but writer %s stands", i, w)
		}
	}
	return nil
}

// requiredPairs returns two users for every pair of callers.
func requiredPairs() []any {
	var out []any
	for n := range 60 {
		out = append(out, person(n))
	}
	return out
}

// enterRequire writes one of two users and guards the other. Were a guard only a look, both of a
// pair could pass, and a sign-in would mint a session of a user who is being disabled.
func enterRequire(ctx context.Context, st storage.Store, i int) (func() string, error) {
	mine, err := readHome(ctx, st, storage.Want{User: user.ByID(userID(i))})
	if err != nil {
		return nil, err
	}
	other, err := readHome(ctx, st, storage.Want{User: user.ByID(userID(i ^ 1))})
	if err != nil || mine.User == nil || other.User == nil {
		return nil, fmt.Errorf("the users: %v, %v, %v", mine.User, other.User, err)
	}
	mine.User.Epoch++
	return sends(ctx, st, storage.Put(mine.User), storage.Require(other.User)), nil
}

func judgeRequire(_ context.Context, _ storage.Store, outcomes []string) error {
	for i := 0; i < len(outcomes); i += 2 {
		if err := tally(outcomes[i:i+2], map[string]int{ok: 1, "stale": 1}); err != nil {
			return fmt.Errorf("pair %d: %w", i/2, err)
		}
	}
	return nil
}

// heights is how many numbers the callers of Raise try to reach.
const heights = 16

func enterRaise(ctx context.Context, st storage.Store, i int) (func() string, error) {
	k := counterKey("user", "step")
	_, err := readHome(ctx, st, storage.Want{Counters: []storage.CounterKey{k}})
	return sends(ctx, st, storage.Raise{Key: k, N: int64(i%heights) + 1}), err
}

func judgeRaise(ctx context.Context, st storage.Store, outcomes []string) error {
	won := make([]int, heights)
	for i, o := range outcomes {
		switch o {
		case ok:
			won[i%heights]++
		case "stale":
		default:
			return fmt.Errorf("outcomes that must not be: %s", summary(outcomes))
		}
	}
	for n, winners := range won {
		if winners > 1 || n == heights-1 && winners != 1 {
			return fmt.Errorf("%d callers raised the watermark to %d", winners, n+1)
		}
	}
	got, err := readHome(ctx, st, storage.Want{Counters: []storage.CounterKey{counterKey("user", "step")}})
	if err != nil || got.Counters[0].N != heights {
		return fmt.Errorf("the watermark stands at %s, %v, want %d", show(got.Counters), err, heights)
	}
	return nil
}

// enterCanceled commits two records; every second caller's context ends while it does.
func enterCanceled(ctx context.Context, st storage.Store, i int) (func() string, error) {
	_, err := readHome(ctx, st, storage.Want{})
	id := fmt.Sprint("c", i)
	return func() string {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		if i%2 == 1 {
			go cancel()
		}
		return classOf(commit(ctx, st, putOf(ticket(id, "")), putOf(document("k", id))))
	}, err
}

func judgeCanceled(ctx context.Context, st storage.Store, outcomes []string) error {
	for i, o := range outcomes {
		id := fmt.Sprint("c", i)
		w := storage.Want{Tickets: []string{id}, Documents: []storage.DocumentKey{{Kind: "k", ID: id}}}
		got, err := readHome(ctx, st, w)
		if err != nil {
			return err
		}
		t, d := got.Tickets[0] != nil, got.Documents[0] != nil
		switch {
		case t != d:
			return fmt.Errorf("caller %d, who got %q, left half a commit", i, o)
		case o == ok && !t:
			return fmt.Errorf("caller %d was told ok, but nothing was written", i)
		case o == "canceled" && t:
			return fmt.Errorf("caller %d was told that its context had ended, but its commit was written", i)
		case o != ok && (o != "canceled" || i%2 == 0):
			return fmt.Errorf("caller %d got %q", i, o)
		}
	}
	return nil
}

func enterKept(ctx context.Context, st storage.Store, i int) (func() string, error) {
	_, err := readHome(ctx, st, storage.Want{})
	return sends(ctx, st, putOf(person(i)), putOf(document("k", fmt.Sprint(i)))), err
}

func judgeKept(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: len(outcomes)}); err != nil {
		return err
	}
	page, err := st.Pools(ctx, storage.PoolQuery{ID: home})
	if err != nil || len(page.Pools) != 1 {
		return fmt.Errorf("the pool: %v, %v", page.Pools, err)
	}
	n := int64(len(outcomes))
	if p := page.Pools[0]; p.Users != n || p.Epoch < 1+n {
		return fmt.Errorf("after %d commits of a user and a document the pool has %d users and epoch %d",
			n, p.Users, p.Epoch)
	}
	return nil
}
