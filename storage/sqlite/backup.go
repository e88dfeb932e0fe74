package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	driver "modernc.org/sqlite"
)

// backupPages is how much is copied between two looks at the context: 16 MiB.
const backupPages = 4096

// Backup copies the whole database, the app's tables included, as it is at one moment, to a new
// file at path. Reads and commits go on meanwhile. A file that exists is refused, and after an
// error there is none. The copy may be opened by [Open].
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("back up to %s: %w", path, errors.Join(os.ErrExist, err))
	}
	partial := path + ".partial"
	dsn, err := backupSource(partial)
	if err != nil {
		return err
	}
	os.Remove(partial) // of a backup that was killed
	c, err := connect(ctx, s.db)
	if err != nil {
		return err
	}
	defer c.close()
	if err := copyTo(ctx, c, dsn); err != nil {
		os.Remove(partial)
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	return os.Rename(partial, path)
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
