package sqlite

import (
	"encoding/json"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/token"
)

const maxSessions = 100 // of one user

// An insert and its update take the same arguments: the columns, then the key. The update has the
// old stamp behind them.
const (
	insertSession = `INSERT INTO userpool_sessions (version, epoch, kind, parent, client, proofs, created, last_used, idle, expires, ends,
			confirmation, device, family_key, generation, rotated, pool, user_id, id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateSession = `UPDATE userpool_sessions SET version = ?, epoch = ?, kind = ?, parent = ?, client = ?, proofs = ?, created = ?, last_used = ?,
			idle = ?, expires = ?, ends = ?, confirmation = ?, device = ?, family_key = ?, generation = ?, rotated = ?
		WHERE pool = ? AND user_id = ? AND id = ? AND version = ?`
	countSessions  = `SELECT count(*) FROM userpool_sessions WHERE pool = ? AND user_id = ?`
	oldestSessions = `SELECT id, parent FROM userpool_sessions WHERE pool = ? AND user_id = ? ORDER BY created, id`

	insertTicket = `INSERT INTO userpool_tickets (version, user_id, epoch, client, purpose, mac, code, state, created, expires, pool, id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateTicket = `UPDATE userpool_tickets SET version = ?, user_id = ?, epoch = ?, client = ?, purpose = ?, mac = ?, code = ?, state = ?, created = ?,
			expires = ? WHERE pool = ? AND id = ? AND version = ?`

	insertDocument = `INSERT INTO userpool_documents (version, body, created, updated, pool, kind, id) VALUES (?, ?, ?, ?, ?, ?, ?)`
	updateDocument = `UPDATE userpool_documents SET version = ?, body = ?, created = ?, updated = ?
		WHERE pool = ? AND kind = ? AND id = ? AND version = ?`

	insertOutgoing = `INSERT INTO userpool_outgoing (version, owner, lane, class, ticket, body, tries, due, not_after, created, pool, id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	updateOutgoing = `UPDATE userpool_outgoing SET version = ?, owner = ?, lane = ?, class = ?, ticket = ?, body = ?, tries = ?, due = ?, not_after = ?,
			created = ? WHERE pool = ? AND id = ? AND version = ?`
	deferOwner = `UPDATE userpool_outgoing SET due = ? WHERE pool = ? AND owner = ? AND due < ?`

	insertRevocation = `INSERT INTO userpool_revocations (user_id, session, epoch, expires, pool, id) VALUES (?, ?, ?, ?, ?, ?)`
	insertEvent      = `INSERT INTO userpool_events (time, user_id, kind, header, personal, leaf, seal, pool, id) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)`

	newestSeal = `SELECT coalesce(max(number), 0) FROM userpool_seals WHERE pool = ?`
	insertSeal = `INSERT INTO userpool_seals (pool, number, previous, digest, count, mac, time) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sealEvents = `UPDATE userpool_events INDEXED BY userpool_events_id SET seal = ? WHERE pool = ? AND seal = 0 AND id IN (SELECT value FROM json_each(?))`
)

// write plans a record that has a stamp: columns without the pool, then the key within the pool.
func (p *plan) write(i int, version int64, insert, update string, columns []any, key ...any) {
	at := phaseInsert
	if version != 0 {
		at = phaseGuard
	}
	p.add(at, i, func(t *tx) error {
		args := append(append(slices.Clip(columns), t.pool), key...)
		if version != 0 {
			return t.guard(update, append(args, version)...)
		}
		return t.guard(insert, args...)
	})
}

func (p *plan) putSession(i int, s *token.Session, stamp int64) error {
	proofs, err := record.EncodeProofs(s.Proofs)
	if err != nil {
		return err
	}
	p.write(i, s.Version, insertSession, updateSession, []any{
		stamp, s.Epoch, string(s.Kind), s.Parent, s.Client, proofs, micros(s.Created), micros(s.LastUsed), int64(s.Idle), micros(s.Expires),
		micros(s.Ends()), s.Confirmation, s.Device, slices.Clone(s.Key), s.Generation, micros(s.Rotated),
	}, s.User, s.ID)
	if s.Version != 0 {
		return nil
	}
	owner := s.User
	p.add(phaseTrim, i, func(t *tx) error { return p.trimSessions(t, owner) })
	return nil
}

