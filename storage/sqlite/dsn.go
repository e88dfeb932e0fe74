package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	driver "modernc.org/sqlite"
)

// ErrHandle means that a [Config] or a handle given to [New] does not have what the store needs.
var ErrHandle = errors.New("sqlite: the store cannot use this")

const maxReaders = 256

// dataSource returns the data source name of a path.
func dataSource(path string, config Config) (string, error) {
	uri, err := fileURI(path)
	if err != nil {
		return "", err
	}
	// No mmap_size: SQLite unmaps the file at the first read after each commit, and most reads here
	// are followed by a commit. A cache that holds the inner pages of a million users reads as
	// fast. The log is copied into the file every 16 MB, which one block of its index still covers,
	// and not every 4: a page that many commits change is written there once for all of them.
	pragmas := []string{
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(" + config.Synchronous.String() + ")",
		"foreign_keys(1)", "cache_size(-8000)", "journal_size_limit(67108864)", "wal_autocheckpoint(4000)", "temp_store(MEMORY)",
	}
	q := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}, "_dqs": {"0"}, "_defensive": {"1"}}
	return uri + "?" + q.Encode(), nil
}

// backupSource returns the data source name of a copy that is being written: on the disk when it
// is finished.
func backupSource(path string) (string, error) {
	uri, err := fileURI(path)
	return uri + "?_pragma=synchronous(FULL)", err
}

// makePrivate makes the file where there is none, before SQLite does so with the mode that it likes.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	return f.Close()
}

// fileURI returns a path as a file: URI, absolute and escaped: a plain path would end at a '?'.
func fileURI(path string) (string, error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("%w: the path %q names no file", ErrHandle, path)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	segments := strings.Split(filepath.ToSlash(absolute), "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	uri := strings.Join(segments, "/")
	if !strings.HasPrefix(uri, "/") { // a drive letter of Windows
		uri = "/" + uri
	}
	return "file://" + uri, nil
}

func checkConfig(config Config) error {
	if config.Readers < 0 || config.Readers > maxReaders {
		return fmt.Errorf("%w: Config.Readers is %d, must be 0 to %d", ErrHandle, config.Readers, maxReaders)
	}
	if config.Synchronous != Full && config.Synchronous != Normal {
		return fmt.Errorf("%w: Config.Synchronous is %d, must be Full or Normal", ErrHandle, config.Synchronous)
	}
	return nil
}

// checkLimit refuses a handle that could never give all the connections that the store holds and
// one for the app: the first call beyond the limit would wait for ever.
func checkLimit(db *sql.DB, readers int) error {
	limit, need := db.Stats().MaxOpenConnections, readers+2
	if limit == 0 || limit >= need {
		return nil
	}
	return fmt.Errorf("%w: the handle allows %d open connections and %d are needed (1 to write, %d to read, 1 for the app): call SetMaxOpenConns(%d) or lower Config.Readers",
		ErrHandle, limit, need, readers, need)
}

// checkConnection says everything that is wrong with a connection at once.
func checkConnection(ctx context.Context, c *conn, config Config) error {
	if err := checkDriver(ctx, c); err != nil {
		return err
	}
	level := map[Synchronous]int64{Full: 2, Normal: 1}[config.Synchronous]
	var wrong []error
	for _, need := range []struct {
		pragma string
		ok     func(got string, n int64) bool
		set    string
	}{
		{"journal_mode", func(got string, _ int64) bool { return strings.EqualFold(got, "wal") }, "_pragma=journal_mode(WAL), on a file"},
		{"foreign_keys", func(_ string, n int64) bool { return n == 1 }, "_pragma=foreign_keys(1)"},
		{"busy_timeout", func(_ string, n int64) bool { return n >= 100 }, "_pragma=busy_timeout(5000)"},
		{"synchronous", func(_ string, n int64) bool { return n >= level }, "_pragma=synchronous(" + config.Synchronous.String() + ")"},
		{"query_only", func(_ string, n int64) bool { return n == 0 }, "no _query_only"},
	} {
		var got string
		if err := c.c.QueryRowContext(ctx, "PRAGMA "+need.pragma).Scan(&got); err != nil {
			return damaged(err)
		}
		var n int64
		fmt.Sscan(got, &n)
		if !need.ok(got, n) {
			wrong = append(wrong, fmt.Errorf("%s is %s: set %s", need.pragma, got, need.set))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: its connections need other settings in the data source name: %w", ErrHandle, errors.Join(wrong...))
	}
	return nil
}

// checkDriver refuses drivers whose errors we could not read: every refusal would look like a
// broken disk.
func checkDriver(ctx context.Context, c *conn) error {
	_, err := c.c.ExecContext(ctx, "userpool")
	if _, ok := errors.AsType[*driver.Error](err); !ok {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: the handle must be of the driver modernc.org/sqlite", ErrHandle)
	}
	return nil
}
