package postgres

import (
	"strconv"
	"strings"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/token"
)

const maxSessions = 100 // of one user

// An insert and its update take the same arguments: the key, the new stamp, then the columns. The
// update has the old stamp behind them, and fails where it finds no such row.
const (
	addSession = `INSERT INTO userpool_sessions (pool, user_id, id, version, epoch, kind, parent, client, proofs, created, last_used, idle,
			expires, ends, confirmation, device, family_key, generation, rotated)
		VALUES ($1, $2, $3, $4`
	sessionColumns = `, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`
	// Few have all the sessions there may be: it fails for who does, and is sent again with what
	// makes room.
	insertSession  = addSession + ` + 0/greatest(0, 100 - (SELECT count(*) FROM userpool_sessions WHERE pool = $1 AND user_id = $2))` + sessionColumns
	insertCrowding = addSession + sessionColumns
	updateSession  = `WITH r AS (UPDATE userpool_sessions SET version = $4, epoch = $5, kind = $6, parent = $7, client = $8, proofs = $9,
			created = $10, last_used = $11, idle = $12, expires = $13, ends = $14, confirmation = $15, device = $16, family_key = $17,
			generation = $18, rotated = $19
		WHERE pool = $1 AND user_id = $2 AND id = $3 AND version = $20 RETURNING 1) SELECT 1/count(*) FROM r`
	// The oldest sessions beyond the limit, with those below them. Those of this very commit stay,
	// and those above them: what ends would take the new one along.
	trimSessions = `WITH RECURSIVE mine AS (SELECT id, parent, created FROM userpool_sessions WHERE pool = $1 AND user_id = $2),
		stays (id) AS (SELECT unnest($3::text[]) COLLATE "C" UNION SELECT m.parent FROM mine AS m JOIN stays AS s ON m.id = s.id WHERE m.parent <> ''),
		over (id) AS ((SELECT m.id FROM mine AS m WHERE m.id NOT IN (SELECT id FROM stays) ORDER BY m.created, m.id
			LIMIT greatest(0, (SELECT count(*) FROM mine) - $4::bigint))
			UNION SELECT m.id FROM mine AS m JOIN over AS o ON m.parent = o.id)
		DELETE FROM userpool_sessions WHERE pool = $1 AND user_id = $2 AND id IN (SELECT id FROM over)`

	insertTicket = `INSERT INTO userpool_tickets (pool, id, version, user_id, epoch, client, purpose, mac, code, state, created, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	updateTicket = `WITH r AS (UPDATE userpool_tickets SET version = $3, user_id = $4, epoch = $5, client = $6, purpose = $7, mac = $8, code = $9,
			state = $10, created = $11, expires = $12
		WHERE pool = $1 AND id = $2 AND version = $13 RETURNING 1) SELECT 1/count(*) FROM r`

	insertDocument = `INSERT INTO userpool_documents (pool, kind, id, version, body, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	updateDocument = `WITH r AS (UPDATE userpool_documents SET version = $4, body = $5, created = $6, updated = $7
		WHERE pool = $1 AND kind = $2 AND id = $3 AND version = $8 RETURNING 1) SELECT 1/count(*) FROM r`

	insertOutgoing = `INSERT INTO userpool_outgoing (pool, id, version, owner, lane, class, ticket, body, tries, due, not_after, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	updateOutgoing = `WITH r AS (UPDATE userpool_outgoing SET version = $3, owner = $4, lane = $5, class = $6, ticket = $7, body = $8, tries = $9,
			due = $10, not_after = $11, created = $12
		WHERE pool = $1 AND id = $2 AND version = $13 RETURNING 1) SELECT 1/count(*) FROM r`
	deferOwner = `UPDATE userpool_outgoing SET due = $3 WHERE pool = $1 AND owner = $2 AND due < $3`

	insertRevocation = `INSERT INTO userpool_revocations (pool, id, user_id, session, epoch, expires, moved)
		VALUES ($1, $2, $3, $4, $5, $6, pg_current_xact_id()::text::bigint)`
	insertEvent = `INSERT INTO userpool_events (pool, id, time, user_id, kind, header, personal, leaf, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`

	nextSeal   = `SELECT 1/count(*) FROM (SELECT coalesce(max(number), 0) AS newest FROM userpool_seals WHERE pool = $1) AS s WHERE s.newest = $2::bigint - 1`
	sealEvents = `WITH r AS (UPDATE userpool_events SET seal = $2 WHERE pool = $1 AND seal = 0 AND id = ANY($3::text[]) RETURNING 1)
		SELECT 1/(CASE WHEN count(*) = $4::bigint THEN 1 ELSE 0 END) FROM r`
	insertSeal = `INSERT INTO userpool_seals (pool, number, previous, digest, count, mac, time) VALUES ($1, $2, $3, $4, $5, $6, $7)`
)

// write plans a record that has a stamp, by its kind and the columns from its key on.
func (p *plan) write(i int, kind string, version int64, insert, update string, columns ...any) {
	at, query := phaseInsert, insert
	args := make([]any, 0, len(columns)+2)
	args = append(append(args, string(p.pool)), columns...)
	if version != 0 {
		at, query, args = guardOf(kind), update, append(args, version)
	}
	p.add(item{phase: at, key: place(kind, columns), change: i, sql: query, args: args, refuses: stale})
}

// place is what orders rows of a phase: the kind, and the texts with which its columns begin.
func place(kind string, columns []any) string {
	parts := make([]string, 1, 4)
	parts[0] = kind
	for _, c := range columns {
		text, ok := c.(string)
		if !ok {
			break
		}
		parts = append(parts, text)
	}
	return joined(parts...)
}

// joined puts texts together, which have no NUL, for an order by the first that differs.
func joined(parts ...string) string { return strings.Join(parts, "\x00") }

// guardOf returns when a record of a kind is held that must stand at its stamp.
func guardOf(kind string) phase {
	if kind == "user" {
		return phaseUser
	}
	return phaseGuard
}

func (p *plan) putSession(i int, s *token.Session, stamp int64) error {
	proofs, err := record.EncodeProofs(s.Proofs)
	if err != nil {
		return err
	}
	p.write(i, "session", s.Version, insertSession, updateSession, s.User, s.ID, stamp, s.Epoch, string(s.Kind), s.Parent, s.Client, proofs,
		micros(s.Created), micros(s.LastUsed), int64(s.Idle), micros(s.Expires), micros(s.Ends()), s.Confirmation, s.Device, s.Key,
		s.Generation, micros(s.Rotated))
	if s.Version == 0 {
		p.signed = append(p.signed, s.User)
	}
	return nil
}

// hold lets a user have new sessions one after the other.
func (p *plan) hold(id string) {
	key := place("user", []any{id})
	for n := range p.items {
		i := &p.items[n]
		if i.phase == phaseUser && i.key == key {
			if i.sql == requireUser {
				i.sql = holdRequired
			}
			return // what writes or erases a user holds it
		}
	}
	p.add(item{phase: phaseUser, key: key, change: -1, sql: holdSigned, args: []any{string(p.pool), id}})
}

// crowd makes room for the new sessions.
func (p *plan) crowd() {
	for n, i := range p.items {
		if i.sql != insertSession {
			continue
		}
		p.items[n].sql = insertCrowding
		owner := i.args[1].(string)
		p.add(item{
			phase: phaseTrim, key: joined("session", owner), change: i.change, sql: trimSessions,
			args: []any{string(p.pool), owner, p.written("session", owner), maxSessions},
		})
	}
	p.sort()
}

func (p *plan) putTicket(i int, r *storage.Ticket, stamp int64) {
	p.write(i, "ticket", r.Version, insertTicket, updateTicket, r.ID, stamp, string(r.User), r.Epoch, r.Client, r.Purpose, r.MAC, r.Code, r.State,
		micros(r.Created), micros(r.Expires))
}

func (p *plan) putDocument(i int, r *storage.Document, stamp int64) {
	p.documents = true
	p.write(i, "document", r.Version, insertDocument, updateDocument, r.Kind, r.ID, stamp, r.Body, micros(r.Created), micros(r.Updated))
}

func (p *plan) putOutgoing(i int, r *storage.Outgoing, stamp int64) {
	p.write(i, "outgoing", r.Version, insertOutgoing, updateOutgoing, r.ID, stamp, string(r.Owner), storage.Lane(r.Owner), r.Class, r.Ticket, r.Body,
		r.Tries, micros(r.Due), micros(r.NotAfter), micros(r.Created))
}

func (p *plan) putRevocation(i int, r *storage.Revocation) {
	p.write(i, "revocation", 0, insertRevocation, "", r.ID, string(r.User), r.Session, r.Epoch, micros(r.Expires))
}

func (p *plan) putEvent(i int, r *storage.Event) {
	p.write(i, "event", 0, insertEvent, "", r.ID, micros(r.Time), string(r.User), r.Kind, r.Header, r.Personal, r.Leaf)
}

// seal plans a batch of events, those of this commit included.
func (p *plan) seal(i int, c storage.Seal) {
	r, pool := c.Record, string(p.pool)
	for n, s := range []item{
		{sql: nextSeal, args: []any{pool, r.Number}},
		{sql: insertSeal, args: []any{pool, r.Number, r.Previous, r.Digest, r.Count, r.MAC, micros(r.Time)}},
		{sql: sealEvents, args: []any{pool, r.Number, c.Events, r.Count}},
	} {
		s.phase, s.key, s.change, s.refuses = phaseAfter, "seal/"+strconv.Itoa(n), i, stale
		p.add(s)
	}
}
