package sqlite

import (
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	requirePool     = `SELECT key FROM userpool_pools WHERE key = ? AND version = ?`
	requireSession  = `SELECT 1 FROM userpool_sessions WHERE pool = ? AND user_id = ? AND id = ? AND version = ?`
	requireTicket   = `SELECT 1 FROM userpool_tickets WHERE pool = ? AND id = ? AND version = ?`
	requireDocument = `SELECT 1 FROM userpool_documents WHERE pool = ? AND kind = ? AND id = ? AND version = ?`
	requireOutgoing = `SELECT 1 FROM userpool_outgoing WHERE pool = ? AND id = ? AND version = ?`
)

// require plans the guard of a record. That it stands still until the commit has ended is owed to
// the one write lock of the database.
func (p *plan) require(i int, r any) {
	var query string
	var args []any
	switch r := r.(type) {
	case *storage.Pool:
		query, args = requirePool, []any{r.Version}
	case *user.User:
		query, args = requireUser, []any{string(r.ID), r.Version}
	case *token.Session:
		query, args = requireSession, []any{r.User, r.ID, r.Version}
	case *storage.Ticket:
		query, args = requireTicket, []any{r.ID, r.Version}
	case *storage.Document:
		query, args = requireDocument, []any{r.Kind, r.ID, r.Version}
	case *storage.Outgoing:
		query, args = requireOutgoing, []any{r.ID, r.Version}
	}
	p.add(phaseCheck, i, func(t *tx) error {
		var found int64
		ok, err := t.one(query, append([]any{t.pool}, args...), &found)
		if err == nil && !ok {
			err = storage.ErrStale
		}
		return err
	})
}
