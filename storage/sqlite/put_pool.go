package sqlite

import (
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
)

// A pool moves in the feed with its epoch, and when it is deleted. One transaction writes at a
// time, so places are given out in the order in which they become visible.
const (
	insertPool = `INSERT INTO userpool_pools (version, issuer, searchable, created, id, epoch, users, deleted, moved)
		VALUES (?, ?, ?, ?, ?, 1, 0, 0, (SELECT coalesce(max(moved), 0) + 1 FROM userpool_pools))`
	updatePool = `UPDATE userpool_pools SET version = ?, issuer = ?, searchable = ?, created = ? WHERE id = ? AND version = ? AND deleted = 0`
	deletePool = `UPDATE userpool_pools SET deleted = 1, moved = (SELECT max(moved) + 1 FROM userpool_pools) WHERE key = ? AND version = ?`
	raiseEpoch = `UPDATE userpool_pools SET epoch = epoch + 1, moved = (SELECT max(moved) + 1 FROM userpool_pools) WHERE key = ?`

	claimIssuer = `INSERT OR IGNORE INTO userpool_issuers (issuer, pool) VALUES (?, ?)`
	issuerOf    = `SELECT pool FROM userpool_issuers WHERE issuer = ?`
)

func (p *plan) putPool(i int, r *storage.Pool, stamp int64) error {
	searchable, err := record.EncodeStrings(r.Searchable)
	if err != nil {
		return err
	}
	p.putsPool = true
	args := []any{stamp, r.Issuer, searchable, micros(r.Created), string(r.ID)}
	version, id, issuer := r.Version, r.ID, r.Issuer
	p.add(phasePool, i, func(t *tx) error {
		query := insertPool
		if version != 0 {
			query, args = updatePool, append(args[:5:5], version)
		}
		if err := t.guard(query, args...); err != nil {
			return err
		}
		if err := t.enter(id); err != nil || issuer == "" {
			return err
		}
		return t.claimIssuer(issuer)
	})
	return nil
}

// claimIssuer takes an issuer for the pool, which keeps it for ever.
func (t *tx) claimIssuer(issuer string) error {
	if _, err := t.exec(claimIssuer, issuer, t.pool); err != nil {
		return err
	}
	var owner int64
	if _, err := t.one(issuerOf, []any{issuer}, &owner); err != nil {
		return err
	}
	if owner != t.pool {
		return &storage.ConflictError{Namespace: storage.Issuer, Value: issuer}
	}
	return nil
}
