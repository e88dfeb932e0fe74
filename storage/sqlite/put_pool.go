package sqlite

import (
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/user"
)

// A pool moves in the feed with its epoch, and when it is deleted. One transaction writes at a
// time, so places are given out in the order in which they become visible.
const (
	insertPool = `INSERT INTO userpool_pools (version, issuer, searchable, clients, created, id, epoch, users, deleted, moved)
		VALUES (?, ?, ?, ?, ?, ?, 1, 0, 0, (SELECT coalesce(max(moved), 0) + 1 FROM userpool_pools))`
	updatePool = `UPDATE userpool_pools SET version = ?, issuer = ?, searchable = ?, clients = ?, created = ? WHERE id = ? AND version = ? AND deleted = 0`
	deletePool = `UPDATE userpool_pools SET deleted = 1, moved = (SELECT max(moved) + 1 FROM userpool_pools) WHERE key = ? AND version = ?`
	raiseEpoch = `UPDATE userpool_pools SET epoch = epoch + 1, moved = (SELECT max(moved) + 1 FROM userpool_pools) WHERE key = ?`

	// What a pool claims it keeps for ever: nothing is written where another did.
	claimIssuer = `INSERT INTO userpool_issuers (issuer, pool) VALUES (?, ?) ON CONFLICT DO UPDATE SET pool = pool WHERE pool = excluded.pool`
	claimClient = `INSERT INTO userpool_clients (client, pool) VALUES (?, ?) ON CONFLICT DO UPDATE SET pool = pool WHERE pool = excluded.pool`
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
	p.putsPool = true
	args := []any{stamp, r.Issuer, searchable, clients, micros(r.Created), string(r.ID)}
	version, id, issuer, ids := r.Version, r.ID, r.Issuer, slices.Clone(r.Clients)
	p.add(phasePool, i, func(t *tx) error {
		query := insertPool
		if version != 0 {
			query, args = updatePool, append(args[:6:6], version)
		}
		if err := t.guard(query, args...); err != nil {
			return err
		}
		if err := t.enter(id); err != nil {
			return err
		}
		if issuer != "" {
			if err := t.claim(claimIssuer, storage.Issuer, issuer); err != nil {
				return err
			}
		}
		for _, client := range ids {
			if err := t.claim(claimClient, storage.Client, client); err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// claim takes a value for the pool.
func (t *tx) claim(query string, of user.Namespace, value string) error {
	n, err := t.exec(query, value, t.pool)
	if err == nil && n == 0 {
		err = &storage.ConflictError{Namespace: of, Value: value}
	}
	return err
}
