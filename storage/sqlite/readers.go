package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"github.com/userpool-go/userpool/storage"
)

// readers is a bounded set of connections for reading. Whoever returns one last is served first:
// its pages and statements are still warm.
type readers struct {
	turns   chan struct{} // one for each connection that is free
	closing <-chan struct{}

	mu   sync.Mutex
	free []*conn
}

func newReaders(ctx context.Context, db *sql.DB, config Config, closing <-chan struct{}) (*readers, error) {
	r := &readers{turns: make(chan struct{}, config.Readers), closing: closing}
	for range config.Readers {
		c, err := connect(ctx, db)
		if err != nil {
			for _, c := range r.free {
				c.close()
			}
			return nil, err
		}
		r.put(c)
		if err := checkConnection(ctx, c, config); err != nil { // an app's handle may set up its first connection alone
			for _, c := range r.free {
				c.close()
			}
			return nil, err
		}
	}
	return r, nil
}

// take waits for a free connection, which must be put back.
func (r *readers) take(ctx context.Context) (*conn, error) {
	select {
	case <-r.turns:
	default:
		select {
		case <-r.turns:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.closing:
			return nil, storage.ErrClosed
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.free[len(r.free)-1]
	r.free = r.free[:len(r.free)-1]
	return c, nil
}

func (r *readers) put(c *conn) {
	r.mu.Lock()
	r.free = append(r.free, c)
	r.mu.Unlock()
	r.turns <- struct{}{}
}

// close waits until every connection has been put back, and closes them.
func (r *readers) close() (err error) {
	for range cap(r.turns) {
		<-r.turns
	}
	for _, c := range r.free {
		if e := c.close(); err == nil {
			err = e
		}
	}
	return err
}

// read runs f on one connection, inside one transaction: all that it reads is of one moment.
func (s *Store) read(ctx context.Context, f func(c *conn) error) (err error) {
	if err := s.usable(ctx); err != nil {
		return err
	}
	c, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	defer func() { err = damaged(err) }()
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	// Also where f panics: a connection that went back inside a transaction would fail every later
	// read on it, and keep the log from ever being emptied.
	defer func() {
		if _, e := c.exec("COMMIT"); err == nil {
			err = e
		}
	}()
	return f(c)
}
