package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"
)

// backupPages is how much is copied between two looks at the context: 16 MiB.
const backupPages = 4096

// Backup copies the whole database, the app's tables included, as it is at one moment, to a new
// file at path, readable by its owner alone. Reads and commits go on meanwhile. A file that exists
// is refused, and after an error there is none. The copy may be opened by [Open].
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("back up to %s: %w", path, errors.Join(os.ErrExist, err))
	}
	partial, err := partialFile(path)
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	defer os.Remove(partial)
	dsn, err := backupSource(partial)
	if err != nil {
		return err
	}
	c, err := connect(ctx, s.db)
	if err != nil {
		return err
	}
	defer c.close()
	if err := copyTo(ctx, c, dsn); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	// A link, and not a rename: that would replace a file which was made meanwhile.
	if err := os.Link(partial, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	return syncFolder(path)
}

// partialFile makes the file that a backup is written to, one of its own, readable by its owner
// alone.
func partialFile(path string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".partial-*")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// syncFolder lets the name of a file survive the loss of power.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// copyTo copies inside a read transaction: without one, each commit of another connection would
// start the copy over.
func copyTo(ctx context.Context, c *conn, dsn string) error {
	if _, err := c.exec("BEGIN DEFERRED"); err != nil {
		return err
	}
	defer c.exec("ROLLBACK")
	var n int
	if err := c.row("SELECT count(*) FROM userpool_schema").Scan(&n); err != nil {
		return err
	}
	return c.c.Raw(func(dc any) (err error) {
		source, ok := dc.(interface {
			NewBackup(string) (*driver.Backup, error)
		})
		if !ok {
			return fmt.Errorf("%w: its driver hides NewBackup", ErrHandle)
		}
		b, err := source.NewBackup(dsn)
		if err != nil {
			return err
		}
		defer func() {
			if e := b.Finish(); err == nil {
				err = e
			}
		}()
		for more := true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			if more, err = b.Step(backupPages); err != nil {
				return err
			}
		}
		return nil
	})
}
