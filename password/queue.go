package password

import "slices"

// queue orders those who wait at the door so that none can push another out (security.md T9).
//
// It is start-time fair queueing in four levels. Each lane, each pool in it, each source there and
// each account of that is a flow, with a virtual time that grows by the cost of whatever is let in
// for it. Next is whose lane has had least, of those whose pool has, and so on; among equals, who
// came first. A flow that is new, or comes back, starts where its siblings stand: waiting earns no
// credit, and others' credit is not lost.
type queue struct {
	places  uint64 // how many units may wait
	taken   uint64
	cost    uint64
	waiting []*job // in the order in which they came
	flows   map[flowKey]*flow
	sources map[string]uint64 // units that wait, by source, whatever the pool
	root    flow
}

// job is a hash that waits or runs.
type job struct {
	weight
	from  From
	cost  uint64
	path  [levels]*flow
	turn  chan struct{} // closed when it is let in
	units uint64
}

// flow is one of those among whom the door is shared.
type flow struct {
	had   uint64 // virtual time: the cost of what was let in
	clock uint64 // virtual time of what was let in last, below this flow
	jobs  int    // that wait or run; a flow without any is forgotten
}

const levels = 4 // lane, pool, source, account

// flowKey names a flow: the part of From that it has in common, and how long that is.
type flowKey struct {
	level int
	from  From
}

func newQueue(places uint64) queue {
	return queue{places: places, flows: map[flowKey]*flow{}, sources: map[string]uint64{}}
}

// push adds j at the end, or reports that there is no place for it. A hash takes a place for every
// default hash that it costs. Strangers leave a quarter of the places to known devices, and no source
// has more than a quarter, in all pools together; but if it has none, it gets one.
func (q *queue) push(j *job) bool {
	j.units = max(1, j.cost/cost(Default()))
	places := q.places
	if !j.from.Known {
		places -= places / 4
	}
	if q.taken > 0 && q.taken+j.units > places {
		return false
	}
	if held := q.sources[j.from.Source]; held > 0 && held+j.units > q.places/4 {
		return false
	}
	q.taken += j.units
	q.cost += j.cost
	q.sources[j.from.Source] += j.units
	q.waiting = append(q.waiting, j)
	q.join(j)
	return true
}

// join puts j into its flows.
func (q *queue) join(j *job) {
	parent := &q.root
	for i, key := range keys(j.from) {
		f := q.flows[key]
		if f == nil {
			f = &flow{had: parent.clock}
			q.flows[key] = f
		}
		f.jobs++
		j.path[i], parent = f, f
	}
}

// next returns whose turn it is. There must be somebody.
func (q *queue) next() *job {
	first := q.waiting[0]
	for _, j := range q.waiting[1:] {
		if j.before(first) {
			first = j
		}
	}
	return first
}

func (j *job) before(other *job) bool {
	for i, f := range j.path {
		if had := other.path[i].had; f.had != had {
			return f.had < had
		}
	}
	return false
}

// charge makes the flows of j pay for it.
func (q *queue) charge(j *job) {
	parent := &q.root
	for _, f := range j.path {
		parent.clock = max(parent.clock, f.had)
		f.had += j.cost
		parent = f
	}
}

// remove takes j out of those who wait, and reports whether it did.
func (q *queue) remove(j *job) bool {
	i := slices.Index(q.waiting, j)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.taken -= j.units
	q.cost -= j.cost
	if q.sources[j.from.Source] -= j.units; q.sources[j.from.Source] == 0 {
		delete(q.sources, j.from.Source)
	}
	return true
}

// forget takes j, which ended, out of its flows.
func (q *queue) forget(j *job) {
	for i, key := range keys(j.from) {
		if j.path[i].jobs--; j.path[i].jobs == 0 {
			delete(q.flows, key)
		}
	}
}

func keys(f From) [levels]flowKey {
	return [levels]flowKey{
		{0, From{Known: f.Known}},
		{1, From{Known: f.Known, Pool: f.Pool}},
		{2, From{Known: f.Known, Pool: f.Pool, Source: f.Source}},
		{3, f},
	}
}
