package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"github.com/userpool-go/userpool/storage"
)

// ErrNotDatabase means that the file is something else than a SQLite database, or damaged. Any method
// may give it: SQLite looks at a page when it reads it.
var ErrNotDatabase = errors.New("sqlite: the file is not a database")

// SchemaError means that a newer version of this package has changed the tables so that this one
// could not read them. Nothing was changed.
type SchemaError struct {
	Version   int // of the tables
	MinReader int // the version that a program must know at least
	Known     int // the version that this program knows
}

// Error says what is wrong.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("sqlite: the tables have version %d, which needs a program that knows version %d; this one knows %d: use a newer one",
		e.Version, e.MinReader, e.Known)
}

// codeOf returns the extended result code of an error of the driver, or 0.
func codeOf(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code()
	}
	return 0
}

// taken reports whether a key was there already.
func taken(err error) bool {
	c := codeOf(err)
	return c == code.SQLITE_CONSTRAINT_UNIQUE || c == code.SQLITE_CONSTRAINT_PRIMARYKEY || c == code.SQLITE_CONSTRAINT_ROWID
}

// referenced reports whether a foreign key refused: at once (RESTRICT is made of a trigger) or at
// the end of the statement or of the transaction.
func referenced(err error) bool {
	c := codeOf(err)
	return c == code.SQLITE_CONSTRAINT_FOREIGNKEY || c == code.SQLITE_CONSTRAINT_TRIGGER
}

func busy(err error) bool {
	c := codeOf(err) & 0xff
	return c == code.SQLITE_BUSY || c == code.SQLITE_LOCKED
}

// unsynced reports whether the disk did not keep what it was given. What is on it then nobody knows,
// and the system may forget that it has failed: the next fsync can succeed without having written it.
func unsynced(err error) bool {
	c := codeOf(err)
	return c == code.SQLITE_IOERR_FSYNC || c == code.SQLITE_IOERR_DIR_FSYNC
}

// brokenError says that a statement failed for a reason that lies with the database and not with
// the change: the transaction is lost for everybody in it.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// ours wraps an error of a statement of ours: all but a violated constraint is broken.
func ours(err error) error {
	if err == nil || codeOf(err)&0xff == code.SQLITE_CONSTRAINT {
		return err
	}
	return &brokenError{err}
}

// theirs wraps an error of a statement of the app's, which may be wrong in any way: broken is only
// what the database did.
func theirs(err error) error {
	switch codeOf(err) & 0xff {
	case code.SQLITE_BUSY, code.SQLITE_LOCKED, code.SQLITE_NOMEM, code.SQLITE_READONLY, code.SQLITE_INTERRUPT, code.SQLITE_IOERR,
		code.SQLITE_CORRUPT, code.SQLITE_FULL, code.SQLITE_CANTOPEN, code.SQLITE_PROTOCOL, code.SQLITE_NOTADB:
		return &brokenError{err}
	}
	return err
}

// lost is what the members of a group get whose transaction broke. What another process kept us
// from beginning can be tried again, and nothing was written; after that nobody can tell.
func lost(err error) error {
	if busy(err) {
		return fmt.Errorf("%w: %w", storage.ErrRetry, err)
	}
	return fmt.Errorf("%w: %w", storage.ErrUnknown, damaged(err))
}

// damaged names what is amiss where the file is.
func damaged(err error) error {
	switch codeOf(err) & 0xff {
	case code.SQLITE_NOTADB, code.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", ErrNotDatabase, err)
	case code.SQLITE_READONLY:
		return fmt.Errorf("%w: let this process write the file and its folder: %w", ErrHandle, err)
	}
	return err
}
