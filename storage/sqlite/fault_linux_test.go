package sqlite_test

import (
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// limitFiles lets no file of this process grow beyond a size, as a full disk does.
func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
	l.Cur = min(size, l.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		t.Fatal(err)
	}
}

// What happens where the disk fills up: every member of every group gets an answer that is true,
// reads go on, and so do commits once there is room. It runs in a process of its own, because the
// limit is that of the process.
func TestWritesFail(t *testing.T) {
	t.Parallel()
	const child = "USERPOOL_TEST_FULL_DISK"
	if os.Getenv(child) == "" {
		cmd := osexec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWritesFail$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	known := map[int]bool{} // by the answer, true where it was stored
	for round := range 3 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		limitFiles(t, uint64(info.Size())+300_000)
		failed := 0
		for n := round * 10_000; failed < 5; n += 16 {
			for i, err := range atOnce(t, st, n, 16) {
				known[n+i] = err == nil
				if err == nil {
					continue
				}
				failed++
				if !errors.Is(err, storage.ErrUnknown) && !errors.Is(err, storage.ErrRetry) {
					t.Errorf("Commit on a full disk = %v", err)
				}
			}
		}
		settled(t, st, known)
		limitFiles(t, 1<<40)
		commit(t, st, storage.Put(crowd.Person(round*10_000+9_999)))
	}
	st.Close()
	again := open(t, path, sqlite.Config{})
	settled(t, again, known)
	intact(t, again)
}

// atOnce stores some people at once and returns the answers.
func atOnce(t *testing.T, st storage.Store, from, n int) []error {
	t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = st.Commit(context.WithoutCancel(t.Context()), storage.Put(crowd.Person(from+i))) })
	}
	all.Wait()
	return errs
}

// settled wants everybody to be stored whose commit was acknowledged, and nobody by halves.
func settled(t *testing.T, st storage.Store, known map[int]bool) {
	t.Helper()
	for n, acknowledged := range known {
		if acknowledged && stored(t, st, n) == nil {
			t.Fatalf("person %d was acknowledged and is gone", n)
		}
		if !acknowledged && stored(t, st, n) != nil {
			t.Fatalf("person %d was not written, and is there", n)
		}
	}
}

// intact wants SQLite to find nothing wrong with the file.
func intact(t *testing.T, st *sqlite.Store) {
	t.Helper()
	var said string
	if err := st.DB().QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&said); err != nil || said != "ok" {
		t.Errorf("integrity_check: %s, %v", said, err)
	}
	if n := count(t, st, `SELECT count(*) FROM pragma_foreign_key_check`); n > 0 {
		t.Errorf("%d foreign keys lead nowhere", n)
	}
}

// onFile puts another file in the place of one that this process has open for writing, under its
// descriptors, and returns what undoes it.
func onFile(t *testing.T, path, other string) (undo func()) {
	t.Helper()
	to, err := os.OpenFile(other, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var open []int
	for _, e := range fds {
		if at, _ := os.Readlink("/proc/self/fd/" + e.Name()); at == path {
			fd, _ := strconv.Atoi(e.Name())
			open = append(open, fd)
		}
	}
	saved := map[int]int{}
	for _, fd := range open {
		if saved[fd], err = syscall.Dup(fd); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Dup3(int(to.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	to.Close()
	if len(saved) == 0 {
		t.Fatalf("%s is not open", path)
	}
	return func() {
		for fd, was := range saved {
			if err := syscall.Dup3(was, fd, syscall.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			syscall.Close(was)
		}
	}
}

// What a disk says it has not written may be there or not; and what it says later cannot be
// believed. So after a failed fsync the store writes no more until it is opened again.
func TestFsyncFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{Readers: 1})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	commit(t, st, storage.Put(crowd.Person(1)))
	undo := onFile(t, path+"-wal", "/dev/null") // which takes everything, and has no fsync
	err := st.Commit(t.Context(), storage.Put(crowd.Person(2)))
	undo()
	if !errors.Is(err, storage.ErrUnknown) || !strings.Contains(err.Error(), "1034") {
		t.Errorf("Commit = %v, want ErrUnknown because of fsync", err)
	}
	if err := st.Commit(t.Context(), storage.Put(crowd.Person(3))); err == nil {
		t.Error("a commit after a failed fsync is acknowledged")
	}
	if stored(t, st, 1) == nil || stored(t, st, 3) != nil {
		t.Error("reads do not go on")
	}
	st.Close()
	again := open(t, path, sqlite.Config{})
	commit(t, again, storage.Put(crowd.Person(3)))
	if stored(t, again, 1) == nil {
		t.Error("what was acknowledged is gone")
	}
	intact(t, again)
}
