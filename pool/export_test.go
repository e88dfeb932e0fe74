package pool

// Hashes returns how many passwords this pool has hashed.
func (p *Pool) Hashes() uint64 { return p.door.Count() }
