package storagetest

import (
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

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
		u.Groups = [][]string{nil, {"admin"}, {"admin", "staff"}}[m.rand.IntN(3)]
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
	got, err := m.model.Read(m.ctx, p, storage.Want{
		Now:  m.now,
		User: user.ByID(modelUser(p, m.rand.IntN(modelUsers))),
	})
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
		count := storage.Count{Key: k, Rule: rule, Now: m.now}
		if rule.Base > 0 {
			count.Expect = storage.Expect(m.rand.IntN(3))
		}
		change = count
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
