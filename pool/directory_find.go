package pool

import (
	"context"
	"errors"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Pool returns a pool by its id. It fails with [ErrNotFound] where there is none; with a
// *[SettingsError], [ErrWrongKeyring] or [ErrUnavailable] where this one cannot be served, which is
// tried anew a second later and then less often, once a minute in the end; and with [ErrClosed]. A
// pool that is loaded costs nothing, one that is not some reads, for all that ask for it at once
// together, and an id that nobody has costs one: nothing of it is remembered.
func (d *Directory) Pool(ctx context.Context, id user.PoolID) (*Pool, error) {
	if !clientID(string(id)) {
		return nil, d.unknown(ErrNotFound)
	}
	p, err := d.open(ctx, id)
	if !errors.Is(err, ErrNotFound) {
		return p, err
	}
	return d.find(ctx, storage.PoolQuery{ID: id}, ErrNotFound)
}

// ByIssuer returns the pool that mints tokens in the name of an issuer: "https://" and the Host of a
// request, say, in lower case. A visitor chooses that header, so what is no issuer costs nothing,
// and one that no pool has costs one read and no memory. It fails as [Directory.Pool] does.
func (d *Directory) ByIssuer(ctx context.Context, name string) (*Pool, error) {
	if _, ok := parseIssuer(name); !ok || len(name) > maxIssuer {
		return nil, d.unknown(ErrNotFound)
	}
	d.mu.Lock()
	id, known := d.issuers[name]
	d.mu.Unlock()
	if known {
		if p, err := d.open(ctx, id); !errors.Is(err, ErrNotFound) {
			return p, err
		}
	}
	return d.find(ctx, storage.PoolQuery{Issuer: name}, ErrNotFound)
}

// ByClient returns the pool of a client whose id was generated ([NewClientID]). Ids that were chosen
// name no pool, and fail with [ErrUnknownClient] as unknown ones do. Otherwise it fails as
// [Directory.Pool] does. It costs one read.
func (d *Directory) ByClient(ctx context.Context, id string) (*Pool, error) {
	if !generatedID(id) {
		return nil, d.unknown(ErrUnknownClient)
	}
	return d.find(ctx, storage.PoolQuery{Client: id}, ErrUnknownClient)
}

// maxIssuer bounds an issuer, in bytes.
const maxIssuer = 512

// find looks for a pool in the store.
func (d *Directory) find(ctx context.Context, q storage.PoolQuery, none error) (*Pool, error) {
	if err := d.unknown(none); errors.Is(err, ErrClosed) {
		return nil, err
	}
	page, err := d.store.Pools(ctx, q)
	if err != nil {
		return nil, unavailable(err)
	}
	if len(page.Pools) == 0 {
		return nil, none
	}
	id := page.Pools[0].ID
	d.know(id)
	p, err := d.open(ctx, id)
	if errors.Is(err, ErrNotFound) {
		err = none // it was deleted meanwhile
	}
	return p, err
}

// unknown returns the error of what nobody has.
func (d *Directory) unknown(none error) error {
	if d.closed.Load() {
		return ErrClosed
	}
	return none
}
