package storagetest

import (
	"fmt"
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
	modelRules     = []storage.Rule{{Free: 2}, {Free: 3, Window: time.Minute},
		{Free: 2, Base: 10 * time.Second, Max: time.Minute, Decay: time.Minute, Ceiling: 6}}
	modelStatuses = []user.Status{user.Confirmed, user.Confirmed, user.ForceChangePassword,
		user.ResetRequired, user.External}
	modelQueries = []storage.UserQuery{
		{Limit: 3}, {Order: storage.ByID, Limit: 2}, {Status: user.Unconfirmed}, {Disabled: new(bool), Limit: 2},
		{Where: &storage.Where{Name: "color", Value: "re", Prefix: true}, Limit: 2},
		{Where: &storage.Where{Name: "color", Value: "red"}, Limit: 1},
		{CreatedMin: noon.Add(10 * time.Second), CreatedMax: noon.Add(100 * time.Second)},
	}
)

const modelUsers = 10

// modelUser returns the n-th user id of a pool: ids are unique in a store.
func modelUser(p user.PoolID, n int) user.ID {
	return userID(n + 100*slices.Index(modelPools, p))
}

func modelTickets(user.PoolID) []string { return names(6, numbered("t")) }

// modelCounters returns the counters of a pool: of users, tickets and others, for rules and as marks.
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

// alter returns a change to a record: mostly a Put of it as changed, now and then a Delete or Require.
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

func (m *modelCheck) draftUser(d *draft, p user.PoolID) {
	u := person(0)
	u.Pool, u.ID, u.Created = p, modelUser(p, m.rand.IntN(modelUsers)), m.made()
	u = m.current(p, u).(*user.User)
	if len(m.past) > 0 && m.rand.IntN(6) == 0 {
		if old := m.past[m.rand.IntN(len(m.past))].(*user.User); old.Pool == p {
			u = old.Clone()
		}
	}
	if u.Attempt != nil && m.rand.IntN(2) == 0 {
		d.add(storage.Put(confirm(u)), string(u.ID), "attempts")
		return
	}
	u.Epoch, u.Disabled, u.Updated = u.Epoch+1, m.rand.IntN(3) == 0, m.now
	u.Attributes = user.Attributes{"n": fmt.Sprint(m.news)}
	u.Index = []user.Term{{Name: "color", Value: []string{"red", "redder", "blue"}[m.rand.IntN(3)]}}
	if u.Attempt == nil {
		u.Status, u.Logins = modelStatuses[m.rand.IntN(len(modelStatuses))], nil
		for _, l := range append(modelLogins, modelAddresses...) {
			if m.rand.IntN(5) == 0 {
				u.Logins = append(u.Logins, login(l))
			}
		}
	}
	d.add(m.alter(u), string(u.ID), attempts(u))
}

// attempts is the subject of all sign-ups: one more may erase another.
func attempts(u *user.User) string {
	if was, loaded := u.Loaded(); u.Attempt != nil || loaded && was.Attempt != nil {
		return "attempts"
	}
	return ""
}

// draftAttempt signs somebody up.
func (m *modelCheck) draftAttempt(d *draft, p user.PoolID) {
	u := attempt(0, modelAddresses[m.rand.IntN(2)])
	u.Pool, u.ID, u.Created = p, modelUser(p, m.rand.IntN(modelUsers)), m.made()
	u.Attempt.Expires = m.now.Add(time.Duration(m.rand.IntN(600)) * time.Second)
	d.alone(p, putOf(u))
}

// somebody returns a user of the pool who is stored; "" where there is none.
func (m *modelCheck) somebody(p user.PoolID) user.ID {
	got, err := m.model.Read(m.ctx, p, storage.Want{Now: m.now,
		User: user.ByID(modelUser(p, m.rand.IntN(modelUsers)))})
	if err != nil || got.User == nil {
		return ""
	}
	return got.User.ID
}

func (m *modelCheck) draftSession(d *draft, p user.PoolID) {
	owner := m.somebody(p)
	if owner == "" {
		return
	}
	x := session(owner, m.rand.IntN(5))
	x.Pool, x.Created, x.LastUsed = string(p), m.made(), m.now
	x = m.current(p, x).(*token.Session)
	x.Generation++
	x.Expires, x.Idle = m.now.Add(time.Hour), time.Duration(m.rand.IntN(3))*time.Minute
	if n := m.rand.IntN(10); n < 5 && session("", n).ID != x.ID {
		x.Parent = session("", n).ID
	}
	d.add(m.alter(x), string(owner))
}

