package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// modelCheck makes the same random commits in the store under test and in storage/memory, and
// wants both to answer and to read alike after each. The world is small, so that commits collide.
type modelCheck struct {
	t         testing.TB
	ctx       context.Context
	st, model storage.Store
	rand      *rand.Rand
	now       time.Time // moves forward with every step
	news      int       // numbers what is made, so that times and ids of some things are unique
	ending    bool      // the last fifth of the steps
	past      []any     // records as they were read at some time, to be used again when stale
	story     []string  // what was done
	answers   []string  // how each commit went, by class
}

// runModel runs the check with a seed of its own, which it prints if it fails.
func runModel(t *testing.T, a Adapter) {
	explain(t, "the store does what storage/memory does; USERPOOL_SEED repeats a failure")
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("USERPOOL_SEED"), 10, 64); err == nil {
		seed = n
	}
	steps := 1500
	if testing.Short() || underDetector {
		steps = 300
	}
	if a.Steps > 0 {
		steps = min(steps, a.Steps)
	}
	if n, err := strconv.Atoi(os.Getenv("USERPOOL_STEPS")); err == nil {
		steps = n
	}
	if err := checkModel(t, a, seed, steps); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

func checkModel(t testing.TB, a Adapter, seed uint64, steps int) error {
	s := &scene{TB: t, ctx: t.Context(), adapter: a, address: a.New(t)}
	m := &modelCheck{
		t: t, ctx: t.Context(), st: s.open(), model: memory.New(), rand: rand.New(rand.NewPCG(seed, seed)),
		now: noon,
	}
	defer m.model.Close()
	for _, p := range modelPools {
		if err := m.commit([]storage.Change{putOf(pool(p))}); err != nil {
			return err
		}
	}
	for n := range steps {
		m.ending = n > steps*4/5
		m.now = m.now.Add(time.Duration(m.rand.IntN(20)) * time.Second)
		if err := m.step(); err != nil {
			last := m.story[max(0, len(m.story)-12):]
			return fmt.Errorf("step %d: %w\nthe last commits were\n\t%s", n, err, strings.Join(last, "\n\t"))
		}
	}
	t.Logf("seed %d: %s", seed, summary(m.answers))
	return nil
}

// step does one thing to both stores, and compares what they then read.
func (m *modelCheck) step() error {
	p := modelPools[m.rand.IntN(len(modelPools))]
	switch m.rand.IntN(30) {
	case 0:
		return m.sweep()
	case 1:
		return m.lease()
	case 2:
		return m.feed()
	case 3:
		return m.drop()
	}
	if err := m.commit(m.randomCommit(p)); err != nil {
		return err
	}
	return m.compare(p)
}

// commit makes one commit in both stores and wants the same answer.
func (m *modelCheck) commit(changes []storage.Change) error {
	want := m.model.Commit(m.ctx, changes...)
	got := m.st.Commit(m.ctx, changes...)
	m.story = append(m.story, fmt.Sprintf("%s: %v", detailed(changes), want))
	m.answers = append(m.answers, classOf(want))
	if sameAnswer(got, want, len(changes)) {
		return nil
	}
	return fmt.Errorf("commit of %s: got %v, the model says %v", detailed(changes), got, want)
}

// sameAnswer compares errors by class, and by the change that they name. Of several changes that
// would be refused a store may name any one.
func sameAnswer(got, want error, changes int) bool {
	if (got == nil) != (want == nil) {
		return false
	}
	g, isChange := errors.AsType[*storage.ChangeError](got)
	w, shouldBe := errors.AsType[*storage.ChangeError](want)
	if isChange != shouldBe {
		return false
	}
	if changes > 1 && isChange && g.Index != w.Index {
		return true
	}
	return classOf(got) == classOf(want)
}

// detailed tells what a commit was made of, with every field.
func detailed(changes []storage.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%T %s", c, show(c)))
	}
	return strings.Join(out, "; ")
}

// compare reads everything in a pool from both stores.
func (m *modelCheck) compare(p user.PoolID) error {
	got, err := m.dump(m.st, p)
	if err != nil {
		return err
	}
	want, err := m.dump(m.model, p)
	if err != nil {
		return fmt.Errorf("the model: %w", err)
	}
	for i := range want {
		if g, w := show(got[i]), show(want[i]); g != w {
			return fmt.Errorf("read %d of pool %s at %s:\n got %s\nwant %s", i, p, m.now, g, w)
		}
	}
	m.remember(want)
	return nil
}

// remember keeps some of what was read, to be put, deleted and required when it has moved on.
func (m *modelCheck) remember(dump []any) {
	for _, part := range dump {
		users, isUsers := part.([]*user.User)
		if !isUsers || len(users) == 0 {
			continue
		}
		m.past = append(m.past, users[m.rand.IntN(len(users))])
	}
	if len(m.past) > 20 {
		m.past = m.past[len(m.past)-20:]
	}
}

// dump reads all that there is in a pool, in many ways.
func (m *modelCheck) dump(st storage.Store, p user.PoolID) ([]any, error) {
	w := storage.Want{Now: m.now, Tickets: modelTickets(p), Documents: modelDocuments, Counters: modelCounters(p)}
	all, err := st.Read(m.ctx, p, w)
	all.PoolEpoch = min(all.PoolEpoch, 1) // how far it moves is the store's own
	all.User = nil                        // the first of many tickets' owner: lists show all users
	out := []any{all}
	for _, l := range append(modelLogins, modelAddresses...) {
		got, e := st.Read(m.ctx, p, storage.Want{
			Now: m.now, User: user.ByLogin(l), Attempt: user.ByLogin(l),
			Counters: []storage.CounterKey{{Pool: p, Name: "n"}},
		})
		out, err = append(out, got.User, got.Attempt, got.Counters), errors.Join(err, e)
	}
	pools, e := st.Pools(m.ctx, storage.PoolQuery{ID: p})
	for _, p := range pools.Pools {
		p.Epoch = 0
	}
	out, err = append(out, pools.Pools), errors.Join(err, e)
	if len(pools.Pools) == 0 {
		return out, err
	}
	lists, e := m.dumpLists(st, p)
	return append(out, lists...), errors.Join(err, e)
}

