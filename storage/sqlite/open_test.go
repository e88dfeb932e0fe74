package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// open opens a store with the pool shop in it.
func open(t testing.TB, path string, config sqlite.Config) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(t.Context(), path, config)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// opened opens a new store with the pool shop in it.
func opened(t testing.TB, config sqlite.Config) *sqlite.Store {
	t.Helper()
	st := open(t, filepath.Join(t.TempDir(), "shop.db"), config)
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	return st
}

func commit(t testing.TB, st storage.Store, changes ...storage.Change) {
	t.Helper()
	if err := st.Commit(t.Context(), changes...); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// stored returns the n-th user as it is stored, or nil.
func stored(t testing.TB, st storage.Store, n int) *user.User {
	t.Helper()
	got, err := st.Read(t.Context(), shop, storage.Want{Now: noon, User: user.ByID(crowd.ID(n))})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return got.User
}

// exec runs the app's own statements.
func exec(t testing.TB, db interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, queries ...string,
) {
	t.Helper()
	for _, q := range queries {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	text := []byte(strings.Repeat("this is a letter to my aunt\n", 400))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path, sqlite.Config{}); !errors.Is(err, sqlite.ErrNotDatabase) {
		t.Errorf("Open = %v, want ErrNotDatabase", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(text) {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{})
	exec(t, st.DB(), `INSERT INTO userpool_schema VALUES (9, 7, 0)`)
	st.Close()
	_, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	if e, ok := errors.AsType[*sqlite.SchemaError](err); !ok || e.Version != 9 || e.MinReader != 7 {
		t.Errorf("Open = %v, want a *SchemaError of versions 9 and 7", err)
	}
}

// A newer schema that this version can still read is fine: that is how nodes are upgraded one by
// one.
func TestOpenTakesANewerSchemaThatItCanRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{})
	exec(t, st.DB(), `INSERT INTO userpool_schema VALUES (9, 1, 0)`, `ALTER TABLE userpool_users ADD COLUMN nickname TEXT`)
	st.Close()
	again := open(t, path, sqlite.Config{})
	commit(t, again, storage.Put(&storage.Pool{ID: shop, Created: noon}), storage.Put(crowd.Person(1)))
}

// Tables of the first version, with users in them, are brought up to this one as they are opened.
func TestOpenMigratesTheFirstSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{})
	ada := crowd.Person(1)
	ada.Groups = []string{"staff"}
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	commit(t, st, storage.Put(ada), storage.Put(crowd.Person(2)))
	first, err := os.ReadFile("schema/0001.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, view, _ := strings.Cut(string(first), "CREATE VIEW userpool_user")
	exec(t, st.DB(), `DELETE FROM userpool_schema WHERE version > 1`, `DROP VIEW userpool_user`, `CREATE VIEW userpool_user`+view,
		`DROP TABLE userpool_clients`, `ALTER TABLE userpool_pools DROP COLUMN clients`)
	if _, err := st.DB().ExecContext(t.Context(), `SELECT groups FROM userpool_user`); err == nil {
		t.Fatal("the view of the first version has groups: this test migrates nothing")
	}
	st.Close()
	again := open(t, path, sqlite.Config{})
	var groups string
	row := again.DB().QueryRowContext(t.Context(), `SELECT group_concat(groups, ' ') FROM (SELECT groups FROM userpool_user ORDER BY created)`)
	if err := row.Scan(&groups); err != nil || groups != `["staff"] []` {
		t.Errorf("the groups of the migrated view are %s, %v", groups, err)
	}
	if n := count(t, again, `SELECT max(version) FROM userpool_schema`); n != 3 {
		t.Errorf("the schema is of version %d, want 3", n)
	}
	commit(t, again, storage.Put(crowd.Person(3)))
}

func TestPathsAreTakenAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "what?mode=memory", "50%.db", "a#b.db", "ä☃.db", "file:x.db", ":memory:", "a&b=c.db", "%20.db"} {
		path := filepath.Join(t.TempDir(), name)
		st := open(t, path, sqlite.Config{})
		st.Close()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("no file %q: %v", name, err)
		}
	}
	for _, path := range []string{"", "a\x00b", filepath.Join(t.TempDir(), "no", "such", "folder.db"), t.TempDir()} {
		if st, err := sqlite.Open(t.Context(), path, sqlite.Config{}); err == nil {
			st.Close()
			t.Errorf("Open(%q) succeeded", path)
		}
	}
}

// Who else has an account on the machine reads nothing: not the database, its log, nor a backup.
func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st := open(t, filepath.Join(dir, "shop.db"), sqlite.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	if err := st.Backup(t.Context(), filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", f.Name(), info.Mode().Perm())
		}
	}
}

