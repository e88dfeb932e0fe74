package sqlite

import (
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/user"
)

const maxAttempts = 3 // at one login

const (
	insertUser = `INSERT INTO userpool_users (version, status, disabled, epoch, created, updated, expires, digest, body, pool, id, key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateUser = `UPDATE userpool_users SET version = ?, status = ?, disabled = ?, epoch = ?, created = ?, updated = ?, expires = ?, digest = ?, body = ?
		WHERE pool = ? AND id = ? AND version = ?`
	requireUser   = `SELECT key FROM userpool_users WHERE pool = ? AND id = ? AND version = ?`
	selectUserKey = `SELECT key FROM userpool_users WHERE pool = ? AND id = ?`
	insertLogin   = `INSERT INTO userpool_logins (pool, ns, value, user) VALUES (?, ?, ?, ?)`
	deleteLogin   = `DELETE FROM userpool_logins WHERE pool = ? AND ns = ? AND value = ? AND user = ?`
	insertAttempt = `INSERT OR IGNORE INTO userpool_attempts (pool, ns, value, user) VALUES (?, ?, ?, ?)`
	deleteAttempt = `DELETE FROM userpool_attempts WHERE pool = ? AND ns = ? AND value = ? AND user = ?`
	rivals        = `SELECT u.key, u.id FROM userpool_attempts AS a JOIN userpool_users AS u ON u.key = a.user
		WHERE a.pool = ? AND a.ns = ? AND a.value = ? ORDER BY u.created, u.id`
	insertTerm = `INSERT INTO userpool_user_index (pool, name, value, user_id) VALUES (?, ?, ?, ?)`
	deleteTerm = `DELETE FROM userpool_user_index WHERE pool = ? AND name = ? AND value = ? AND user_id = ?`
)

// putUser plans a user. Its logins, attempt and index terms are changed where they differ from
// those that it was loaded with, which its stamp proves to be those stored.
func (p *plan) putUser(i int, u *user.User, stamp int64) error {
	body, err := record.EncodeUser(u)
	if err != nil {
		return err
	}
	p.size += len(body)
	args := userColumns(u, stamp, body)
	was, loaded := u.Loaded()
	if u.Somebody() && (!loaded || was.Status == user.Unconfirmed) {
		p.users++
	}
	key := new(int64)
	d := diff{record.DiffUser(u, was)}
	if loaded {
		p.add(phaseGuard, i, func(t *tx) error {
			if err := t.guard(updateUser, append(args, t.pool, string(u.ID), u.Version)...); err != nil || !d.needsKey() {
				return err
			}
			_, err := t.one(selectUserKey, []any{t.pool, string(u.ID)}, key)
			return err
		})
		p.add(phaseErase, i, func(t *tx) error { return d.release(t, string(u.ID), *key) })
	} else {
		p.add(phaseClaim, i, func(t *tx) (err error) {
			*key, err = t.newUser()
			return err
		})
		p.add(phaseInsert, i, func(t *tx) error { return t.guard(insertUser, append(args, t.pool, string(u.ID), *key)...) })
	}
	p.claim(i, d, string(u.ID), key, loaded)
	return nil
}

// claim plans what a user takes. One insert for each login tells which of them is taken.
func (p *plan) claim(i int, d diff, id string, key *int64, loaded bool) {
	for _, l := range d.Gained {
		p.add(phaseClaim, i, func(t *tx) error {
			_, err := t.exec(insertLogin, t.pool, string(l.Namespace), l.Value, *key)
			if err != nil && taken(err) {
				return t.conflict(l, id, loaded)
			}
			return err
		})
	}
	for _, term := range d.Indexed {
		p.add(phaseInsert, i, func(t *tx) error {
			_, err := t.exec(insertTerm, t.pool, term.Name, term.Value, id)
			return err
		})
	}
	if d.Tries == nil {
		return
	}
	l := d.Tries.Login
	p.add(phaseInsert, i, func(t *tx) error {
		_, err := t.exec(insertAttempt, t.pool, string(l.Namespace), l.Value, *key)
		return err
	})
	p.add(phaseTrim, i, func(t *tx) error { return p.trimAttempts(t, l) })
}

// conflict says why a login is not free. To a user that is there already and was put as new once
// more, it is the user that is stale.
func (t *tx) conflict(l user.Login, id string, loaded bool) error {
	var one int
	found, err := t.one(`SELECT 1 FROM userpool_users WHERE id = ?`, []any{id}, &one)
	if err != nil {
		return err
	}
	if found && !loaded {
		return storage.ErrStale
	}
	return &storage.ConflictError{Namespace: l.Namespace, Value: l.Value}
}

// trimAttempts erases the oldest attempts at a login beyond the number of places. Those of this
// very commit stay: a commit that succeeds has written what it says.
func (p *plan) trimAttempts(t *tx, l user.Login) error {
	rows, err := t.query(rivals, t.pool, string(l.Namespace), l.Value)
	if err != nil {
		return ours(err)
	}
	defer rows.Close()
	var others []int64
	n := 0
	for ; rows.Next(); n++ {
		var key int64
		var id string
		if err := rows.Scan(&key, &id); err != nil {
			return ours(err)
		}
		if !p.written[storage.Target{Pool: p.pool, Kind: "user", ID: id}] {
			others = append(others, key)
		}
	}
	if err := rows.Err(); err != nil || n <= maxAttempts {
		return ours(err)
	}
	rows.Close()
	for _, key := range others {
		if n <= maxAttempts {
			break
		}
		erased, err := t.eraseUnlessHeld(key)
		if err != nil {
			return err
		}
		if erased {
			n--
		}
	}
	return nil
}

func userColumns(u *user.User, stamp int64, body string) []any {
	args := make([]any, 0, 12)
	args = append(args, stamp, record.Status(u.Status), u.Disabled, u.Epoch, micros(u.Created), micros(u.Updated))
	if u.Attempt != nil {
		args = append(args, micros(u.Attempt.Expires))
	} else {
		args = append(args, nil)
	}
	if u.Password != nil {
		args = append(args, slices.Clone(u.Password.Digest))
	} else {
		args = append(args, nil)
	}
	return slices.Clip(append(args, body))
}

// diff is what changes for a user in the tables beside userpool_users.
type diff struct{ record.Diff }

func (d diff) needsKey() bool {
	return len(d.Lost)+len(d.Gained) > 0 || d.Left != nil || d.Tries != nil
}

// release gives up what a user holds no more.
func (d diff) release(t *tx, id string, key int64) error {
	for _, l := range d.Lost {
		if _, err := t.exec(deleteLogin, t.pool, string(l.Namespace), l.Value, key); err != nil {
			return err
		}
	}
	for _, term := range d.Dropped {
		if _, err := t.exec(deleteTerm, t.pool, term.Name, term.Value, id); err != nil {
			return err
		}
	}
	if d.Left == nil {
		return nil
	}
	_, err := t.exec(deleteAttempt, t.pool, string(d.Left.Login.Namespace), d.Left.Login.Value, key)
	return err
}
