package pool

import "github.com/userpool-go/userpool/storage"

// Hashes returns how many passwords this pool has hashed.
func (p *Pool) Hashes() uint64 { return p.door.Count() }

// Known returns how many pools the directory knows of.
func (d *Directory) Known() int { return len(d.known()) }

// Rest lets go of the pools that nobody asked for of late.
func (d *Directory) Rest() { d.rest(d.now()) }

// Failed returns how many pools could not be loaded.
func (d *Directory) Failed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// Bare reports whether nothing stands between the pool and its store.
func Bare(p *Pool, st storage.Store) bool { return p.store == st }
