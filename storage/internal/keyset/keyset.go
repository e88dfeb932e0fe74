// Package keyset is what adapters on a database share of lists by pages: where a page ended, and
// what of a list of users no index decides.
package keyset

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Place is where a page ended: the columns that its list is ordered by, of the last row looked at,
// which need not exist any more when the next page begins.
type Place struct {
	List string `json:"l"` // which list and order
	Text string `json:"v,omitempty"`
	At   int64  `json:"t,omitempty"`
	ID   string `json:"i"`
}

// Cursor returns the place as the Next of a page.
func (p Place) Cursor() string {
	b, _ := json.Marshal(p) // of texts and a number: cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// Begin returns where a page begins, "" before everything, and how many records it has.
func Begin(cursor, list string, limit int) (after Place, n int, err error) {
	switch {
	case limit < 0:
		return after, 0, fmt.Errorf("%w: a page of %d", storage.ErrInvalid, limit)
	case limit == 0 || limit > storage.MaxPage:
		limit = storage.MaxPage
	}
	after, err = parse(cursor, list)
	return after, limit, err
}

func parse(cursor, list string) (p Place, err error) {
	if cursor == "" {
		return Place{List: list, At: math.MinInt64}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || p.List != list || strings.IndexByte(p.Text+p.ID, 0) >= 0 {
		return p, fmt.Errorf("%w: not a cursor of this list", storage.ErrInvalid)
	}
	return p, nil
}

// Cut keeps the first n of records, of which one more than n was read, and returns the cursor of
// the next page.
func Cut[R any](records []R, n int, at func(R) Place) ([]R, string) {
	if len(records) <= n {
		return records, ""
	}
	return records[:n], at(records[n-1]).Cursor()
}

// Users is the way along a list of users for one page.
type Users struct {
	Query storage.UserQuery
	List  string // which list and order
	Limit int

	last     Place
	examined int
	users    []*user.User
}

// The lists of users, by what decides their order.
const (
	ByLogin   = "login"
	ByPrefix  = "prefix"
	ByValue   = "value"
	ByCreated = "created"
	ByID      = "id"
)

// BeginUsers returns the way along the list that a query chooses, and where its page begins.
func BeginUsers(q storage.UserQuery) (u Users, after Place, err error) {
	if q.Now.IsZero() || q.Where != nil && len(q.Where.Value) > storage.MaxTerm {
		return u, after, fmt.Errorf("%w: a list of users needs the time, and a value of at most %d bytes", storage.ErrInvalid, storage.MaxTerm)
	}
	u.Query = q
	switch {
	case q.Where != nil && q.Where.Name == storage.LoginTerm:
		u.List = ByLogin
	case q.Where != nil && q.Where.Prefix:
		u.List = ByPrefix
	case q.Where != nil:
		u.List = ByValue
	case q.Order == storage.ByCreated:
		u.List = ByCreated
	case q.Order == storage.ByID:
		u.List = ByID
	default:
		return u, after, fmt.Errorf("%w: no such order", storage.ErrInvalid)
	}
	after, u.Limit, err = Begin(q.After, u.List, q.Limit)
	return u, after, err
}

// Full tells whether the page holds as many users as it may, or has looked at as many.
func (w *Users) Full() bool { return w.examined == storage.Examined || len(w.users) == w.Limit }

// Left returns how many users the page may still look at.
func (w *Users) Left() int { return storage.Examined - w.examined }

// Last returns the place of the user looked at last.
func (w *Users) Last() Place { return w.last }

// Take looks at the next user, who stands in the list by value, and who expires then, if ever.
func (w *Users) Take(u *user.User, value string, expires time.Time) {
	w.examined++
	w.last = Place{List: w.List, Text: value, At: u.Created.UnixMicro(), ID: string(u.ID)}
	if over := !expires.IsZero() && !expires.After(w.Query.Now); !over && w.matches(u, value) {
		w.users = append(w.users, u)
	}
}

// Page returns the users who were taken; more tells that there are others behind them.
func (w *Users) Page(more bool) storage.UserPage {
	page := storage.UserPage{Users: w.users}
	if more {
		page.Next = w.last.Cursor()
	}
	return page
}

// matches judges what no index decides.
func (w *Users) matches(u *user.User, value string) bool {
	q := w.Query
	switch {
	case w.List == ByLogin && !q.Where.First(u, value):
		return false
	case q.Status != "" && u.Status != q.Status:
		return false
	case q.Disabled != nil && u.Disabled != *q.Disabled:
		return false
	case !q.CreatedMin.IsZero() && u.Created.Before(q.CreatedMin.Truncate(time.Microsecond)):
		return false
	}
	return q.CreatedMax.IsZero() || u.Created.Before(q.CreatedMax.Truncate(time.Microsecond))
}

// Ready tells whether a pool that is searchable by names has the index that a query walks along.
func (w *Users) Ready(searchable func(name string) bool) bool {
	q := w.Query.Where
	return q == nil || q.Name == storage.GroupTerm || q.Name == storage.LoginTerm || searchable(q.Name)
}
