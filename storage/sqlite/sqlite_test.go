package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/storage/storagetest"
)

var adapter = storagetest.Adapter{
	New: func(t testing.TB) string { return filepath.Join(t.TempDir(), "pool.db") },
	Open: func(ctx context.Context, address string) (storage.Store, error) {
		return sqlite.Open(ctx, address, sqlite.Config{})
	},
}

func TestContract(t *testing.T) { storagetest.Run(t, adapter) }

func TestMain(m *testing.M) {
	code := storagetest.Main(m, adapter)
	seeds.remove()
	os.Exit(code)
}
