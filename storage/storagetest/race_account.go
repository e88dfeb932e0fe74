package storagetest

import (
	"context"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var accountRaces = []race{
	{
		name: "Login", size: 32,
		rule:  "of 32 users made with one login at once one is stored, and owns it",
		setup: settings(func() []any { return nil }),
		enter: enterLogin, judge: judgeLogin,
	},
	{
		name: "Rivals", size: 3,
		rule:  "of three attempts that confirm at once one owns the address",
		setup: settings(func() []any { return []any{attempt(0, bob), attempt(1, bob), attempt(2, bob)} }),
		enter: enterRival, judge: judgeRival,
	},
	{
		name: "OppositeOrder", size: 400,
		rule: "two commits that take the same two logins in opposite order do not block each other, " +
			"and one has both",
		setup: settings(func() []any { return nil }),
		enter: enterOpposite, judge: judgeOpposite,
	},
	{
		name: "Places", size: 8,
		rule:  "of sign-ups at one address at once three have a place",
		setup: settings(func() []any { return nil }),
		enter: enterPlace, judge: judgePlaces,
	},
	{
		name: "Sessions", size: 20,
		rule:  "a user has 100 sessions at the most, however many are made at once",
		setup: settings(ninetyEight),
		enter: enterSession, judge: judgeSessions,
	},
	{
		name: "DeletedUser", size: 20,
		rule:  "no sign-in that required its user outlives the user's delete",
		setup: settings(func() []any { return []any{person(1, "ada")} }),
		enter: enterDeletedUser, judge: judgeDeletedUser,
	},
}

func enterLogin(ctx context.Context, st storage.Store, i int) (func() string, error) {
	_, err := readHome(ctx, st, storage.Want{User: user.ByLogin("ada")})
	return sends(ctx, st, putOf(person(i, "ada", fmt.Sprint("own", i)))), err
}

func judgeLogin(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: 1, "conflict": len(outcomes) - 1}); err != nil {
		return err
	}
	return oneOwner(ctx, st, outcomes, "ada", 1)
}

// oneOwner wants a login to lead to the caller who was told ok, and so many users in the pool.
func oneOwner(ctx context.Context, st storage.Store, outcomes []string, login string, users int) error {
	got, err := readHome(ctx, st, storage.Want{User: user.ByLogin(login)})
	if err != nil || got.User == nil {
		return fmt.Errorf("login %q leads to %v, %v", login, got.User, err)
	}
	for i, o := range outcomes {
		if o == ok && got.User.ID != userID(i) {
			return fmt.Errorf("user %d was stored, but login %q leads to %s", i, login, got.User.ID)
		}
	}
	page, err := st.Users(ctx, home, storage.UserQuery{Now: noon})
	if err != nil || len(page.Users) != users {
		return fmt.Errorf("there are %d users, %v, want %d", len(page.Users), err, users)
	}
	return nil
}

func enterRival(ctx context.Context, st storage.Store, i int) (func() string, error) {
	got, err := readHome(ctx, st, storage.Want{User: user.ByID(userID(i))})
	if err != nil || got.User == nil {
		return nil, fmt.Errorf("the attempt: %v, %v", got.User, err)
	}
	return sends(ctx, st, storage.Put(confirm(got.User))), nil
}

func judgeRival(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: 1, "conflict": len(outcomes) - 1}); err != nil {
		return err
	}
	return oneOwner(ctx, st, outcomes, bob, 3)
}

func enterOpposite(ctx context.Context, st storage.Store, i int) (func() string, error) {
	left, right := fmt.Sprint("left", i/2), fmt.Sprint("right", i/2)
	if i%2 == 1 {
		left, right = right, left
	}
	_, err := readHome(ctx, st, storage.Want{User: user.ByLogin(left)})
	return sends(ctx, st, putOf(person(i, left, right))), err
}

