package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
)

// The clock is the server's, which of a server that tests may use is right.
func TestS14_ClockOfTheServer(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	now, err := storage.Clock(st).Now(t.Context())
	if off := time.Since(now).Abs(); err != nil || off > 5*time.Second || now.Location() != time.UTC {
		t.Errorf("Now = %v, %v, off by %v", now, err, off)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := st.Now(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("Now of who has gone = %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Now(t.Context()); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Now once it is closed = %v, want ErrClosed", err)
	}
}
