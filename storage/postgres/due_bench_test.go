//go:build unix

package postgres_test

import (
	"fmt"
	"testing"

	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/user"
)

// Mail of so many pools, and so many messages of two owners each; half of the owners back off.
const (
	addPools = `INSERT INTO userpool_pools (id, version, issuer, searchable, clients, created, epoch, deleted, moved)
		SELECT 'p' || n, 1, '', '', '', 0, 1, false, 1 FROM generate_series(1, $1::int) AS n`
	addMail = `INSERT INTO userpool_outgoing (pool, id, version, owner, lane, class, ticket, body, tries, due, not_after, created)
		SELECT 'p' || 1 + n % $1::int, 'm' || n, 1, 'o' || n / 2, n / 2 % 64, n / 2 % 2, '', '\x00', 0,
			$3::bigint + CASE WHEN n / 2 % 4 < 2 THEN 3600000000 ELSE n END, NULL, n FROM generate_series(1, $2::int) AS n`
)

// BenchmarkDue asks for a hundred messages.
func BenchmarkDue(b *testing.B) {
	for _, size := range []struct{ pools, mail int }{{1, 300000}, {500, 300000}, {2000, 4000}} {
		b.Run(fmt.Sprintf("%d-pools/%d", size.pools, size.mail), func(b *testing.B) {
			st := crowded(b, 1, 2, crowd.Person)
			exec := func(query string, args ...any) {
				if _, err := st.Pool().Exec(b.Context(), query, args...); err != nil {
					b.Fatal(err)
				}
			}
			exec(addPools, size.pools)
			exec(addMail, size.pools, size.mail, crowd.Noon.UnixMicro())
			exec("VACUUM ANALYZE userpool_outgoing")
			exec("VACUUM ANALYZE userpool_pools")
			var named []user.PoolID
			for n := range size.pools {
				named = append(named, user.PoolID(fmt.Sprint("p", n+1)))
			}
			ask := func(name string, pools []user.PoolID, lane int) *side {
				return &side{name: name, op: func(int) error {
					due, err := st.Due(b.Context(), pools, lane, crowd.Noon.Add(1e9), 100)
					if err == nil && len(due) == 0 {
						err = fmt.Errorf("nothing is due")
					}
					return err
				}}
			}
			compare(b, st.Pool(), 1, ask("all", nil, -1), ask("named", named, -1), ask("lane", nil, 7))
		})
	}
}
