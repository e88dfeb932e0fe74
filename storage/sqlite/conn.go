package sqlite

import (
	"context"
	"database/sql"
	"time"
)

// conn is one connection of the database with its statements, each prepared once. One goroutine
// uses it at a time.
//
// Statements run without the caller's context: a context that ends inside a write makes SQLite roll
// back the whole transaction, with the commits of others in it, and reads are too short for it.
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
}

// statements is what a connection, and the app's own transaction, can do.
type statements interface {
	// exec runs a statement and returns how many rows it changed.
	exec(query string, args ...any) (int64, error)
	query(query string, args ...any) (*sql.Rows, error)
	row(query string, args ...any) *sql.Row
}

// maxStatements bounds how many statements a connection keeps: an app that writes values into its
// SQL would fill the memory with them. Ours are some hundred.
const maxStatements = 512

func connect(ctx context.Context, db *sql.DB) (*conn, error) {
	for wait := time.Millisecond; ; wait *= 2 {
		c, err := db.Conn(ctx)
		if err == nil {
			return &conn{c: c, stmts: make(map[string]*sql.Stmt)}, nil
		}
		// Switching a new file to the write-ahead log does not wait for others who do the same.
		if !busy(err) || wait > 2*time.Second {
			return nil, damaged(err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) (int64, error) {
	run := func(args ...any) (sql.Result, error) { return c.c.ExecContext(context.Background(), query, args...) }
	if c.stmts[query] != nil || len(c.stmts) < maxStatements {
		s, err := c.prepare(query)
		if err != nil {
			return 0, err
		}
		run = func(args ...any) (sql.Result, error) { return s.ExecContext(context.Background(), args...) }
	}
	r, err := run(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c *conn) query(query string, args ...any) (*sql.Rows, error) {
	s, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (c *conn) row(query string, args ...any) *sql.Row {
	s, err := c.prepare(query)
	if err != nil {
		// A Row cannot be made from an error: let database/sql meet the same one.
		return c.c.QueryRowContext(context.Background(), query, args...)
	}
	return s.QueryRowContext(context.Background(), args...)
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	return c.c.Close()
}
