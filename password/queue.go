package password

import "slices"

// queue orders those who wait at the door so that none can push another out (security.md T9).
//
// It is self-clocked fair queueing in four levels: lanes, pools in each, sources in these, accounts
// there. Each is a flow with a virtual time that grows by the cost of whatever is let in for it.
// Next is whose flow would be done earliest in virtual time, level by level; among equals, the flow
// that has been there longer. A flow that is new, or comes back, starts where its siblings' clock
// stands, and every turn moves that on: being away earns no credit, and no crowd of newcomers,
// however many, keeps anyone waiting for longer than their fair turn.
type queue struct {
	places  uint64 // how many units may wait
	taken   uint64
	cost    uint64            // of all who wait
	sources map[string]uint64 // units that wait, by source, whatever the pool
	root    flow
}

// job is a hash that waits or runs.
type job struct {
	weight
	from  From
	cost  uint64
	units uint64        // places that it takes while it waits
	flow  *flow         // its account
	turn  chan struct{} // closed when it is let in
	shed  chan struct{} // closed when another one takes its place
}

// flow is one of those among whom the door is shared.
type flow struct {
	name     string
	parent   *flow
	children []*flow // oldest first
	waiting  []*job  // of an account, in the order in which they came
	jobs     int     // that wait or run; a flow without any is forgotten
	had      uint64  // virtual time: where its siblings' clock stood when it came, and the cost since
	clock    uint64  // of its children: where the one that was let in last is done
}

func newQueue(places uint64) queue {
	return queue{places: places, sources: map[string]uint64{}}
}

// push adds j at the end, or reports that there is no place for it. A hash takes a place for every
// default hash that it costs. Strangers leave a quarter of the places to known devices, and no
// source has more than a quarter, in all pools together; but if it has none, it gets one.
func (q *queue) push(j *job) bool {
	j.units = max(1, j.cost/cost(Default()))
	if q.taken > 0 && q.taken+j.units > q.open(j) || q.greedy(j) {
		return false
	}
	q.add(j)
	return true
}

// open returns how many places there are for j and its like.
func (q *queue) open(j *job) uint64 {
	if j.from.Known {
		return q.places
	}
	return q.places - q.places/4
}

// greedy reports whether the source of j would have more than a quarter.
func (q *queue) greedy(j *job) bool {
	held := q.sources[j.from.Source]
	return held > 0 && held+j.units > q.places/4
}

// displaced returns who makes room for j where all places are taken, or nil: the newest of the
// source that has most, if that keeps no fewer than the source of j then has. Otherwise a few
// sources that come again and again would keep all others out, who are told each time that the door
// is full. Of the source it is the account that has most. Known devices make no room for strangers.
func (q *queue) displaced(j *job) *job {
	if q.greedy(j) {
		return nil
	}
	var out *job
	var most, each uint64 // that its source has, and its account
	for _, lane := range q.root.children {
		if lane.name == known && !j.from.Known {
			continue
		}
		lane.newest(func(w *job) {
			has, n := q.sources[w.from.Source], uint64(len(w.flow.waiting))
			if has > most || has == most && n > each {
				out, most, each = w, has, n
			}
		})
	}
	if out == nil || q.sources[j.from.Source]+j.units > most-out.units || q.taken-out.units+j.units > q.open(j) {
		return nil
	}
	return out
}

// newest calls fn with who came last of each account below f.
func (f *flow) newest(fn func(*job)) {
	if n := len(f.waiting); n > 0 {
		fn(f.waiting[n-1])
	}
	for _, c := range f.children {
		c.newest(fn)
	}
}

// The lanes.
const (
	stranger = "stranger"
	known    = "known"
)

func (q *queue) add(j *job) {
	q.taken += j.units
	q.cost += j.cost
	q.sources[j.from.Source] += j.units
	lane := stranger
	if j.from.Known {
		lane = known
	}
	f := &q.root
	for _, name := range []string{lane, j.from.Pool, j.from.Source, j.from.Account} {
		f = f.child(name)
		f.jobs++
	}
	f.waiting = append(f.waiting, j)
	j.flow = f
}

// child returns a flow below f. There are no more of them than hashes at the door.
func (f *flow) child(name string) *flow {
	for _, c := range f.children {
		if c.name == name {
			return c
		}
	}
	c := &flow{name: name, parent: f, had: f.clock}
	f.children = append(f.children, c)
	return c
}

// next returns whose turn it is, or nil if nobody waits.
func (q *queue) next() *job { return q.root.next() }

func (f *flow) next() *job {
	if len(f.waiting) > 0 {
		return f.waiting[0]
	}
	var first *job
	var earliest uint64
	for _, c := range f.children {
		j := c.next()
		if j == nil {
			continue
		}
		if done := c.had + j.cost; first == nil || done < earliest {
			first, earliest = j, done
		}
	}
	return first
}

// charge makes the flows of j pay for it.
func (q *queue) charge(j *job) {
	for f := j.flow; f.parent != nil; f = f.parent {
		f.had += j.cost
		f.parent.clock = max(f.parent.clock, f.had)
	}
}

// remove takes j out of those who wait, and reports whether it was among them.
func (q *queue) remove(j *job) bool {
	i := slices.Index(j.flow.waiting, j)
	if i < 0 {
		return false
	}
	j.flow.waiting = slices.Delete(j.flow.waiting, i, i+1)
	q.taken -= j.units
	q.cost -= j.cost
	if q.sources[j.from.Source] -= j.units; q.sources[j.from.Source] == 0 {
		delete(q.sources, j.from.Source)
	}
	return true
}

// forget takes j, which ended, out of its flows.
func (q *queue) forget(j *job) {
	for f := j.flow; f.parent != nil; f = f.parent {
		if f.jobs--; f.jobs == 0 {
			i := slices.Index(f.parent.children, f)
			f.parent.children = slices.Delete(f.parent.children, i, i+1)
		}
	}
}