func judgeOpposite(ctx context.Context, st storage.Store, outcomes []string) error {
	for pair := range len(outcomes) / 2 {
		two := outcomes[2*pair : 2*pair+2]
		if err := tally(two, map[string]int{ok: 1, "conflict": 1}); err != nil {
			return fmt.Errorf("pair %d: %w", pair, err)
		}
		winner := userID(2 * pair)
		if two[1] == ok {
			winner = userID(2*pair + 1)
		}
		for _, l := range []string{fmt.Sprint("left", pair), fmt.Sprint("right", pair)} {
			got, err := readHome(ctx, st, storage.Want{User: user.ByLogin(l)})
			if err != nil || got.User == nil || got.User.ID != winner {
				return fmt.Errorf("login %q leads to %s, %v, want %s", l, show(got.User), err, winner)
			}
		}
	}
	return nil
}

func enterPlace(ctx context.Context, st storage.Store, i int) (func() string, error) {
	_, err := readHome(ctx, st, storage.Want{User: user.ByLogin(bob)})
	return sends(ctx, st, putOf(attempt(i, bob)), putOf(ticket(fmt.Sprint("t", i), userID(i)))), err
}

func judgePlaces(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: len(outcomes)}); err != nil {
		return err
	}
	page, err := st.Users(ctx, home, storage.UserQuery{Now: noon})
	if err != nil || len(page.Users) != 3 {
		return fmt.Errorf("there are %d attempts, %v, want 3", len(page.Users), err)
	}
	left := map[user.ID]bool{}
	for _, u := range page.Users {
		left[u.ID] = u.Attempt != nil && u.Attempt.Login.Value == bob
	}
	for i := range outcomes {
		got, err := readHome(ctx, st, storage.Want{Tickets: []string{fmt.Sprint("t", i)}})
		if err != nil || (got.Tickets[0] != nil) != left[userID(i)] {
			return fmt.Errorf("attempt %d is there: %t, its ticket is there: %t, %v", i,
				left[userID(i)], got.Tickets[0] != nil, err)
		}
	}
	return nil
}

func ninetyEight() []any {
	out := []any{person(1)}
	for n := range 98 {
		out = append(out, session(userID(1), n))
	}
	return out
}

func enterSession(ctx context.Context, st storage.Store, i int) (func() string, error) {
	_, err := readHome(ctx, st, storage.Want{User: user.ByID(userID(1))})
	return sends(ctx, st, putOf(session(userID(1), 1000+i))), err
}

func judgeSessions(ctx context.Context, st storage.Store, outcomes []string) error {
	if err := tally(outcomes, map[string]int{ok: len(outcomes)}); err != nil {
		return err
	}
	page, err := st.Sessions(ctx, home, storage.SessionQuery{User: userID(1), Now: noon})
	if err != nil || len(page.Sessions) != 100 {
		return fmt.Errorf("the user has %d sessions, %v, want 100", len(page.Sessions), err)
	}
	if first, want := page.Sessions[0].ID, session("", 18).ID; first != want {
		return fmt.Errorf("the oldest session left is %s, want %s", first, want)
	}
	return nil
}

// enterDeletedUser deletes a user whom all others sign in.
func enterDeletedUser(ctx context.Context, st storage.Store, i int) (func() string, error) {
	got, err := readHome(ctx, st, storage.Want{User: user.ByLogin("ada")})
	if err != nil || got.User == nil {
		return nil, fmt.Errorf("the user: %v, %w", got.User, err)
	}
	if i == 0 {
		return sends(ctx, st, storage.Delete(got.User)), nil
	}
	return sends(ctx, st, storage.Require(got.User), putOf(session(got.User.ID, i))), nil
}

func judgeDeletedUser(ctx context.Context, st storage.Store, outcomes []string) error {
	if outcomes[0] != ok || count(outcomes, ok)+count(outcomes, "stale") != len(outcomes) {
		return fmt.Errorf("the delete got %q; all outcomes: %s", outcomes[0], summary(outcomes))
	}
	for i := range outcomes {
		key := storage.SessionKey{User: userID(1), ID: session("", i).ID}
		got, err := readHome(ctx, st, storage.Want{Session: key})
		if err != nil || got.Session != nil {
			return fmt.Errorf("session %d, whose maker got %q, outlived its user: %v", i, outcomes[i], err)
		}
	}
	return nil
}
