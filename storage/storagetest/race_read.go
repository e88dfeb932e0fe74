package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var readRaces = []race{
	{
		name: "MovedAlias", size: 8,
		rule:  "a login that moves between two users while it is read has exactly one owner at every moment",
		setup: settings(func() []any { return []any{person(0, "alias"), person(1)} }),
		enter: enterAlias, judge: allOK,
	},
	{
		name: "OneMoment", size: 6,
		rule:  "all that one Read returns is as of one moment",
		setup: settings(func() []any { return []any{person(0), session(userID(0), 0), ticket("t", userID(0))} }),
		enter: enterMoment, judge: allOK,
	},
}

// turns is how often each caller of a race that goes on for a while acts.
const turns = 40

func allOK(_ context.Context, _ storage.Store, outcomes []string) error {
	return tally(outcomes, map[string]int{ok: len(outcomes)})
}

// again runs do so many times, or until it fails, and names how it went.
func again(times int, do func(n int) error) string {
	for n := range times {
		if err := do(n); err != nil {
			return classOf(err)
		}
	}
	return ok
}

// movers returns the counters by which those who write tell that they are done, so that those who
// read go on as long: in another process too.
func movers(n int) []storage.CounterKey {
	var out []storage.CounterKey
	for i := range n {
		out = append(out, counterKey("done", fmt.Sprint(i)))
	}
	return out
}

// moves returns the run of the i-th mover.
func moves(ctx context.Context, st storage.Store, i int, move func() error) func() string {
	return func() string {
		outcome := again(turns, func(int) error { return move() })
		if err := commit(ctx, st, storage.Raise{Key: movers(i + 1)[i], N: 1}); err != nil {
			return classOf(err)
		}
		return outcome
	}
}

// looks returns the run of one who reads until so many movers are done.
func looks(ctx context.Context, st storage.Store, movers int, w storage.Want,
	check func(got storage.Got) error,
) func() string {
	return func() string {
		for {
			got, err := readHome(ctx, st, w)
			if err == nil {
				err = check(got)
			}
			if err != nil {
				return classOf(err)
			}
			done := 0
			for _, c := range got.Counters[len(got.Counters)-movers:] {
				done += int(c.N)
			}
			if done == movers {
				return ok
			}
		}
	}
}

// enterAlias moves the alias to whoever does not have it, or reads who has.
func enterAlias(ctx context.Context, st storage.Store, i int) (func() string, error) {
	w := storage.Want{User: user.ByLogin("alias"), Counters: movers(2)}
	_, err := readHome(ctx, st, w)
	if i < 2 {
		return moves(ctx, st, i, func() error { return moveAlias(ctx, st) }), err
	}
	return looks(ctx, st, 2, w, lookAtAlias), err
}

func moveAlias(ctx context.Context, st storage.Store) error {
	for range 1000 {
		var two [2]*user.User
		for n := range two {
			got, err := readHome(ctx, st, storage.Want{User: user.ByID(userID(n))})
			if err != nil || got.User == nil {
				return fmt.Errorf("user %d: %v, %v", n, got.User, err)
			}
			two[n] = got.User
		}
		two[0].Logins, two[1].Logins = two[1].Logins, two[0].Logins
		err := commit(ctx, st, storage.Put(two[0]), storage.Put(two[1]))
		if !errors.Is(err, storage.ErrStale) && !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return errors.New("the alias could not be moved in 1000 tries")
}

func lookAtAlias(got storage.Got) error {
	if got.User == nil {
		return errors.New("the alias has no owner")
	}
	if len(got.User.Logins) != 1 || got.User.Logins[0].Value != "alias" {
		return fmt.Errorf("the alias leads to a user who has the logins %v", got.User.Logins)
	}
	return nil
}

// enterMoment writes one number into four records, or reads them.
func enterMoment(ctx context.Context, st storage.Store, i int) (func() string, error) {
	w := storage.Want{
		User: user.ByID(userID(0)), Session: storage.SessionKey{User: userID(0), ID: session("", 0).ID},
		Tickets: []string{"t"}, Counters: append([]storage.CounterKey{counterKey("", "n")}, movers(1)...),
	}
	_, err := readHome(ctx, st, w)
	if i == 0 {
		return moves(ctx, st, i, func() error { return moveMoment(ctx, st, w) }), err
	}
	return looks(ctx, st, 1, w, lookAtMoment), err
}

func moveMoment(ctx context.Context, st storage.Store, w storage.Want) error {
	got, err := readHome(ctx, st, w)
	if err != nil {
		return err
	}
	n := got.Counters[0].N + 1
	got.User.Epoch, got.Session.Epoch, got.Tickets[0].Epoch = n, n, n
	return commit(ctx, st, storage.Put(got.User), storage.Put(got.Session), storage.Put(got.Tickets[0]),
		storage.Raise{Key: got.Counters[0].Key, N: n})
}

func lookAtMoment(got storage.Got) error {
	if got.User == nil || got.Session == nil || got.Tickets[0] == nil {
		return fmt.Errorf("a record is missing: %s", show(got))
	}
	n := got.Counters[0].N
	if n == 0 {
		return nil // not written yet
	}
	if got.User.Epoch != n || got.Session.Epoch != n || got.Tickets[0].Epoch != n {
		return fmt.Errorf("one Read returned user %d, session %d, ticket %d and counter %d: they were written together",
			got.User.Epoch, got.Session.Epoch, got.Tickets[0].Epoch, n)
	}
	return nil
}
