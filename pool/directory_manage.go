package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Create makes a pool, with settings that are stored: [Admin.PutSettings] changes them later. The id
// is 1 to 128 letters, digits, '-' or '_'; the issuer is a base URL as of [Config], and where it is
// https it needs a Sender and a keyring. Neither may be, or ever have been, another pool's, nor may
// an id of [NewClientID] among the clients: that is [ErrExists], after which [Directory.Pool] finds
// whether an earlier try, or another process, has made the pool. Ids that differ in case alone are
// two pools.
//
// It fails with a *[ValidationError] for a malformed actor, a *[SettingsError] that lists all that
// is wrong with id, issuer and settings, and with [ErrUnavailable]. It costs one commit.
func (d *Directory) Create(
	ctx context.Context, actor Actor, id user.PoolID, issuer string, s Settings,
) (*Pool, error) {
	if err := d.acting(actor); err != nil {
		return nil, err
	}
	c, err := d.configOf(ctx, id, issuer, &s)
	if err != nil {
		return nil, err
	}
	if len(issuer) > maxIssuer {
		return nil, &SettingsError{[]string{fmt.Sprintf("the issuer is at most %d bytes", maxIssuer)}}
	}
	settings := *c.Settings
	c.Settings = nil
	did := occurrence{Kind: createPoolEvent, Outcome: succeeded, Actor: actor.Name}
	err = d.handle(c).create(ctx, settings, &did)
	if errors.Is(err, storage.ErrStale) {
		err = fmt.Errorf("%w: a pool has, or had, the id %q", ErrExists, id)
	}
	if err != nil {
		return nil, err
	}
	d.config.Logger.InfoContext(ctx, "pool created", "pool", id, "actor", actor.Name)
	d.know(id)
	return d.open(ctx, id)
}

// Delete deletes a pool with all that is in it, for good: from this commit on nothing of it is
// found, sessions, codes and tokens that are checked here are over, and nothing more is sent. Other
// processes learn of it within a second or two. Its rows are erased afterwards, some thousand a
// second, by whichever process runs. The id, the issuer and the ids of its clients stay taken. Its
// history goes with it; that it was deleted, and by whom, stands in the log.
//
// It fails with [ErrNotAllowed] where Settings.DeletionProtection is set, with [ErrNotFound], with
// a *[SettingsError] where the stored settings cannot be read, and with a *[ValidationError] for a
// malformed actor. A pool whose keyring is lost can be deleted. It costs two reads and a commit.
func (d *Directory) Delete(ctx context.Context, actor Actor, id user.PoolID) error {
	if err := d.acting(actor); err != nil {
		return err
	}
	if _, err := again(func() (struct{}, error) { return struct{}{}, d.deleteOnce(ctx, id) }); err != nil {
		return err
	}
	d.config.Logger.InfoContext(ctx, "pool deleted", "pool", id, "actor", actor.Name)
	d.lose(id)
	return nil
}

func (d *Directory) deleteOnce(ctx context.Context, id user.PoolID) error {
	if !clientID(string(id)) {
		return ErrNotFound
	}
	page, err := d.store.Pools(ctx, storage.PoolQuery{ID: id})
	if err != nil {
		return unavailable(err)
	}
	if len(page.Pools) == 0 {
		return ErrNotFound
	}
	key := storage.DocumentKey{Kind: settingsKind, ID: only}
	got, err := d.store.Read(ctx, id, storage.Want{Now: d.now(), Documents: []storage.DocumentKey{key}})
	if err != nil {
		return unavailable(err)
	}
	changes := []storage.Change{storage.Delete(page.Pools[0])}
	if len(got.Documents) > 0 && got.Documents[0] != nil {
		s, err := decodeSettings(got.Documents[0].Body)
		if err != nil {
			return err
		}
		if s.DeletionProtection {
			return fmt.Errorf("%w: it is protected by Settings.DeletionProtection", ErrNotAllowed)
		}
		changes = append(changes, storage.Require(got.Documents[0]))
	}
	err = d.store.Commit(ctx, changes...)
	switch {
	case err == nil, errors.Is(err, storage.ErrNoPool): // an earlier try, or another process
		return nil
	case errors.Is(err, storage.ErrStale):
		return err
	case errors.Is(err, storage.ErrRetry): // nothing was written
		return fmt.Errorf("%w: %w", storage.ErrStale, err)
	case errors.Is(err, storage.ErrUnknown) && d.deleted(ctx, id):
		return nil
	}
	return unavailable(err)
}

// deleted tells what became of a commit whose answer was lost: who asks again would hear that there
// is no such pool, and nobody would have said in the log who deleted it.
func (d *Directory) deleted(ctx context.Context, id user.PoolID) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	page, err := d.store.Pools(ctx, storage.PoolQuery{ID: id})
	if err != nil || len(page.Pools) > 0 {
		return false
	}
	// A primary that no replica follows shows it too, and may take it along: see [Pool.settle]. A pool
	// that is deleted takes no commits, but what is written later and reaches a replica proves it as well.
	now := d.now()
	held, err := d.store.Lease(ctx, storage.Lease{Name: "deleted/" + d.holder, Holder: d.holder, Now: now, Until: now.Add(settleTimeout)})
	return held && err == nil
}

// PoolInfo is a pool as a [Directory] lists it.
type PoolInfo struct {
	ID      user.PoolID
	Issuer  string
	Created time.Time
	Users   int64 // sign-ups that are not confirmed aside
}

// PoolQuery asks for a page of pools.
type PoolQuery struct {
	After string // Next of the page before; "" starts
	Limit int    // at most 1000; 0 means 1000
}

// PoolPage is a page of pools.
type PoolPage struct {
	Pools []PoolInfo
	Next  string // good for a day, for the same actor; "" means that there is no more
}

// Pools lists the pools of the store by id, also those that cannot be served. It fails with a
// *[ValidationError], also where After is of another actor or older than a day (security.md S16). It
// costs one read.
func (d *Directory) Pools(ctx context.Context, actor Actor, q PoolQuery) (PoolPage, error) {
	if err := d.acting(actor); err != nil {
		return PoolPage{}, err
	}
	var v validation
	asked, _ := json.Marshal(actor) // texts cannot fail
	after, ok := pageCursor(d.ring, d.pageLabel(asked), q.After, d.now())
	if !ok {
		v.add("After", "must be the Next of a page of pools")
	}
	if q.Limit < 0 || q.Limit > storage.MaxPage {
		v.add("Limit", fmt.Sprintf("must be 0 to %d", storage.MaxPage))
	}
	if err := v.err(); err != nil {
		return PoolPage{}, err
	}
	page, err := d.store.Pools(ctx, storage.PoolQuery{After: after, Limit: q.Limit})
	if err != nil {
		return PoolPage{}, unavailable(err)
	}
	list := PoolPage{
		Pools: make([]PoolInfo, len(page.Pools)), Next: pageToken(d.ring, d.pageLabel(asked), page.Next, d.now()),
	}
	for i, p := range page.Pools {
		list.Pools[i] = PoolInfo{ID: p.ID, Issuer: p.Issuer, Created: p.Created, Users: p.Users}
	}
	return list, nil
}

// acting refuses who cannot be named in the log.
func (d *Directory) acting(a Actor) error {
	if d.closed.Load() {
		return ErrClosed
	}
	var v validation
	v.actor(a)
	return v.err()
}