func (m *modelCheck) dumpLists(st storage.Store, p user.PoolID) (out []any, err error) {
	for _, q := range modelQueries {
		q.Now = m.now
		var users []*user.User
		for {
			page, e := st.Users(m.ctx, p, q)
			users, err = append(users, page.Users...), errors.Join(err, e)
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		out = append(out, users)
	}
	for n := range modelUsers {
		page, e := st.Sessions(m.ctx, p, storage.SessionQuery{User: modelUser(p, n), Now: m.now})
		out, err = append(out, page.Sessions), errors.Join(err, e)
	}
	documents, e := st.Documents(m.ctx, p, storage.DocumentQuery{Kind: "a"})
	events, e2 := st.Events(m.ctx, p, storage.EventQuery{})
	unsealed, e3 := st.Events(m.ctx, p, storage.EventQuery{Unsealed: true})
	mine, e4 := st.Events(m.ctx, p, storage.EventQuery{User: modelUser(p, 0), Limit: 2})
	latest, e6 := st.Events(m.ctx, p, storage.EventQuery{User: modelUser(p, 0), Newest: true, Limit: 2})
	mine.Next, latest.Next = "", ""
	due, e5 := st.Due(m.ctx, []user.PoolID{p}, -1, m.now.Add(time.Hour), storage.MaxPage)
	slices.SortFunc(due, func(a, b *storage.Outgoing) int { return strings.Compare(a.ID, b.ID) })
	return append(out, documents, events, unsealed, mine, latest, due), errors.Join(err, e, e2, e3, e4, e5, e6)
}

// sweep sweeps both stores clean.
func (m *modelCheck) sweep() error {
	for _, st := range []storage.Store{m.st, m.model} {
		for n := 3; n == 3; {
			var err error
			if n, err = st.Sweep(m.ctx, m.now, 3); err != nil || n > 3 {
				return fmt.Errorf("Sweep of 3: %d, %v", n, err)
			}
		}
	}
	m.story = append(m.story, "sweep")
	if err := m.compare(modelPools[0]); err != nil {
		return err
	}
	return m.trim(int64(m.rand.IntN(5)))
}

// trim trims the events of both stores.
func (m *modelCheck) trim(seal int64) error {
	for _, st := range []storage.Store{m.st, m.model} {
		for left := true; left; {
			var err error
			if left, err = st.Trim(m.ctx, modelPools[0], seal, 2); err != nil {
				return fmt.Errorf("Trim to seal %d: %w", seal, err)
			}
		}
	}
	m.story = append(m.story, fmt.Sprintf("trim to seal %d", seal))
	return m.compare(modelPools[0])
}

// drop drops what was deleted, in both stores.
func (m *modelCheck) drop() error {
	deleted, err := m.model.Pools(m.ctx, storage.PoolQuery{Deleted: true})
	if err != nil {
		return err
	}
	for _, p := range deleted.Pools {
		for _, st := range []storage.Store{m.st, m.model} {
			for left := true; left; {
				if left, err = st.Drop(m.ctx, p.ID, 5); err != nil {
					return fmt.Errorf("drop of pool %s: %w", p.ID, err)
				}
			}
		}
	}
	got, err := m.st.Pools(m.ctx, storage.PoolQuery{Deleted: true})
	if len(got.Pools) != len(deleted.Pools) {
		return fmt.Errorf("%d deleted pools after Drop, %v, want %d", len(got.Pools), err, len(deleted.Pools))
	}
	return err
}

func (m *modelCheck) lease() error {
	l := storage.Lease{
		Name: fmt.Sprint("l", m.rand.IntN(2)), Holder: fmt.Sprint("h", m.rand.IntN(3)), Now: m.now,
		Until: m.now.Add(time.Duration(m.rand.IntN(120)-20) * time.Second),
	}
	got, err := m.st.Lease(m.ctx, l)
	want, _ := m.model.Lease(m.ctx, l)
	if err != nil || got != want {
		return fmt.Errorf("lease %s: got %t, %v, the model says %t", show(l), got, err, want)
	}
	return nil
}

// feed wants both feeds to tell the same revocations and the same pools, and the true epochs.
func (m *modelCheck) feed() error {
	got, err := follow(m.ctx, m.st, "")
	if err != nil {
		return err
	}
	want, _ := follow(m.ctx, m.model, "")
	if g, w := revoked(got), revoked(want); !slices.Equal(g, w) {
		return fmt.Errorf("the feed tells the revocations %v, the model %v", g, w)
	}
	for _, p := range modelPools {
		read, err := m.st.Read(m.ctx, p, storage.Want{Now: m.now})
		if err != nil {
			return err
		}
		g, w := latest(got, p), latest(want, p)
		if g.Deleted != w.Deleted || !g.Deleted && g.Epoch != read.PoolEpoch {
			return fmt.Errorf("the feed tells of pool %s: %s, the model %s, Read says epoch %d", p,
				show(g), show(w), read.PoolEpoch)
		}
	}
	return nil
}

// revoked returns the revocations of a feed, each once.
func revoked(f storage.Feed) []string {
	var out []string
	for _, r := range f.Revocations {
		out = append(out, show(r))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
