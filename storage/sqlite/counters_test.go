package sqlite_test

import (
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// Every sign-in clears the counter of wrong passwords, and nearly always there is none: it must not
// leave a row for each, to be written and swept.
func TestClearOfNothingWritesNothing(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{})
	rows := func() (n int) {
		if err := st.DB().QueryRow(`SELECT count(*) FROM userpool_counters`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	key := storage.CounterKey{Pool: shop, Owner: "ada", Name: "password"}
	rule := storage.Rule{Free: 5, Base: time.Second, Max: time.Minute}
	commit := func(c storage.Change) {
		if err := st.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if commit(storage.Clear{Key: key, Rule: rule, Now: noon}); rows() != 0 {
		t.Errorf("%d counters after a Clear of none, want 0", rows())
	}
	commit(storage.Count{Key: key, Rule: rule, Now: noon})
	commit(storage.Clear{Key: key, Rule: rule, Now: noon})
	if n, err := st.Sweep(t.Context(), noon, 10); err != nil || n != 1 || rows() != 0 {
		t.Errorf("Sweep after a Clear = %d, %v, want the one that had counted", n, err)
	}
	got, err := st.Read(t.Context(), shop, storage.Want{Now: noon, Counters: []storage.CounterKey{key}})
	if err != nil || got.Counters[0] != (storage.Counter{Key: key}) {
		t.Errorf("counter = %+v, %v, want none", got.Counters[0], err)
	}
}
