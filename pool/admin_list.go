package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// userList names the list of users in its page tokens.
const userList = "users"

// UserQuery asks for a page of a pool's users: those whom all of its fields mean.
type UserQuery struct {
	Filter     Filter      // zero means none
	Group      string      // "" means any; one that was deleted has members until they are all out
	Status     user.Status // "" means any
	Disabled   *bool       // nil means either
	CreatedMin time.Time   // inclusive; zero means no bound
	CreatedMax time.Time   // exclusive; zero means no bound
	After      string      `json:"-"` // Next of the page before; "" starts
	Limit      int         `json:"-"` // at most 1000; 0 means 1000
	// Stale permits a replica of the store to answer, where there is one: who came a moment ago may
	// be missing, who was deleted be there, and whoever changed be as they were, and nothing says
	// how long ago that was. Pages of either kind follow each other. It spares the store's primary;
	// nothing may be decided by what it shows.
	Stale bool `json:"-"`
}

// UserPage is a page of a pool's users.
type UserPage struct {
	Users []User
	// Next is good for a day, for the same actor and query; "" means that there is no more. A page
	// may be short, or empty, and still have one: a page looks at no more than a thousand users.
	Next string
}

// ListUsers returns a page of users and of sign-ups that are not confirmed yet: by the value that
// Filter names, and without it in the order in which they were made, or of a Group by id. A change
// of a user shows at once, unless q is Stale.
//
// It fails with a *[ValidationError], also where After is of another list, another query or another
// actor, or older than a day (security.md S16), and with [ErrNotReady] while an attribute that was
// declared searchable of late is not known of all users yet. It costs one read, however many users
// there are.
func (a *Admin) ListUsers(ctx context.Context, q UserQuery) (UserPage, error) {
	p := a.pool
	if p.closed.Load() {
		return UserPage{}, ErrClosed
	}
	var v validation
	asked, err := json.Marshal(struct {
		Actor string
		UserQuery
	}{a.actor.Name, q})
	if err != nil || outOfRange(q.CreatedMin) || outOfRange(q.CreatedMax) {
		v.add("CreatedMin", "and CreatedMax must be of the years 1 to 9999")
	}
	if q.Status != "" && !q.Status.Valid() {
		v.add("Status", "must be one of the five, or none")
	}
	after, ok := p.pageCursor(userList, string(asked), q.After)
	if !ok {
		v.add("After", "must be the Next of a page of these users")
	}
	s := p.today()
	find, ready := v.finder(s, q)
	if q.Limit < 0 || q.Limit > storage.MaxPage {
		v.add("Limit", fmt.Sprintf("must be 0 to %d", storage.MaxPage))
	}
	if err := v.err(); err != nil {
		return UserPage{}, err
	}
	if err := a.reads(ctx, MayReadUsers); err != nil {
		return UserPage{}, err
	}
	if !ready {
		return UserPage{}, ErrNotReady
	}
	page, err := p.store.Users(ctx, p.config.ID, storage.UserQuery{
		Where: find.where, Status: q.Status, Disabled: q.Disabled, CreatedMin: q.CreatedMin, CreatedMax: q.CreatedMax,
		Now: p.now(), After: after, Limit: q.Limit, Stale: q.Stale,
	})
	if errors.Is(err, storage.ErrNotReady) {
		return UserPage{}, ErrNotReady
	}
	if err != nil {
		return UserPage{}, unavailable(err)
	}
	list := UserPage{Users: []User{}, Next: p.pageToken(userList, string(asked), page.Next)}
	for _, u := range page.Users {
		if find.means(u) {
			list.Users = append(list.Users, s.shown(u))
		}
	}
	return list, nil
}

// CountUsers returns how many users the pool has, disabled ones among them and sign-ups that are not
// confirmed not, as Cognito's EstimatedNumberOfUsers does. The store keeps count: it costs one read
// of one record.
func (a *Admin) CountUsers(ctx context.Context) (int64, error) {
	p := a.pool
	if err := a.reads(ctx, MayReadUsers); err != nil {
		return 0, err
	}
	if p.closed.Load() {
		return 0, ErrClosed
	}
	page, err := p.store.Pools(ctx, storage.PoolQuery{ID: p.config.ID})
	if err == nil && len(page.Pools) == 0 {
		err = storage.ErrNoPool
	}
	if err != nil {
		return 0, unavailable(err)
	}
	return page.Pools[0].Users, nil
}

// ListEvents returns a page of the events about a user, newest first, as Cognito's
// AdminListUserAuthEvents does; q.User must be given, and Newest is set. Those about a user who was
// deleted stay for as long as the settings keep events. It fails and costs as [Pool.ListEvents]
// does.
func (a *Admin) ListEvents(ctx context.Context, q EventQuery) (EventPage, error) {
	if !validID(q.User) {
		return EventPage{}, ErrNotFound
	}
	if err := a.reads(ctx, MayReadEvents); err != nil {
		return EventPage{}, err
	}
	q.Newest = true
	return a.pool.listEvents(ctx, a.actor.Name, q)
}

func outOfRange(t time.Time) bool {
	y := t.UTC().Year()
	return y < 1 || y > 9999
}
