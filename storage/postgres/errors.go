package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/userpool-go/userpool/storage"
)

// The SQLSTATEs that mean something here.
const (
	divisionByZero  = "22012" // a guard
	uniqueViolation = "23505"
	foreignKey      = "23503"
	restrict        = "23001"
	serialization   = "40001"
	deadlock        = "40P01"
	lockTimeout     = "55P03"
)

// SchemaError means that the tables are not those of this version, where they were to be: a newer
// version of this package has changed them beyond our reading, or [Migrate] is to be called.
type SchemaError struct {
	Version   int // of the tables
	MinReader int // the version that a program must know at least
	Known     int // the version that this program knows
}

// Error says what is wrong.
func (e *SchemaError) Error() string {
	if e.Version < e.Known {
		return fmt.Sprintf("postgres: the tables have version %d, and this program needs %d: call Migrate", e.Version, e.Known)
	}
	return fmt.Sprintf("postgres: the tables have version %d, which needs a program that knows version %d; this one knows %d: use a newer one",
		e.Version, e.MinReader, e.Known)
}

// codeOf returns the SQLSTATE of an error, or "".
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// passing reports whether a transaction was undone for what other transactions did: sent again, it
// may well pass.
func passing(err error) bool {
	c := codeOf(err)
	return c == serialization || c == deadlock || c == lockTimeout
}

// broken reports whether it was the database that failed, and not what it was told: too few
// resources, an operator, the system, other transactions, or a primary that is none any more.
func broken(code string) bool {
	if len(code) < 2 {
		return true // no answer of the server's
	}
	switch code[:2] {
	case "08", "25", "40", "53", "57", "58", "XX":
		return true
	}
	return code == lockTimeout
}

// lost is what a caller gets where neither our rules nor the app's refused. ended tells whether the
// server may have been asked to commit.
func lost(err error, ended bool) error {
	code := codeOf(err)
	switch {
	case code != "" && !ended && !broken(code):
		return fmt.Errorf("postgres: %w", err)
	case code != "" && !ended, passing(err), pgconn.SafeToRetry(err):
		return fmt.Errorf("%w: %w", storage.ErrRetry, err)
	}
	return fmt.Errorf("%w: %w", storage.ErrUnknown, err)
}
