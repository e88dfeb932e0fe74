package postgres

import (
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// A required row is held: who moves it waits until the commit has ended.
const (
	requirePool     = `WITH r AS (SELECT 1 FROM userpool_pools WHERE id = $1 AND version = $2 FOR SHARE) SELECT 1/count(*) FROM r`
	requireUser     = `WITH r AS (` + userAt + ` FOR SHARE) SELECT 1/count(*) FROM r`
	holdRequired    = `WITH r AS (` + userAt + ` FOR NO KEY UPDATE) SELECT 1/count(*) FROM r`
	holdSigned      = `SELECT 1 FROM userpool_users WHERE pool = $1 AND id = $2 FOR NO KEY UPDATE`
	requireSession  = `WITH r AS (SELECT 1 FROM userpool_sessions WHERE pool = $1 AND user_id = $2 AND id = $3 AND version = $4 FOR SHARE) SELECT 1/count(*) FROM r`
	requireTicket   = `WITH r AS (SELECT 1 FROM userpool_tickets WHERE pool = $1 AND id = $2 AND version = $3 FOR SHARE) SELECT 1/count(*) FROM r`
	requireDocument = `WITH r AS (SELECT 1 FROM userpool_documents WHERE pool = $1 AND kind = $2 AND id = $3 AND version = $4 FOR SHARE) SELECT 1/count(*) FROM r`
	requireOutgoing = `WITH r AS (SELECT 1 FROM userpool_outgoing WHERE pool = $1 AND id = $2 AND version = $3 FOR SHARE) SELECT 1/count(*) FROM r`
)

// A commit that holds a user of its pool only looks whether that is deleted, and needs no gate: it
// may end just after the pool did, but Drop waits at the user for it, and looks again.
const userAt = `SELECT 1 FROM userpool_users WHERE pool = $1 AND id = $2 AND version = $3
	AND EXISTS (SELECT 1 FROM userpool_pools AS p WHERE p.id = $1 AND NOT p.deleted)`

// require plans the guard of a record.
func (p *plan) require(i int, r any) {
	guard := func(kind, query string, args ...any) {
		key := place(kind, args)
		p.add(item{phase: guardOf(kind), key: key, change: i, sql: query, args: append([]any{string(p.pool)}, args...), refuses: stale})
	}
	switch r := r.(type) {
	case *storage.Pool:
		guard("pool", requirePool, r.Version)
	case *user.User:
		p.gated = true
		guard("user", requireUser, string(r.ID), r.Version)
	case *token.Session:
		guard("session", requireSession, r.User, r.ID, r.Version)
	case *storage.Ticket:
		guard("ticket", requireTicket, r.ID, r.Version)
	case *storage.Document:
		guard("document", requireDocument, r.Kind, r.ID, r.Version)
	case *storage.Outgoing:
		guard("outgoing", requireOutgoing, r.ID, r.Version)
	}
}
