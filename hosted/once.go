package hosted

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

const (
	maxOnce  = 512              // answers that are remembered
	onceTime = 30 * time.Second // a form takes, and is remembered: a second click comes soon
)

// once answers the second of two clicks like the first. Without it the browser, which shows what
// the last one got, would show that the step is over, and a wrong password that was sent twice
// would count twice. It is a courtesy of this process, for who holds the same form and cookie; no
// rule leans on it.
type once struct {
	mu    sync.Mutex
	known map[[32]byte]*remembered
	order [][32]byte // oldest first
}

// remembered is an answer that is there once done is closed.
type remembered struct {
	done   chan struct{}
	answer *answer // nil: it failed, and may be tried again
}

// do returns what f answers, or did answer, to a form: one form of one browser, sent once.
func (o *once) do(r *http.Request, body []byte, browser string, f func(context.Context) *answer) *answer {
	key := sha256.Sum256([]byte(browser + "\x00" + r.URL.Path + "\x00" + string(body)))
	m, first := o.recall(key)
	if !first {
		select {
		case <-m.done:
			if m.answer != nil {
				return m.answer
			}
		case <-r.Context().Done():
		}
		return f(r.Context())
	}
	// The browser gives the first up when it sends the second.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), onceTime)
	defer cancel()
	defer close(m.done)
	a := f(ctx)
	if a.status < http.StatusInternalServerError {
		m.answer = a // with cookies in it, which are not to lie about
		time.AfterFunc(onceTime, func() { o.forget(key) })
	} else {
		o.forget(key)
	}
	return a
}

func (o *once) recall(key [32]byte) (m *remembered, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m, known := o.known[key]; known {
		return m, false
	}
	if o.known == nil {
		o.known = map[[32]byte]*remembered{}
	}
	if len(o.order) >= maxOnce {
		delete(o.known, o.order[0])
		o.order = o.order[1:]
	}
	m = &remembered{done: make(chan struct{})}
	o.known[key] = m
	o.order = append(o.order, key)
	return m, true
}

func (o *once) forget(key [32]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.known, key) // its place in the order goes in its turn
}
