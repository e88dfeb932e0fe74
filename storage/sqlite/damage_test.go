package sqlite_test

import (
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// damages are what a disk, or a copy that was made at the wrong moment, does to a file.
var damages = map[string]func(r *rand.Rand, file []byte) []byte{
	"half a page": func(r *rand.Rand, file []byte) []byte {
		half := file[4096*r.IntN(len(file)/4096)+2048*r.IntN(2):][:2048]
		for i := range half {
			half[i] = byte(r.Uint32())
		}
		return file
	},
	"a page of zeros": func(r *rand.Rand, file []byte) []byte {
		clear(file[4096*r.IntN(len(file)/4096):][:4096])
		return file
	},
	"a bit": func(r *rand.Rand, file []byte) []byte {
		file[r.IntN(len(file))] ^= 1 << r.IntN(8)
		return file
	},
	"the end": func(r *rand.Rand, file []byte) []byte { return file[:r.IntN(len(file))] },
}

// A file that was damaged gives an error that says so, or what there was: SQLite has no checksums in
// the file, so that what still looks like a record may be another. Nothing panics, and a damaged
// file is not taken for an empty one.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	const people = 60
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	were := map[int]*user.User{}
	for n := range people {
		commit(t, st, storage.Put(crowd.Person(n)))
		were[n] = stored(t, st, n)
	}
	st.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, refused, silent := rand.New(rand.NewPCG(1, 2)), 0, 0
			for range 40 {
				path := filepath.Join(t.TempDir(), "shop.db")
				file := damage(r, append([]byte(nil), whole...))
				if err := os.WriteFile(path, file, 0o600); err != nil {
					t.Fatal(err)
				}
				if len(file) == 0 {
					continue // that is how a new one begins
				}
				bad, other := look(t, path, were)
				if bad {
					refused++
				} else if other > 0 {
					silent++
				}
			}
			t.Logf("%d of 40 are refused, %d go unseen", refused, silent)
		})
	}
}

// look reads all people and writes one; it reports whether anything was refused as damaged, and how
// many are others than they were.
func look(t *testing.T, path string, were map[int]*user.User) (refused bool, other int) {
	t.Helper()
	check := func(what string, err error) {
		t.Helper()
		if err == nil {
			return
		}
		refused = true
		found := strings.Contains(err.Error(), "malformed") // else it is what was read that makes no sense
		if found && !errors.Is(err, sqlite.ErrNotDatabase) || errors.Is(err, storage.ErrRetry) {
			t.Errorf("%s = %v, want ErrNotDatabase", what, err)
		}
	}
	st, err := sqlite.Open(t.Context(), path, sqlite.Config{Readers: 1})
	check("Open", err)
	if err != nil {
		return refused, 0
	}
	defer st.Close()
	for _, was := range were {
		got, err := st.Read(t.Context(), shop, storage.Want{Now: noon, User: user.ByID(was.ID)})
		check("Read", err)
		if err == nil && !reflect.DeepEqual(got.User, was) {
			other++
		}
	}
	_, err = st.Users(t.Context(), shop, storage.UserQuery{Now: noon})
	check("Users", err)
	check("Commit", st.Commit(t.Context(), storage.Put(crowd.Person(len(were)))))
	return refused, other
}

// A log of which the end is torn, or a bit has turned, gives all commits before that and none after:
// its frames have checksums.
func TestDamagedLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "shop.db")
	st := open(t, path, sqlite.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	var ends []int64 // of the log, after each person
	for n := range 40 {
		commit(t, st, storage.Put(crowd.Person(n)))
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 40 {
		at := int(ends[0]) + r.IntN(len(log)-int(ends[0]))
		torn := append([]byte(nil), log...)
		if i%2 == 0 {
			torn = torn[:at]
		} else {
			torn[at] ^= 1 << r.IntN(8)
		}
		copied := filepath.Join(t.TempDir(), "shop.db")
		if err := errors.Join(os.WriteFile(copied, file, 0o600), os.WriteFile(copied+"-wal", torn, 0o600)); err != nil {
			t.Fatal(err)
		}
		again := open(t, copied, sqlite.Config{Readers: 1})
		for n, end := range ends {
			if there := stored(t, again, n) != nil; there != (end <= int64(at)) {
				t.Errorf("damaged at %d: the commit that ends at %d is there: %t", at, end, there)
			}
		}
		commit(t, again, storage.Put(crowd.Person(9999)))
		var said string
		if err := again.DB().QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&said); err != nil || said != "ok" {
			t.Errorf("integrity_check: %s, %v", said, err)
		}
		again.Close()
	}
}

// What is written to a file that its path does not lead to any more, nobody finds again: it is refused.
// Reads go on, and so do commits where the file comes back.
func TestFileIsGone(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(path string) error{
		"moved": func(path string) error { return os.Rename(path, path+".old") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "shop.db")
			st := open(t, path, sqlite.Config{Readers: 1})
			commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}), storage.Put(crowd.Person(1)))
			if err := take(path); err != nil {
				t.Skip(err) // the system does not let it happen
			}
			if err := st.Commit(t.Context(), storage.Put(crowd.Person(2))); err == nil {
				t.Error("a commit that nobody will find is acknowledged")
			}
			if stored(t, st, 1) == nil || stored(t, st, 2) != nil {
				t.Error("reads do not go on, or what was refused is there")
			}
			if err := os.Rename(path+".old", path); err != nil {
				t.Fatal(err)
			}
			commit(t, st, storage.Put(crowd.Person(2)))
			intact(t, st)
		})
	}
}

// A file that can only be read is refused when it is opened, and not at each commit.
func TestFileIsReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	source := "file:" + path + "?mode=ro&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)"
	db, err := sql.Open("sqlite", source) // as SQLite does by itself where it may not write
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := sqlite.New(t.Context(), db, sqlite.Config{}); !errors.Is(err, sqlite.ErrHandle) || !strings.Contains(err.Error(), "write the file") {
		t.Errorf("New = %v, want ErrHandle", err)
	}
}

// Where another process keeps the lock for longer than anybody waits, nothing is written, and the
// answer says so; reads go on.
func TestLockedByAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	source := "file:" + path + "?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(100)&_pragma=synchronous(FULL)"
	db, err := sql.Open("sqlite", source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st, err := sqlite.New(t.Context(), db, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}), storage.Put(crowd.Person(1)))
	other := open(t, path, sqlite.Config{Readers: 1})
	tx, err := other.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Commit(t.Context(), storage.Put(crowd.Person(2))); !errors.Is(err, storage.ErrRetry) {
		t.Errorf("Commit = %v, want ErrRetry", err)
	}
	if stored(t, st, 1) == nil || stored(t, st, 2) != nil {
		t.Error("reads do not go on, or what was not written is there")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	commit(t, st, storage.Put(crowd.Person(2)))
}
