package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/storage/storagetest"
)

var adapter = storagetest.Adapter{
	New: postgrestest.Schema,
	Open: func(ctx context.Context, address string) (storage.Store, error) {
		return postgres.Open(ctx, address+"&application_name="+nameOf(address)+"/"+process, postgres.Config{})
	},
	Settle: settle,
}

// process names this process to the server.
var process = fmt.Sprint("test", os.Getpid())

// nameOf returns the schema at an address.
func nameOf(address string) string {
	_, name, _ := strings.Cut(address, "search_path=")
	return name
}

// settle waits until the server has parted with all other processes at an address: it ends what one
// had sent before it was killed.
func settle(ctx context.Context, address string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for left := 1; left > 0 && err == nil; {
		const others = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE $1 || '/%' AND application_name <> $1 || '/' || $2`
		err = conn.QueryRow(ctx, others, nameOf(address), process).Scan(&left)
	}
	return err
}

func TestContract(t *testing.T) { storagetest.Run(t, adapter) }

type contract struct{ *testing.M }

func (c contract) Run() int { return storagetest.Main(c.M, adapter) }

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(contract{m})) }
