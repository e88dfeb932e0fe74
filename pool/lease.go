package pool

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/storage"
)

// tenure is a lease that a process keeps for as long as there is something to do. The zero tenure
// was never asked for.
type tenure struct {
	asked time.Time
	held  bool
}

// take tells whether the lease is held. It asks the store only when half of the lease is over,
// because to ask is to write. A lease that is held stays where no answer comes: who stops gives it up
// once what runs under it is done.
func (t *tenure) take(ctx context.Context, d *Directory, l storage.Lease) (bool, error) {
	if since := l.Now.Sub(t.asked); since >= 0 && since < l.Until.Sub(l.Now)/2 {
		return t.held, nil
	}
	ask := d.claim
	if t.held {
		ask = d.store.Lease
	}
	held, err := ask(ctx, l)
	if err != nil {
		return false, err
	}
	t.asked, t.held = l.Now, held
	return held, nil
}

// claim asks for a lease, and gives up what it may have been given where ctx ends before the answer
// comes: what waits would wait for the end of a lease that nobody has.
func (d *Directory) claim(ctx context.Context, l storage.Lease) (bool, error) {
	held, err := d.store.Lease(ctx, l)
	if err != nil && over(ctx) {
		d.giveUp(ctx, l)
	}
	return held, err
}

// giveUp lets the next process have what is leased at once.
func (d *Directory) giveUp(ctx context.Context, l storage.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settledAfter)
	defer cancel()
	l.Now = d.now()
	l.Until = l.Now
	if _, err := d.store.Lease(ctx, l); err != nil {
		d.config.Logger.WarnContext(ctx, "lease stays until it runs out", "lease", l.Name, "error", err)
	}
}
