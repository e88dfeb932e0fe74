package bouncer_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/storage/storagetest"
)

// process names this process to the bouncer.
var process = fmt.Sprint("test", os.Getpid())

// open opens the store at an address: the URL of a database, and the schema after a #.
func open(ctx context.Context, address string) (storage.Store, error) {
	address, schema, _ := strings.Cut(address, "#")
	return postgres.Open(ctx, address+"?default_query_exec_mode=exec&application_name="+process, postgres.Config{Schema: schema})
}

// TestContract proves the whole contract through a bouncer that has fewer connections than any of
// the programs.
func TestContract(t *testing.T) {
	s := postgrestest.NewServer(t, "max_locks_per_transaction=256")
	b := postgrestest.NewBouncer(t, s, "default_pool_size=3")
	var names atomic.Int64
	storagetest.Run(t, storagetest.Adapter{
		New: func(t testing.TB) string {
			database := "postgres"
			if strings.HasSuffix(t.Name(), "/Kill") { // it waits for its own kind to be gone
				database = nameOf(t, s.Database())
			}
			return fmt.Sprintf("%s#t%d", b.URL(database), names.Add(1))
		},
		Open: open,
		Settle: func(ctx context.Context, address string) error {
			return b.Settle(ctx, s.URL(), nameOf(t, address), process)
		},
		Kills: 20, Steps: 300, // what more may show does so without a bouncer, in storage/postgres
	})
}

// nameOf returns the database at an address.
func nameOf(t testing.TB, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

type contract struct{ *testing.M }

func (c contract) Run() int { return storagetest.Main(c.M, storagetest.Adapter{Open: open}) }

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(contract{m})) }
