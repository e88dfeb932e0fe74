package memory_test

import (
	"context"
	"os"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
)

var adapter = storagetest.Adapter{
	New:  func(testing.TB) string { return "" },
	Open: func(context.Context, string) (storage.Store, error) { return memory.New(), nil },
}

func TestContract(t *testing.T) { storagetest.Run(t, adapter) }

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m, adapter)) }
