package pool_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// Close leaves no goroutine, no open file and none beside the database, though calls are under way. It
// is not parallel, since it counts what the process has.
func TestCloseLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	goroutines, files := runtime.NumGoroutine(), openFiles()
	for round := range 3 {
		st, err := sqlite.Open(t.Context(), filepath.Join(dir, "userpool.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		c := openCity(t, st)
		var visitors sync.WaitGroup
		under := make(chan struct{}, 100)
		for i := range 4 {
			k := c.kit(c.create(user.PoolID(fmt.Sprintf("p%d-%d", round, i)), pool.Settings{}))
			for n := range 5 {
				visitors.Go(func() {
					for v := 0; ; v++ {
						in := pool.SignUpInput{Username: fmt.Sprintf("u%d-%d@example.com", n, v), Password: right, Caller: from(n)}
						_, err := k.SignUp(t.Context(), in)
						if errors.Is(err, pool.ErrClosed) {
							return
						}
						if _, limited := errors.AsType[*pool.LimitError](err); err != nil && !limited {
							t.Error(err)
							return
						}
						select {
						case under <- struct{}{}:
						default:
						}
					}
				})
			}
		}
		for range cap(under) {
			<-under
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		visitors.Wait()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
	until(t, "goroutines are left after Close", func() bool { return runtime.NumGoroutine() <= goroutines })
	if left := openFiles(); len(left) > len(files) {
		t.Errorf("files are open after Close: %q, before: %q", left, files)
	}
	if beside, _ := filepath.Glob(filepath.Join(dir, "*")); len(beside) != 1 {
		t.Errorf("beside the database there are %q", beside)
	}
}

// openFiles returns what files of the disk this process has open, where the system tells.
func openFiles() (files []string) {
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "/") {
			files = append(files, to)
		}
	}
	slices.Sort(files)
	return files
}
