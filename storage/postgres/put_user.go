package postgres

import (
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/user"
)

const maxAttempts = 3 // at one login

const (
	insertUser = `INSERT INTO userpool_users (pool, id, version, status, disabled, epoch, created, updated, expires, digest, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	updateUser = `WITH r AS (UPDATE userpool_users SET version = $3, status = $4, disabled = $5, epoch = $6, created = $7, updated = $8,
			expires = $9, digest = $10, body = $11
		WHERE pool = $1 AND id = $2 AND version = $12 RETURNING 1) SELECT 1/count(*) FROM r`
	insertLogin   = `INSERT INTO userpool_logins (pool, ns, value, user_id) VALUES ($1, $2, $3, $4)`
	deleteLogin   = `DELETE FROM userpool_logins WHERE pool = $1 AND ns = $2 AND value = $3 AND user_id = $4`
	insertAttempt = `INSERT INTO userpool_attempts (pool, ns, value, user_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
	deleteAttempt = `DELETE FROM userpool_attempts WHERE pool = $1 AND ns = $2 AND value = $3 AND user_id = $4`
	insertTerm    = `INSERT INTO userpool_user_index (pool, name, value, user_id) VALUES ($1, $2, $3, $4)`
	deleteTerm    = `DELETE FROM userpool_user_index WHERE pool = $1 AND name = $2 AND value = $3 AND user_id = $4`
)

// putUser plans a user. Its logins, attempt and index terms are changed where they differ from
// those that it was loaded with, which its stamp proves to be those stored.
func (p *plan) putUser(i int, u *user.User, stamp int64) error {
	body, err := record.EncodeUser(u)
	if err != nil {
		return err
	}
	was, loaded := u.Loaded()
	if u.Somebody() && (!loaded || was.Status == user.Unconfirmed) {
		p.users++
	}
	p.write(i, "user", u.Version, insertUser, updateUser, userColumns(u, stamp, body)...)
	id, pool := string(u.ID), string(p.pool)
	d := record.DiffUser(u, was)
	p.release(i, id, d)
	for _, l := range d.Gained {
		taken := refuse(&storage.ConflictError{Namespace: l.Namespace, Value: l.Value}, uniqueViolation)
		p.add(item{
			phase: phaseClaim, key: joined("login", string(l.Namespace), l.Value), change: i, sql: insertLogin,
			args: []any{pool, string(l.Namespace), l.Value, id}, refuses: taken,
		})
	}
	for _, t := range d.Indexed {
		p.add(item{phase: phaseClaim, key: joined("term", t.Name, t.Value, id), change: i, sql: insertTerm, args: []any{pool, t.Name, t.Value, id}})
	}
	if d.Tries != nil {
		p.try(i, id, d.Tries.Login)
	}
	return nil
}

// release plans what a user gives up.
func (p *plan) release(i int, id string, d record.Diff) {
	pool := string(p.pool)
	give := func(key, query string, args ...any) {
		p.add(item{phase: phaseErase, key: key, change: i, sql: query, args: append([]any{pool}, append(args, id)...)})
	}
	for _, l := range d.Lost {
		give(joined("login", string(l.Namespace), l.Value), deleteLogin, string(l.Namespace), l.Value)
	}
	for _, t := range d.Dropped {
		give(joined("term", t.Name, t.Value, id), deleteTerm, t.Name, t.Value)
	}
	if d.Left != nil {
		l := d.Left.Login
		give(joined("try", string(l.Namespace), l.Value, id), deleteAttempt, string(l.Namespace), l.Value)
	}
}

// try plans a place at a login for an unproven sign-up, and the end of the oldest ones beyond the
// number of places. Those of this very commit stay: a commit that succeeds has written what it says.
func (p *plan) try(i int, id string, l user.Login) {
	ns := string(l.Namespace)
	p.lock("attempts", ns, l.Value)
	p.add(item{phase: phaseClaim, key: joined("try", ns, l.Value, id), change: i, sql: insertAttempt, args: []any{string(p.pool), ns, l.Value, id}})
	p.add(item{
		phase: phaseTrim, key: joined("try", ns, l.Value), change: i, sql: trimAttempts,
		args: []any{string(p.pool), ns, l.Value, p.written("user", ""), maxAttempts},
	})
}

func userColumns(u *user.User, stamp int64, body string) []any {
	var expires any
	if u.Attempt != nil {
		expires = micros(u.Attempt.Expires)
	}
	var digest []byte
	if u.Password != nil {
		digest = u.Password.Digest
	}
	return []any{
		string(u.ID), stamp, record.Status(u.Status), u.Disabled, u.Epoch, micros(u.Created), micros(u.Updated), expires, digest, body,
	}
}