func (m *modelCheck) draftTicket(d *draft, p user.PoolID) {
	t := ticket(modelTickets(p)[m.rand.IntN(6)], m.somebody(p))
	t.Pool, t.Expires = p, m.now.Add(time.Duration(m.rand.IntN(300))*time.Second)
	t = m.current(p, t).(*storage.Ticket)
	t.State = []byte(fmt.Sprint(m.news))
	if t.Version == 0 {
		d.alone(p, putOf(t))
		return
	}
	d.add(m.alter(t), t.ID, string(t.User))
}

func (m *modelCheck) draftOutgoing(d *draft, p user.PoolID) {
	owner := m.somebody(p)
	if owner == "" {
		return
	}
	if m.rand.IntN(5) == 0 {
		d.add(storage.Defer{Pool: p, Owner: owner, Due: m.now.Add(time.Minute)}, string(owner))
		return
	}
	o := outgoing(fmt.Sprint("o", m.rand.IntN(8)), owner)
	o.Pool, o.Created, o.Due, o.Class = p, m.made(),
		m.now.Add(time.Duration(m.rand.IntN(120))*time.Second), m.rand.IntN(3)
	if m.rand.IntN(2) == 0 {
		o.Ticket = modelTickets(p)[m.rand.IntN(6)]
	}
	if m.rand.IntN(2) == 0 {
		o.NotAfter = m.now.Add(time.Duration(m.rand.IntN(600)) * time.Second)
	}
	due, _ := m.model.Due(m.ctx, []user.PoolID{p}, -1, m.now.Add(time.Hour), storage.MaxPage)
	found, _ := pick(due, nil, func(x *storage.Outgoing) bool { return x.ID == o.ID })
	if found != nil && m.rand.IntN(4) > 0 {
		o = found.(*storage.Outgoing)
		o.Tries++
	}
	if o.Version == 0 {
		d.alone(p, putOf(o))
		return
	}
	d.add(m.alter(o), o.ID, string(o.Owner), o.Ticket)
}

func (m *modelCheck) draftDocument(d *draft, p user.PoolID) {
	k := modelDocuments[m.rand.IntN(len(modelDocuments))]
	doc := document(k.Kind, k.ID)
	doc.Pool = p
	doc = m.current(p, doc).(*storage.Document)
	doc.Body = []byte(fmt.Sprint(m.news, m.now))
	d.add(m.alter(doc), "document "+k.Kind+k.ID)
}

func (m *modelCheck) draftCounter(d *draft, p user.PoolID) {
	keys := modelCounters(p)
	k := keys[m.rand.IntN(len(keys))]
	change := storage.Change(storage.Raise{Key: k, N: int64(1 + m.rand.IntN(12))})
	if k.Name != "mark" {
		rule := modelRules[k.Name[0]-'0']
		change = storage.Count{Key: k, Rule: rule, Now: m.now}
		if m.rand.IntN(4) == 0 {
			change = storage.Clear{Key: k, Rule: rule, Now: m.now}
		}
	}
	if m.rand.IntN(10) == 0 {
		change = storage.Delete(&storage.Counter{Key: k})
	}
	d.add(change, k.Owner)
}

func (m *modelCheck) draftHistory(d *draft, p user.PoolID) {
	switch m.rand.IntN(4) {
	case 0:
		r := revocation(fmt.Sprint("r", m.rand.IntN(50)))
		r.Pool, r.Expires = p, m.now.Add(time.Duration(m.rand.IntN(600))*time.Second)
		d.add(putOf(r), r.ID)
	case 1:
		var ids []string
		page, _ := m.model.Events(m.ctx, p, storage.EventQuery{Unsealed: m.rand.IntN(6) > 0, Limit: 5})
		for _, e := range page.Events {
			ids = append(ids, e.ID)
		}
		next := int64(1)
		if page.Seal != nil {
			next = page.Seal.Number + 1
		}
		if len(ids) > 0 {
			s := sealOf(next, ids...)
			s.Pool = p
			d.add(s, append(ids, "seal")...)
		}
	default:
		e := event(fmt.Sprint("e", m.rand.IntN(400)), m.now.Add(-time.Duration(m.rand.IntN(60))*time.Second))
		e.Pool, e.User = p, modelUser(p, m.rand.IntN(3))
		d.add(putOf(e), e.ID)
	}
}

// poolChange writes or, towards the end, deletes a pool.
func (m *modelCheck) poolChange(p user.PoolID) storage.Change {
	fresh := pool(p)
	fresh.Issuer = "https://" + string(p)
	page, err := m.model.Pools(m.ctx, storage.PoolQuery{ID: p})
	if err != nil || len(page.Pools) == 0 {
		return putOf(fresh)
	}
	if m.ending && p == modelPools[1] {
		return storage.Delete(page.Pools[0])
	}
	page.Pools[0].Issuer = fresh.Issuer
	return putOf(page.Pools[0])
}
