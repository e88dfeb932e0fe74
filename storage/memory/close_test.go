package memory_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/storage"
	people "github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/user"
)

// Calls that are under way while the store is closed are answered, by what they asked for or by
// ErrClosed, and by nothing else.
func TestCloseDuringCalls(t *testing.T) {
	t.Parallel()
	st := open(t)
	commit(t, st, storage.Put(&storage.Pool{ID: people.Pool, Created: t0}))
	var callers sync.WaitGroup
	for n := range 8 {
		callers.Go(func() {
			for i := 0; ; i++ {
				u := people.Person(n*1_000_000 + i)
				err := st.Commit(t.Context(), storage.Put(u))
				if err == nil {
					var got storage.Got
					got, err = st.Read(t.Context(), people.Pool, storage.Want{Now: t0, User: user.ByID(u.ID)})
					if err == nil && got.User == nil {
						t.Error("what was acknowledged is not there")
					}
				}
				if errors.Is(err, storage.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("a call while the store is closed = %v", err)
					return
				}
			}
		})
	}
	for range 3 {
		callers.Go(func() {
			if err := st.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		})
	}
	callers.Wait()
}
