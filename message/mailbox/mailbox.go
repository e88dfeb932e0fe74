// Package mailbox is a message sender that delivers nothing and keeps everything, so that a test, or
// a page of a development server, can read what a pool wrote:
//
//	box := mailbox.New()
//	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box})
//	...
//	code := box.Code("ada@example.com")
//
// An address is a number in E.164 where the message went by SMS.
package mailbox

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/userpool-go/userpool/message"
)

// limit is how many messages a mailbox keeps: a forgotten one must not eat a process.
const limit = 1000

// Mailbox is a [message.Sender] that keeps the last 1000 messages. It is made by [New] and safe for
// concurrent use.
type Mailbox struct {
	mu      sync.Mutex
	kept    []message.Message // oldest first
	arrived chan struct{}     // closed, and replaced, when a message arrives
}

// New returns an empty mailbox.
func New() *Mailbox { return &Mailbox{arrived: make(chan struct{})} }

// Undelivered reports that nothing is delivered: a pool in production refuses a mailbox.
func (b *Mailbox) Undelivered() bool { return true }

// Send keeps m, and lets the oldest message go where there are too many. It fails only when ctx has
// ended.
func (b *Mailbox) Send(ctx context.Context, m message.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.kept) == limit {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
	b.kept = append(b.kept, m)
	close(b.arrived)
	b.arrived = make(chan struct{})
	return nil
}

// All returns all messages, oldest first.
func (b *Mailbox) All() []message.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.kept)
}

// To returns the messages to an address, oldest first. Letter case does not matter.
func (b *Mailbox) To(addr string) []message.Message {
	got, _ := b.to(addr)
	return got
}

// Code returns the code in the newest message to addr that has one, or "" where there is none.
func (b *Mailbox) Code(addr string) string {
	for _, m := range slices.Backward(b.To(addr)) {
		if c := code(m.Text); c != "" {
			return c
		}
	}
	return ""
}

// Link returns the link in the newest message to addr that has one, or "" where there is none.
func (b *Mailbox) Link(addr string) string {
	for _, m := range slices.Backward(b.To(addr)) {
		if l := link.FindString(m.Text); l != "" {
			return l
		}
	}
	return ""
}

// Wait returns the messages to addr, oldest first, as soon as there are at least n. When ctx ends
// before, it returns those that are there, and an error that wraps the context's.
func (b *Mailbox) Wait(ctx context.Context, addr string, n int) ([]message.Message, error) {
	for {
		got, next := b.to(addr)
		if len(got) >= n {
			return got, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return got, fmt.Errorf("wait for %d messages, %d are there: %w", n, len(got), ctx.Err())
		}
	}
}

// to also returns what is closed when the next message arrives, taken under the same lock: one that
// arrives in between is not missed.
func (b *Mailbox) to(addr string) ([]message.Message, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var got []message.Message
	for _, m := range b.kept {
		if strings.EqualFold(m.To, addr) {
			got = append(got, m)
		}
	}
	return got, b.arrived
}

// A code stands on a line of its own; in words other than the built-in ones it may not, and is then
// the first six to eight digits.
var (
	ownLine = regexp.MustCompile(`(?m)^[ \t]*([0-9]{6,8})[ \t]*\r?$`)
	inline  = regexp.MustCompile(`\b([0-9]{6,8})\b`)
	link    = regexp.MustCompile(`\bhttps?://[^\s<>"]+`)
)

func code(text string) string {
	text = link.ReplaceAllString(text, "") // digits of a link are no code
	for _, re := range []*regexp.Regexp{ownLine, inline} {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}
