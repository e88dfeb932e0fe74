//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/user"
)

const (
	bareColumns = `SELECT u.id, u.version, u.status, u.disabled, u.epoch, u.created, u.updated, u.digest, u.body::text FROM `
	bareByID    = bareColumns + `userpool_users AS u WHERE u.pool = $1 AND u.id = $2`
	bareByLogin = bareColumns + `userpool_logins AS l JOIN userpool_users AS u ON u.id = l.user_id
		WHERE l.pool = $1 AND l.ns = 'name' AND l.value = $2`
	bareByTerm = bareColumns + `userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = $1 AND i.name = $2 AND i.value >= $3 AND i.value < $4 ORDER BY i.value, i.user_id LIMIT 61`
	barePage = bareColumns + `userpool_users AS u WHERE u.pool = $1 AND (u.created, u.id) > ($2, '') ORDER BY u.created, u.id LIMIT 61`
)

// bare reads users as a program would that knows nothing but the tables.
func bare(pool *pgxpool.Pool, query string, args ...any) (n int, err error) {
	rows, err := pool.Query(context.Background(), query, append([]any{string(crowd.Pool)}, args...)...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		u := &user.User{Pool: crowd.Pool, Status: user.Confirmed}
		var status int
		var created, updated int64
		var digest, body []byte
		err := rows.Scan((*string)(&u.ID), &u.Version, &status, &u.Disabled, &u.Epoch, &created, &updated, &digest, &body)
		if err != nil {
			return 0, err
		}
		u.Created, u.Updated = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
		if err := record.DecodeUser(u, body, digest); err != nil {
			return 0, err
		}
		u.MarkLoaded()
	}
	return n, rows.Err()
}

// asked is a way of asking for users, beside the bare select.
type asked struct {
	name        string
	store, bare func(n int) (int, error)
}

func askedOf(st *postgres.Store) []asked {
	ctx, pool := context.Background(), st.Pool()
	one := func(key func(n int) user.Key) func(int) (int, error) {
		return func(n int) (int, error) {
			got, err := st.Read(ctx, crowd.Pool, storage.Want{Now: crowd.Noon, User: key(n)})
			if got.User == nil {
				return 0, err
			}
			return 1, err
		}
	}
	list := func(query func(n int) storage.UserQuery) func(int) (int, error) {
		return func(n int) (int, error) {
			q := query(n)
			q.Now, q.Limit = crowd.Noon, 60
			page, err := st.Users(ctx, crowd.Pool, q)
			return len(page.Users), err
		}
	}
	where := func(name, value string, prefix bool) storage.UserQuery {
		return storage.UserQuery{Where: &storage.Where{Name: name, Value: value, Prefix: prefix}}
	}
	value := func(n int) string { return fmt.Sprintf("ada lovelace %d", n) }
	at := func(n int) time.Time { return crowd.Person(n).Created }
	return []asked{
		{
			"by-id", one(func(n int) user.Key { return user.ByID(crowd.ID(n)) }),
			func(n int) (int, error) { return bare(pool, bareByID, string(crowd.ID(n))) },
		},
		{
			"by-login", one(func(n int) user.Key { return user.ByLogin(crowd.Email(n)) }),
			func(n int) (int, error) { return bare(pool, bareByLogin, crowd.Email(n)) },
		},
		{
			"value", list(func(n int) storage.UserQuery { return where("name", value(n), false) }),
			func(n int) (int, error) { return bare(pool, bareByTerm, "name", value(n), value(n)+"\x01") },
		},
		{
			"value-prefix", list(func(int) storage.UserQuery { return where("name", "ada lovelace 1", true) }),
			func(int) (int, error) { return bare(pool, bareByTerm, "name", "ada lovelace 1", "ada lovelace 2") },
		},
		{
			"group", list(func(n int) storage.UserQuery { return where(storage.GroupTerm, crowd.Group(n), false) }),
			func(n int) (int, error) {
				return bare(pool, bareByTerm, storage.GroupTerm, crowd.Group(n), crowd.Group(n)+"\x01")
			},
		},
		{
			"page", list(func(n int) storage.UserQuery { return storage.UserQuery{CreatedMin: at(n)} }),
			func(n int) (int, error) { return bare(pool, barePage, at(n).UnixMicro()) },
		},
	}
}

// BenchmarkReads reads users and pages of 60, among a thousand and, but with -short, a million.
func BenchmarkReads(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"1k", 1000}, {"1M", 1000000}} {
		b.Run(size.name, func(b *testing.B) {
			if testing.Short() && size.n > 1000 {
				b.Skip("a million users take minutes to load")
			}
			st := crowded(b, size.n, 4, crowd.Listed)
			for _, a := range askedOf(st) {
				b.Run(a.name, func(b *testing.B) {
					run := func(read func(n int) (int, error)) func(int) error {
						return func(int) error {
							found, err := read(rand.IntN(size.n - 100))
							if err == nil && found == 0 {
								err = pgx.ErrNoRows
							}
							return err
						}
					}
					compare(b, st.Pool(), 1, &side{name: "store", op: run(a.store)}, &side{name: "bare", op: run(a.bare)})
				})
			}
		})
	}
}
