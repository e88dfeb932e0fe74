package password

import "context"

// Enter comes to d as a hash with parameters p does, and stays until leave is called.
func Enter(ctx context.Context, d *Hasher, p Params) (leave func(), err error) {
	return d.door.enter(ctx, d.from, p)
}

// Waiting returns how many places at d are taken.
func Waiting(d *Hasher) int {
	d.door.mu.Lock()
	defer d.door.mu.Unlock()
	return int(d.door.queue.taken)
}

// Left returns what d still remembers, and how much of it is in use: all 0 when nobody is there.
func Left(d *Hasher) int {
	d.door.mu.Lock()
	defer d.door.mu.Unlock()
	q, c, f := &d.door.queue, d.door.capacity, d.door.free
	return len(q.root.children) + len(q.sources) + int(q.taken+q.cost) +
		int(c.threads-f.threads) + int(c.memory-f.memory)
}
