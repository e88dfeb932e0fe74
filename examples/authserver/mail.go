package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/hosted/dev"
	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
)

// mailboxes keep the mail of a trial, of each pool apart. A pool in production refuses them.
type mailboxes struct {
	mu  sync.Mutex
	all map[string]*mailbox.Mailbox // by pool
}

func newMailboxes() *mailboxes { return &mailboxes{all: map[string]*mailbox.Mailbox{}} }

// Undelivered reports that nothing is delivered.
func (*mailboxes) Undelivered() bool { return true }

// Send keeps a mail.
func (b *mailboxes) Send(ctx context.Context, m message.Message) error {
	return b.of(m.Pool).Send(ctx, m)
}

func (b *mailboxes) of(id string) *mailbox.Mailbox {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all[id] == nil {
		b.all[id] = mailbox.New()
	}
	return b.all[id]
}

// page is the page that shows the mail of one pool, below that pool's path.
type page struct {
	hosted.Dev
	base string
}

func (b *mailboxes) page(id, base string) hosted.Dev { return page{dev.InsecureDev(b.of(id)), base} }

// Mount puts the page below the pool's path: all pools have one, on one host.
func (d page) Mount(p *pool.Pool, frame hosted.Frame) (string, http.Handler, error) {
	path, shown, err := d.Dev.Mount(p, frame)
	return d.base + path, shown, err
}