// trimSessions erases the oldest sessions of a user beyond the limit. Those of this very commit
// stay, put or required, and those above them: what ends would take the new one along.
func (p *plan) trimSessions(t *tx, owner string) error {
	n := 0
	if _, err := t.one(countSessions, []any{t.pool, owner}, &n); err != nil || n <= maxSessions {
		return err
	}
	rows, err := t.query(oldestSessions, t.pool, owner)
	if err != nil {
		return ours(err)
	}
	defer rows.Close()
	parent := make(map[string]string)
	var all []string
	for rows.Next() {
		var id, above string
		if err := rows.Scan(&id, &above); err != nil {
			return ours(err)
		}
		all, parent[id] = append(all, id), above
	}
	if err := rows.Err(); err != nil {
		return ours(err)
	}
	rows.Close()
	stays := make(map[string]bool)
	for _, id := range all {
		if p.written[storage.Target{Pool: p.pool, Kind: "session", Owner: owner, ID: id}] {
			for ; id != "" && !stays[id]; id = parent[id] {
				stays[id] = true
			}
		}
	}
	others := slices.DeleteFunc(all, func(id string) bool { return stays[id] })
	for _, id := range others[:min(n-maxSessions, len(others))] {
		if err := t.eraseSession(owner, id); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) putTicket(i int, r *storage.Ticket, stamp int64) {
	p.size += len(r.State)
	p.write(i, r.Version, insertTicket, updateTicket, []any{
		stamp, string(r.User), r.Epoch, r.Client, r.Purpose, slices.Clone(r.MAC), slices.Clone(r.Code), slices.Clone(r.State),
		micros(r.Created), micros(r.Expires),
	}, r.ID)
}

func (p *plan) putDocument(i int, r *storage.Document, stamp int64) {
	p.documents = true
	p.size += len(r.Body)
	p.write(i, r.Version, insertDocument, updateDocument, []any{stamp, slices.Clone(r.Body), micros(r.Created), micros(r.Updated)}, r.Kind, r.ID)
}

func (p *plan) putOutgoing(i int, r *storage.Outgoing, stamp int64) {
	p.size += len(r.Body)
	p.write(i, r.Version, insertOutgoing, updateOutgoing, []any{
		stamp, string(r.Owner), storage.Lane(r.Owner), r.Class, r.Ticket, slices.Clone(r.Body), r.Tries,
		micros(r.Due), micros(r.NotAfter), micros(r.Created),
	}, r.ID)
}

func (p *plan) putRevocation(i int, r *storage.Revocation) {
	p.write(i, 0, insertRevocation, "", []any{string(r.User), r.Session, r.Epoch, micros(r.Expires)}, r.ID)
}

func (p *plan) putEvent(i int, r *storage.Event) {
	p.size += len(r.Header) + len(r.Personal)
	p.write(i, 0, insertEvent, "", []any{
		micros(r.Time), string(r.User), r.Kind, slices.Clone(r.Header), slices.Clone(r.Personal), slices.Clone(r.Leaf),
	}, r.ID)
}

// seal plans a batch of events, those of this commit included.
func (p *plan) seal(i int, c storage.Seal) error {
	ids, err := json.Marshal(c.Events)
	if err != nil {
		return err
	}
	r := c.Record.Clone()
	p.add(phaseAfter, i, func(t *tx) error {
		var newest int64
		if _, err := t.one(newestSeal, []any{t.pool}, &newest); err != nil {
			return err
		}
		if r.Number != newest+1 {
			return storage.ErrStale
		}
		n, err := t.exec(sealEvents, r.Number, t.pool, string(ids))
		if err == nil && n != int64(r.Count) {
			err = storage.ErrStale
		}
		if err != nil {
			return err
		}
		_, err = t.exec(insertSeal, t.pool, r.Number, r.Previous, r.Digest, r.Count, r.MAC, micros(r.Time))
		return err
	})
	return nil
}
