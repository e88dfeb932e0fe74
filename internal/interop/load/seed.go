package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// apart is a pool of the store that nobody has opened, for commits at the store alone: no chore
// comes after them.
const apart user.PoolID = "apart"

const apartUsers = 1000

// fill puts so many users into a store. The password of every second one was hashed with the cheap
// parameters. Each record is as the pool writes it: nobody can tell that they did not sign up.
func fill(ctx context.Context, st storage.Store, ring *seal.Keyring, users int) error {
	var moulds [2]*mould
	for i, hash := range []*password.Params{nil, &cheap} {
		p, err := openPool(ctx, st, ring, hash)
		if err != nil {
			return err
		}
		moulds[i], err = newMould(ctx, p, st, ring, fmt.Sprintf("mould%d@example.com", i))
		if err := errors.Join(err, p.Close(ctx)); err != nil {
			return err
		}
	}
	if err := st.Commit(ctx, storage.Put(&storage.Pool{ID: apart, Searchable: []string{"name"}, Created: began})); err != nil {
		return err
	}
	for n := range apartUsers {
		u := moulds[0].cast(apartUser(n))
		u.Pool = apart
		u.Logins, u.Index = nil, nil
		if err := st.Commit(ctx, storage.Put(u)); err != nil {
			return err
		}
	}
	return inBatches(ctx, users, func(from, to int) error {
		var changes []storage.Change
		for n := from; n < to; n++ {
			changes = append(changes, storage.Put(moulds[n%2].cast(n)))
		}
		return st.Commit(ctx, changes...)
	})
}

// apartUser numbers the users of the pool apart, behind all others.
func apartUser(n int) int { return 1<<40 + n }

// inBatches runs f over all users, many in a commit and several commits at a time.
func inBatches(ctx context.Context, users int, f func(from, to int) error) error {
	const batch, hands = storage.MaxChanges, 8
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches, failed := make(chan int), make(chan error, hands)
	var all sync.WaitGroup
	for range hands {
		all.Go(func() {
			for from := range batches {
				if err := f(from, min(users, from+batch)); err != nil {
					failed <- err
					stop()
					return
				}
			}
		})
	}
	for from := 0; from < users && ctx.Err() == nil; from += batch {
		select {
		case batches <- from:
		case <-ctx.Done():
		}
	}
	close(batches)
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return ctx.Err()
	}
}

// filled reports whether the store has all of the users already.
func filled(ctx context.Context, st storage.Store, users int) (bool, error) {
	page, err := st.Pools(ctx, storage.PoolQuery{ID: "default"})
	if err != nil || len(page.Pools) == 0 {
		return false, err
	}
	return page.Pools[0].Users >= int64(users), nil
}

// attend opens the pool twice: one hashes as by default, the other as cheaply as can be.
func attend(ctx context.Context, st storage.Store, ring *seal.Keyring) (dear, light *pool.Pool, err error) {
	if dear, err = openPool(ctx, st, ring, nil); err != nil {
		return nil, nil, err
	}
	if light, err = openPool(ctx, st, ring, &cheap); err != nil {
		return nil, nil, errors.Join(err, dear.Close(ctx))
	}
	return dear, light, nil
}
