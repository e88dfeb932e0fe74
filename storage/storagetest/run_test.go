package storagetest_test

import (
	"os"
	"testing"

	"github.com/userpool-go/userpool/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m, adapter)) }

// TestMemory runs the suite as the author of an adapter does.
func TestMemory(t *testing.T) { storagetest.Run(t, adapter) }
