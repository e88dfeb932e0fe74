package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// place is where the file of a store was when it was opened. The zero place is that of a handle of the
// app's, which we do not look at.
type place struct {
	path string
	file fs.FileInfo
}

func placeOf(path string) (place, error) {
	absolute, err := filepath.Abs(path) // or it would be another one in another working directory
	if err != nil {
		return place{}, err
	}
	info, err := os.Stat(absolute)
	return place{absolute, info}, err
}

// left returns an error where the path leads to another file by now, or to none. SQLite goes on with
// the file that it has open, so that what is acknowledged would be gone with the process, and whoever
// opens the path meanwhile would not see it.
func (p place) left() error {
	if p.path == "" {
		return nil
	}
	now, err := os.Stat(p.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(p.file, now) {
		return fmt.Errorf("sqlite: nothing is written, since %s was moved, replaced or deleted: open the store again", p.path)
	}
	return nil
}

// checkWritable refuses a file that cannot be written: SQLite opens it all the same, to read it, and
// every commit would fail. The statement changes nothing.
func checkWritable(ctx context.Context, c *conn) error {
	_, err := c.c.ExecContext(ctx, `UPDATE userpool_schema SET applied = applied WHERE version = 0`)
	if busy(err) { // then somebody writes it
		return nil
	}
	return damaged(err)
}
