package postgres

import (
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/user"
)

// A pool moves in the feed with its epoch, and when it is deleted.
const (
	insertPool = `INSERT INTO userpool_pools (id, version, issuer, searchable, clients, created, epoch, deleted, moved)
		VALUES ($1, $2, $3, $4, $5, $6, 1, false, pg_current_xact_id()::text::bigint)`
	updatePool = `WITH r AS (UPDATE userpool_pools SET version = $2, issuer = $3, searchable = $4, clients = $5, created = $6
		WHERE id = $1 AND version = $7 AND NOT deleted RETURNING 1) SELECT 1/count(*) FROM r`
	openGates  = `INSERT INTO userpool_gates (pool, gate) SELECT $1, n FROM generate_series(0, $2::bigint - 1) AS n`
	closeGates = `WITH g AS (DELETE FROM userpool_gates WHERE pool = $1 RETURNING 1) SELECT 1/count(*) FROM g`
	deletePool = `WITH r AS (UPDATE userpool_pools SET deleted = true, moved = pg_current_xact_id()::text::bigint
		WHERE id = $1 AND version = $2 AND NOT deleted RETURNING 1) SELECT 1/count(*) FROM r`

	// What a pool claims it keeps for ever.
	claimIssuer = `INSERT INTO userpool_issuers (issuer, pool) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	ownIssuer   = `SELECT 1/count(*) FROM userpool_issuers WHERE issuer = $1 AND pool = $2`
	claimClient = `INSERT INTO userpool_clients (client, pool) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	ownClient   = `SELECT 1/count(*) FROM userpool_clients WHERE client = $1 AND pool = $2`
)

func (p *plan) putPool(i int, r *storage.Pool, stamp int64) error {
	searchable, err := record.EncodeStrings(r.Searchable)
	if err != nil {
		return err
	}
	clients, err := record.EncodeStrings(r.Clients)
	if err != nil {
		return err
	}
	p.gated = true
	id := string(r.ID)
	query, args := insertPool, []any{id, stamp, r.Issuer, searchable, clients, micros(r.Created)}
	if r.Version != 0 {
		query, args = updatePool, append(args, r.Version)
	}
	p.add(item{phase: phasePool, key: "1", change: i, sql: query, args: args, refuses: stale})
	if r.Version == 0 {
		p.add(item{phase: phasePool, key: "1", change: i, sql: openGates, args: []any{id, gates}})
	}
	claim := func(of user.Namespace, value, take, own string) {
		taken := &storage.ConflictError{Namespace: of, Value: value}
		at := joined("2", string(of), value)
		p.add(item{phase: phasePool, key: at, change: i, sql: take, args: []any{value, id}})
		p.add(item{phase: phasePool, key: at, change: i, sql: own, args: []any{value, id}, refuses: refuse(taken, divisionByZero)})
	}
	if r.Issuer != "" {
		claim(storage.Issuer, r.Issuer, claimIssuer, ownIssuer)
	}
	for _, client := range r.Clients {
		claim(storage.Client, client, claimClient, ownClient)
	}
	return nil
}

func (p *plan) deletePool(i int, r *storage.Pool) {
	p.gated = true
	p.add(item{phase: phasePool, change: -1, sql: closeGates, args: []any{string(r.ID)}, refuses: refuse(storage.ErrNoPool, divisionByZero)})
	p.add(item{phase: phaseCount, key: "~~~", change: i, sql: deletePool, args: []any{string(r.ID), r.Version}, refuses: stale})
}
