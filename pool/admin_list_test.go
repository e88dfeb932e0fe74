package pool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// Users are listed as they were made, and whatever narrows the list loses and repeats nobody.
func TestListUsers(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		all := map[string]user.ID{}
		began := k.clock.Now()
		for i := range 9 {
			k.clock.advance(time.Minute)
			login := fmt.Sprintf("user%d@example.com", i)
			if i%3 == 0 {
				k.signUp(login)
				all[login] = k.user(login).ID
				continue
			}
			all[login] = k.invited(login)
			if i%3 == 1 {
				if err := k.admin().Disable(t.Context(), all[login]); err != nil {
					t.Fatal(err)
				}
			}
		}
		yes, no := true, false
		for name, tt := range map[string]struct {
			q    pool.UserQuery
			want string
		}{
			"all":                         {pool.UserQuery{}, "012345678"},
			"unconfirmed":                 {pool.UserQuery{Status: user.Unconfirmed}, "036"},
			"invited":                     {pool.UserQuery{Status: user.ForceChangePassword}, "124578"},
			"of a status that nobody has": {pool.UserQuery{Status: user.External}, ""},
			"disabled":                    {pool.UserQuery{Disabled: &yes}, "147"},
			"enabled":                     {pool.UserQuery{Disabled: &no}, "023568"},
			"of a time":                   {pool.UserQuery{CreatedMin: began.Add(3 * time.Minute), CreatedMax: began.Add(6 * time.Minute)}, "234"},
			"of both":                     {pool.UserQuery{Status: user.ForceChangePassword, Disabled: &no, CreatedMax: began.Add(6 * time.Minute)}, "2"},
		} {
			for _, limit := range []int{0, 1, 2, 5} {
				q, got := tt.q, ""
				q.Limit = limit
				for pages := 0; pages < 20; pages++ {
					page, err := k.admin().ListUsers(t.Context(), q)
					if err != nil || limit > 0 && len(page.Users) > limit {
						t.Fatalf("%s: %+v, %v", name, page, err)
					}
					for _, u := range page.Users {
						got += strings.TrimSuffix(strings.TrimPrefix(u.Email, "user"), "@example.com")
						if all[u.Email] != u.ID {
							t.Errorf("%s: %+v", name, u)
						}
					}
					if q.After = page.Next; q.After == "" {
						break
					}
				}
				if got != tt.want {
					t.Errorf("%s, %d at a time: %q, want %q", name, limit, got, tt.want)
				}
			}
		}
	})
}

// A page token of users is its actor's, and of its query alone.
func TestS16_PagesOfUsers(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.invited(ada)
	k.invited("bob@example.com")
	page, err := k.admin().ListUsers(t.Context(), pool.UserQuery{Limit: 1})
	if err != nil || page.Next == "" {
		t.Fatal(page, err)
	}
	events, err := k.ListEvents(t.Context(), pool.EventQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	root, eve := k.admin(), k.Admin(pool.Actor{Name: "eve"})
	yes := true
	for name, tt := range map[string]struct {
		admin *pool.Admin
		q     pool.UserQuery
	}{
		"another actor's":    {eve, pool.UserQuery{After: page.Next}},
		"of another status":  {root, pool.UserQuery{After: page.Next, Status: user.Confirmed}},
		"of the disabled":    {root, pool.UserQuery{After: page.Next, Disabled: &yes}},
		"of another time":    {root, pool.UserQuery{After: page.Next, CreatedMin: k.clock.Now()}},
		"of events":          {root, pool.UserQuery{After: events.Next}},
		"truncated":          {root, pool.UserQuery{After: page.Next[:len(page.Next)-4]}},
		"of 1 MB":            {root, pool.UserQuery{After: strings.Repeat("A", 1<<20)}},
		"not UTF-8":          {root, pool.UserQuery{After: "\xff\x00"}},
		"fewer than none":    {root, pool.UserQuery{Limit: -1}},
		"more than fit":      {root, pool.UserQuery{Limit: 1001}},
		"of no status":       {root, pool.UserQuery{Status: "admin"}},
		"of 1 MB of status":  {root, pool.UserQuery{Status: user.Status(strings.Repeat("a", 1<<20))}},
		"of the year 10,000": {root, pool.UserQuery{CreatedMax: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"of a year before":   {root, pool.UserQuery{CreatedMin: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"by nobody":          {k.Admin(pool.Actor{}), pool.UserQuery{}},
	} {
		if page, err := tt.admin.ListUsers(t.Context(), tt.q); !errors.Is(err, pool.ErrInvalid) || len(page.Users) > 0 || len(err.Error()) > 300 {
			t.Errorf("%s: %d users, %.300v, want ErrInvalid", name, len(page.Users), err)
		}
	}
	for _, stale := range []bool{false, true} { // where it is read from is none of the query
		if second, err := root.ListUsers(t.Context(), pool.UserQuery{After: page.Next, Stale: stale}); err != nil || len(second.Users) != 1 {
			t.Errorf("its own next page, stale %v: %+v, %v", stale, second, err)
		}
	}
	k.clock.advance(24 * time.Hour)
	if _, err := root.ListUsers(t.Context(), pool.UserQuery{After: page.Next}); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("a day later = %v, want ErrInvalid", err)
	}
}

// noting notes which lists a store was permitted to answer from a copy.
type noting struct {
	storage.Store
	mu    sync.Mutex
	stale []bool
}

func (n *noting) note(stale ...bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stale = append(n.stale, stale...)
}

func (n *noting) Users(ctx context.Context, p user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	n.note(q.Stale)
	return n.Store.Users(ctx, p, q)
}

func (n *noting) Events(ctx context.Context, p user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	if !q.Unsealed && q.Seal == 0 { // the sealer's, which may come at any time
		n.note(q.Stale)
	} else if q.Stale {
		n.note(true, true)
	}
	return n.Store.Events(ctx, p, q)
}

// A list is read from a replica where its caller permits that, and nothing else is.
func TestStaleLists(t *testing.T) {
	t.Parallel()
	st := &noting{Store: memory.New()}
	k := openOn(t, st, func(c *pool.Config) { c.Keys = ring(t, seal.Generate()) })
	k.confirmed(ada)
	id := k.user(ada).ID
	d := k.done(ada)
	own, err := k.Account(t.Context(), d.Tokens.Access)
	if err == nil {
		err = own.Export(t.Context(), io.Discard, pool.ExportInput{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.VerifyEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []bool{false, true} {
		_, err := k.admin().ListUsers(t.Context(), pool.UserQuery{Stale: stale})
		_, err2 := k.admin().ListEvents(t.Context(), pool.EventQuery{User: id, Stale: stale})
		_, err3 := k.ListEvents(t.Context(), pool.EventQuery{Stale: stale})
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
	}
	n := len(st.stale)
	if got := st.stale[n-6:]; !slices.Equal(got, []bool{false, false, false, true, true, true}) || slices.Contains(st.stale[:n-6], true) {
		t.Errorf("of the lists a copy might answer %v", st.stale)
	}
}
