package password

import "context"

// Enter comes to d as a hash with parameters p does, and stays until leave is called.
func Enter(ctx context.Context, d *Hasher, p Params) (leave func(), err error) {
	return d.door.enter(ctx, d.from, p)
}

// Waiting returns how many wait at d.
func Waiting(d *Hasher) int {
	d.door.mu.Lock()
	defer d.door.mu.Unlock()
	return len(d.door.queue.waiting)
}

// Left returns what d still remembers, and how much of it is in use: all 0 when nobody is there.
func Left(d *Hasher) int {
	d.door.mu.Lock()
	defer d.door.mu.Unlock()
	q, c, f := &d.door.queue, d.door.capacity, d.door.free
	return len(q.waiting) + len(q.flows) + len(q.sources) + int(q.taken+q.cost) +
		int(c.threads-f.threads) + int(c.memory-f.memory)
}
