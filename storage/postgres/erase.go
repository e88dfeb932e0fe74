package postgres

import (
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	holdUser      = `WITH r AS (SELECT 1 FROM userpool_users WHERE pool = $1 AND id = $2 AND version = $3 FOR UPDATE) SELECT 1/count(*) FROM r`
	deleteSession = `WITH r AS (DELETE FROM userpool_sessions WHERE pool = $1 AND user_id = $2 AND id = $3 AND version = $4 RETURNING 1)
		SELECT 1/count(*) FROM r`
	eraseBelow = `WITH RECURSIVE below (id) AS (SELECT $3::text COLLATE "C" UNION
			SELECT s.id FROM userpool_sessions AS s JOIN below AS b ON s.parent = b.id WHERE s.pool = $1 AND s.user_id = $2)
		DELETE FROM userpool_sessions WHERE pool = $1 AND user_id = $2 AND id IN (SELECT id FROM below)`
	deleteTicket   = `WITH r AS (DELETE FROM userpool_tickets WHERE pool = $1 AND id = $2 AND version = $3 RETURNING 1) SELECT 1/count(*) FROM r`
	deleteDocument = `WITH r AS (DELETE FROM userpool_documents WHERE pool = $1 AND kind = $2 AND id = $3 AND version = $4 RETURNING 1)
		SELECT 1/count(*) FROM r`
	deleteOutgoing = `WITH r AS (DELETE FROM userpool_outgoing WHERE pool = $1 AND id = $2 AND version = $3 RETURNING 1) SELECT 1/count(*) FROM r`
	deleteCounter  = `DELETE FROM userpool_counters WHERE pool = $1 AND owner = $2 AND name = $3`

	ticketsCounters = `DELETE FROM userpool_counters WHERE pool = $1 AND owner = $2`
	ticketsMessage  = `DELETE FROM userpool_outgoing WHERE pool = $1 AND ticket = $2 AND ticket <> ''`
)

// What follows a query "doomed" of users (pool, id, body): all that is theirs goes, and they.
const eraseDoomed = `,
		gone AS (DELETE FROM userpool_tickets AS t USING doomed AS d WHERE t.pool = d.pool AND t.user_id = d.id AND t.user_id <> '' RETURNING t.pool, t.id),
		sess AS (DELETE FROM userpool_sessions AS s USING doomed AS d WHERE s.pool = d.pool AND s.user_id = d.id),
		cnt AS (DELETE FROM userpool_counters AS c USING (SELECT pool, id FROM doomed UNION ALL SELECT pool, id FROM gone) AS o
			WHERE c.pool = o.pool AND c.owner = o.id),
		mail AS (DELETE FROM userpool_outgoing AS o USING (
				SELECT m.pool, m.id FROM userpool_outgoing AS m JOIN doomed AS d ON m.pool = d.pool AND m.owner = d.id
				UNION SELECT m.pool, m.id FROM userpool_outgoing AS m JOIN gone AS g ON m.pool = g.pool AND m.ticket = g.id AND m.ticket <> '') AS x
			WHERE o.pool = x.pool AND o.id = x.id),
		names AS MATERIALIZED (SELECT d.pool, d.id, coalesce(e.value ->> 'n', 'name') AS ns, e.value ->> 'v' AS value
			FROM doomed AS d, jsonb_array_elements(d.body -> 'l') AS e (value)),
		own AS (DELETE FROM userpool_logins AS l USING names AS n
			WHERE l.pool = n.pool AND l.ns = n.ns AND l.value = n.value AND l.user_id = n.id),
		terms AS MATERIALIZED (SELECT d.pool, d.id, e.value ->> 0 AS name, e.value ->> 1 AS value
			FROM doomed AS d, jsonb_array_elements(d.body -> 'x') AS e (value)),
		term AS (DELETE FROM userpool_user_index AS i USING terms AS t
			WHERE i.pool = t.pool AND i.name = t.name AND i.value = t.value AND i.user_id = t.id),
		try AS (DELETE FROM userpool_attempts AS a USING doomed AS d
			WHERE a.pool = d.pool AND a.ns = coalesce(d.body -> 't' -> 'l' ->> 'n', 'name') AND a.value = d.body -> 't' -> 'l' ->> 'v' AND a.user_id = d.id)
	DELETE FROM userpool_users AS u USING doomed AS d WHERE u.id = d.id`

const (
	eraseUser = `WITH doomed AS (SELECT pool, id, body FROM userpool_users WHERE pool = $1 AND id = $2)` + eraseDoomed

	// Who is confirmed meanwhile stays: such a row is held here, and looked at again.
	trimAttempts = `WITH rivals AS (SELECT a.user_id FROM userpool_attempts AS a WHERE a.pool = $1 AND a.ns = $2 AND a.value = $3),
		doomed AS (SELECT pool, id, body FROM userpool_users WHERE status = 0 AND id IN (
				SELECT u.id FROM userpool_users AS u JOIN rivals AS r ON r.user_id = u.id WHERE u.id <> ALL ($4::text[])
				ORDER BY u.created, u.id LIMIT greatest(0, (SELECT count(*) FROM rivals) - $5::bigint)) FOR UPDATE)` + eraseDoomed
)

// delete plans the end of a record, with what it owns.
func (p *plan) delete(i int, r any) {
	pool := string(p.pool)
	guard := func(kind, query string, args ...any) {
		p.add(item{phase: guardOf(kind), key: place(kind, args), change: i, sql: query, args: append([]any{pool}, args...), refuses: stale})
	}
	erase := func(key, query string, args ...any) {
		p.add(item{phase: phaseErase, key: key, change: i, sql: query, args: append([]any{pool}, args...)})
	}
	switch r := r.(type) {
	case *storage.Pool:
		p.deletePool(i, r)
	case *user.User:
		if was, _ := r.Loaded(); was.Status != user.Unconfirmed {
			p.users--
		}
		guard("user", holdUser, string(r.ID), r.Version)
		p.add(item{
			phase: phaseErase, key: joined("user", string(r.ID)), change: i, sql: eraseUser, args: []any{pool, string(r.ID)},
			refuses: refuse(storage.ErrReferenced, foreignKey, restrict),
		})
	case *token.Session:
		guard("session", deleteSession, r.User, r.ID, r.Version)
		erase(joined("session", r.User, r.ID), eraseBelow, r.User, r.ID)
	case *storage.Ticket:
		guard("ticket", deleteTicket, r.ID, r.Version)
		erase(joined("ticket", r.ID), ticketsCounters, r.ID)
		erase(joined("ticket", r.ID), ticketsMessage, r.ID)
	case *storage.Document:
		p.documents = true
		guard("document", deleteDocument, r.Kind, r.ID, r.Version)
	case *storage.Outgoing:
		guard("outgoing", deleteOutgoing, r.ID, r.Version)
	case *storage.Counter:
		erase(joined("counter", r.Key.Owner, r.Key.Name), deleteCounter, r.Key.Owner, r.Key.Name)
	}
}
