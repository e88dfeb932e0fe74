package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// userList names the list of users in its page tokens.
const userList = "users"

// UserQuery asks for a page of a pool's users.
type UserQuery struct {
	Status     user.Status // "" means any
	Disabled   *bool       // nil means either
	CreatedMin time.Time   // inclusive; zero means no bound
	CreatedMax time.Time   // exclusive; zero means no bound
	After      string      `json:"-"` // Next of the page before; "" starts
	Limit      int         `json:"-"` // at most 1000; 0 means 1000
}

// UserPage is a page of a pool's users.
type UserPage struct {
	Users []User
	// Next is good for a day, for the same actor and query; "" means that there is no more. A page
	// may be short, or empty, and still have one: a page looks at no more than a thousand users.
	Next string
}

// ListUsers returns a page of users and of sign-ups that are not confirmed yet, in the order in
// which they were made. It fails with a *[ValidationError], also where After is of another list,
// another query or another actor, or older than a day (security.md S16). It costs one read.
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
	if q.Limit < 0 || q.Limit > storage.MaxPage {
		v.add("Limit", fmt.Sprintf("must be 0 to %d", storage.MaxPage))
	}
	if err := v.err(); err != nil {
		return UserPage{}, err
	}
	if _, err := a.may(ctx, MayReadUsers); err != nil {
		return UserPage{}, err
	}
	page, err := p.store.Users(ctx, p.config.ID, storage.UserQuery{
		Status: q.Status, Disabled: q.Disabled, CreatedMin: q.CreatedMin, CreatedMax: q.CreatedMax,
		Now: p.now(), After: after, Limit: q.Limit,
	})
	if err != nil {
		return UserPage{}, unavailable(err)
	}
	list := UserPage{Users: make([]User, len(page.Users)), Next: p.pageToken(userList, string(asked), page.Next)}
	s := p.today()
	for i, u := range page.Users {
		list.Users[i] = s.shown(u)
	}
	return list, nil
}

func outOfRange(t time.Time) bool {
	y := t.UTC().Year()
	return y < 1 || y > 9999
}