const good = "?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)"

func TestNew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "app.db")
	db, err := sql.Open("sqlite", "file:"+path+good)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec(t, db, `CREATE TABLE orders (id INTEGER PRIMARY KEY)`)
	st, err := sqlite.New(t.Context(), db, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}), storage.Put(crowd.Person(1)))
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	var n, id int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM userpool_user`).Scan(&n); err != nil || n != 1 {
		t.Errorf("the handle after Close: %d users, %v, want it open", n, err)
	}
	if err := db.QueryRowContext(t.Context(), `PRAGMA application_id`).Scan(&id); err != nil || id != 0 {
		t.Errorf("application_id = %d, %v: the file is the app's", id, err)
	}
}

// What a handle lacks is said, all at once; and a limit that would make somebody wait for ever.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		source string
		set    func(*sql.DB)
		want   []string
	}{
		"nothing set":    {"", nil, []string{"foreign_keys", "journal_mode", "busy_timeout"}},
		"no foreign key": {strings.Replace(good, "foreign_keys(1)", "foreign_keys(0)", 1), nil, []string{"foreign_keys"}},
		"not durable":    {strings.Replace(good, "synchronous(FULL)", "synchronous(OFF)", 1), nil, []string{"synchronous"}},
		"one connection": {good, func(db *sql.DB) { db.SetMaxOpenConns(1) }, []string{"SetMaxOpenConns"}},
		"few":            {good, func(db *sql.DB) { db.SetMaxOpenConns(3) }, []string{"SetMaxOpenConns"}},
		"set by hand": {strings.Replace(good, "_pragma=foreign_keys(1)&", "", 1), func(db *sql.DB) {
			db.ExecContext(t.Context(), "PRAGMA foreign_keys = 1") // of one connection only
		}, []string{"foreign_keys"}},
	} {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "app.db")+tt.source)
		if err != nil {
			t.Fatal(err)
		}
		if tt.set != nil {
			tt.set(db)
		}
		_, err = sqlite.New(t.Context(), db, sqlite.Config{Readers: 4})
		if !errors.Is(err, sqlite.ErrHandle) {
			t.Errorf("%s: New = %v, want ErrHandle", name, err)
		}
		for _, w := range tt.want {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("%s: New = %v, want it to name %s", name, err, w)
			}
		}
		db.Close()
	}
}

func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			st.Close()
		})
	}
	wg.Wait()
}

func TestBackup(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{})
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
				if err := st.Commit(context.WithoutCancel(t.Context()), storage.Put(crowd.Person(n))); err != nil {
					t.Errorf("Commit during a backup: %v", err)
					return
				}
			}
		}
	})
	path := filepath.Join(t.TempDir(), "copy.db")
	var wg sync.WaitGroup
	var made [4]error
	for i := range made {
		wg.Go(func() { made[i] = st.Backup(t.Context(), path) })
	}
	wg.Wait()
	close(stop)
	writing.Wait()
	ok := 0
	for _, err := range made {
		if err == nil {
			ok++
		} else if !errors.Is(err, fs.ErrExist) {
			t.Errorf("Backup = %v, want ErrExist", err)
		}
	}
	if ok != 1 {
		t.Errorf("%d backups to one path, want 1", ok)
	}
	left, err := filepath.Glob(path + ".partial*")
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	page, err := open(t, path, sqlite.Config{}).Pools(t.Context(), storage.PoolQuery{})
	if err != nil || len(page.Pools) != 1 {
		t.Errorf("pools of the copy = %v, %v", page.Pools, err)
	}
}

// A cursor of a process that outlived the restoring of an older copy misses nothing.
func TestFeedAfterARestore(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{})
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := st.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		commit(t, st, storage.Put(&storage.Document{Pool: shop, Kind: "k", ID: crowd.Email(n), Created: noon, Updated: noon}),
			storage.Put(&storage.Revocation{Pool: shop, ID: crowd.Email(n), User: "u", Epoch: 1, Expires: noon}))
	}
	feed, err := st.Changed(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	restored := open(t, path, sqlite.Config{})
	commit(t, restored, storage.Put(&storage.Revocation{Pool: shop, ID: "new", User: "u", Epoch: 1, Expires: noon}))
	after, err := restored.Changed(t.Context(), feed.Next)
	if err != nil || !after.Anew || len(after.Revocations) != 1 || len(after.Pools) != 1 {
		t.Errorf("after the restore: %d revocations, %d pools, %v, want 1 and 1", len(after.Revocations), len(after.Pools), err)
	}
}
