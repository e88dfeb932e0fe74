package storagetest

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// The small world of the model check.
var (
	modelPools     = []user.PoolID{"one", "two"}
	modelLogins    = []string{"ada", "bob", "cleo", "dan"}
	modelAddresses = []string{"x@example.com", "y@example.com"}
	modelDocuments = []storage.DocumentKey{{Kind: "a", ID: "0"}, {Kind: "a", ID: "1"}, {Kind: "b", ID: "0"}}
	modelRules     = []storage.Rule{
		{Free: 2},
		{Free: 3, Window: time.Minute},
		{Free: 2, Base: 10 * time.Second, Max: time.Minute, Decay: time.Minute, Ceiling: 6},
	}
	modelStatuses = []user.Status{
		user.Confirmed, user.Confirmed, user.ForceChangePassword,
		user.ResetRequired, user.External,
	}
	modelQueries = []storage.UserQuery{
		{Limit: 3},
		{Order: storage.ByID, Limit: 2},
		{Status: user.Unconfirmed},
		{Disabled: new(bool), Limit: 2},
		{Where: &storage.Where{Name: "color", Value: "re", Prefix: true}, Limit: 2},
		{Where: &storage.Where{Name: "color", Value: "red"}, Limit: 1},
		{Where: &storage.Where{Name: storage.LoginTerm, Prefix: true}, Limit: 2},
		{CreatedMin: noon.Add(10 * time.Second), CreatedMax: noon.Add(100 * time.Second)},
	}
)

const modelUsers = 10

// modelUser returns the n-th user id of a pool: ids are unique in a store.
func modelUser(p user.PoolID, n int) user.ID {
	return userID(n + 100*slices.Index(modelPools, p))
}

func modelTickets(user.PoolID) []string { return names(6, numbered("t")) }

// modelCounters returns the counters of a pool: of users, tickets and others, for rules and as
// marks.
func modelCounters(p user.PoolID) []storage.CounterKey {
	var out []storage.CounterKey
	for _, owner := range []string{string(modelUser(p, 0)), "t0", "source"} {
		for _, name := range []string{"0", "1", "2", "mark"} {
			out = append(out, storage.CounterKey{Pool: p, Owner: owner, Name: name})
		}
	}
	return out
}

// draft is a commit in the making. A user, a ticket and what belongs to them have one subject, and
// no two changes of a draft have the same: what a set means that both deletes a user and signs them
// in is nobody's business.
type draft struct {
	changes  []storage.Change
	subjects map[string]bool
}

// add adds a change unless a subject of it is taken.
func (d *draft) add(c storage.Change, subjects ...string) {
	for _, s := range subjects {
		if s != "" && d.subjects[s] {
			return
		}
	}
	for _, s := range subjects {
		d.subjects[s] = true
	}
	d.changes = append(d.changes, c)
}

// alone adds a change that may take something of any user with it, or collide with it: a commit with
// it has no change to another user.
func (d *draft) alone(p user.PoolID, c storage.Change) {
	if len(d.changes) > 0 {
		return
	}
	d.add(c, "attempts")
	for n := range modelUsers {
		d.subjects[string(modelUser(p, n))] = true
	}
}

// randomCommit returns one to four changes of a pool.
func (m *modelCheck) randomCommit(p user.PoolID) []storage.Change {
	d := &draft{subjects: map[string]bool{}}
	for range 1 + m.rand.IntN(4)*m.rand.IntN(2) {
		switch m.rand.IntN(12) {
		case 0, 1, 2:
			m.draftUser(d, p)
		case 3:
			m.draftAttempt(d, p)
		case 4, 5:
			m.draftSession(d, p)
		case 6:
			m.draftTicket(d, p)
		case 7:
			m.draftOutgoing(d, p)
		case 8:
			m.draftDocument(d, p)
		case 9, 10:
			m.draftCounter(d, p)
		case 11:
			m.draftHistory(d, p)
		}
	}
	if m.rand.IntN(150) == 0 {
		return append([]storage.Change(nil), m.poolChange(p))
	}
	return d.changes
}

// alter returns a change to a record: mostly a Put of it as changed, now and then a Delete or
// Require.
func (m *modelCheck) alter(r any) storage.Change {
	v := stampOf(r)
	if *v == 0 {
		return putOf(r)
	}
	if _, isUser := r.(*user.User); !isUser && m.rand.IntN(6) == 0 {
		*v = storage.NewStamp() // as if another had moved it; users come stale from the past
	}
	switch m.rand.IntN(8) {
	case 0, 1:
		return storage.DeleteRecord{Record: r}
	case 2:
		return storage.RequireRecord{Record: r}
	}
	return putOf(r)
}

// current returns what the model stores under the key of r, or r where it stores nothing or, now
// and then, in spite of it.
func (m *modelCheck) current(p user.PoolID, r any) any {
	if m.rand.IntN(8) == 0 {
		return r
	}
	w := storage.Want{Now: m.now}
	switch r := r.(type) {
	case *user.User:
		w.User = user.ByID(r.ID)
	case *token.Session:
		w.Session = storage.SessionKey{User: user.ID(r.User), ID: r.ID}
	case *storage.Ticket:
		w.Tickets = []string{r.ID}
	case *storage.Document:
		w.Documents = []storage.DocumentKey{{Kind: r.Kind, ID: r.ID}}
	}
	got, err := m.model.Read(m.ctx, p, w)
	if err != nil {
		m.t.Fatalf("read the model: %v", err)
	}
	var found any
	switch {
	case w.Session.ID != "":
		found, _ = present(got.Session, nil)
	case w.Tickets != nil:
		found, _ = only(got.Tickets, nil)
	case w.Documents != nil:
		found, _ = only(got.Documents, nil)
	default:
		found, _ = present(got.User, nil)
	}
	if found == nil {
		return r
	}
	return found
}

// made returns a time that nothing else was made at.
func (m *modelCheck) made() time.Time {
	m.news++
	return m.now.Add(time.Duration(m.news) * tick)
}
