package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/token"
)

// tables are the shop's own, in the same file as the pool's. Both refer to users: an account goes
// with its user, and who has orders cannot be deleted before somebody has decided what becomes of
// them.
const tables = `
CREATE TABLE IF NOT EXISTS accounts (
	user_id TEXT PRIMARY KEY REFERENCES userpool_users (id) ON DELETE CASCADE,
	plan    TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS orders (
	id      INTEGER PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES userpool_users (id),
	item    TEXT NOT NULL CHECK (length (item) BETWEEN 1 AND 100)
) STRICT;
CREATE INDEX IF NOT EXISTS orders_by_user ON orders (user_id);`

// account adds the shop's row to the very commit in which a user first is somebody, so that none is
// without one. It is a pure function: it returns statements, and runs nothing.
func account(c storage.UserChange) []sqlite.Exec {
	if !c.Created() {
		return nil // changed, or deleted, where the row goes by itself
	}
	return []sqlite.Exec{{
		SQL:  `INSERT INTO accounts (user_id, plan) VALUES (?, 'free')`,
		Args: []any{string(c.User.ID)},
	}}
}

// me is the answer to /me.
type me struct {
	ID       string   `json:"id"`
	Username string   `json:"username"`
	Plan     string   `json:"plan"`
	Orders   []string `json:"orders"`
}

// me stands behind the verifier: the subject of a token is the user's id in every table.
func (s *shop) me(w http.ResponseWriter, r *http.Request) {
	claims, ok := token.FromContext(r.Context())
	if !ok {
		refuse(w, r, s.log, errors.New("no claims: this handler stands behind the verifier"))
		return
	}
	answer, err := s.profile(r.Context(), claims)
	if err != nil {
		refuse(w, r, s.log, err)
		return
	}
	write(w, http.StatusOK, answer)
}

func (s *shop) profile(ctx context.Context, c *token.Claims) (me, error) {
	out := me{ID: c.Subject, Username: c.Username, Orders: []string{}}
	row := s.db.QueryRowContext(ctx, `SELECT plan FROM accounts WHERE user_id = ?`, c.Subject)
	if err := row.Scan(&out.Plan); err != nil {
		return me{}, err
	}
	rows, err := s.db.QueryContext(ctx,
		`SELECT item FROM orders WHERE user_id = ? ORDER BY id DESC LIMIT 20`, c.Subject)
	if err != nil {
		return me{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var item string
		if err := rows.Scan(&item); err != nil {
			return me{}, err
		}
		out.Orders = append(out.Orders, item)
	}
	return out, rows.Err()
}

// order writes a row of the shop's alone, so it needs nothing of the pool.
func (s *shop) order(w http.ResponseWriter, r *http.Request, f form) error {
	claims, ok := token.FromContext(r.Context())
	if !ok {
		return errors.New("no claims: this handler stands behind the verifier")
	}
	if n := len(f["item"]); n == 0 || n > 100 {
		return &badRequest{http.StatusUnprocessableEntity, "item must have 1 to 100 bytes"}
	}
	_, err := s.db.ExecContext(r.Context(),
		`INSERT INTO orders (user_id, item) VALUES (?, ?)`, claims.Subject, f["item"])
	if err != nil {
		return err
	}
	write(w, http.StatusCreated, nil)
	return nil
}
