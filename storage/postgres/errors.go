package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/userpool-go/userpool/storage"
)

// The SQLSTATEs that mean something here (PostgreSQL, appendix A).
const (
	divisionByZero  = "22012" // a guard
	uniqueViolation = "23505"
	foreignKey      = "23503"
	restrict        = "23001"
	serialization   = "40001"
	deadlock        = "40P01"
	completion      = "40003" // statement_completion_unknown: what engines of many nodes say at commit
	lockTimeout     = "55P03"
	readOnly        = "25006" // a standby, or a primary that is none any more
	crash           = "57P02" // said at any moment, even after the commit
	stalePlan       = "0A000" // a table was changed; pgx drops the plan
	preparedTwice   = "42P05"
	preparedNever   = "26000"
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

// fate is what became of a commit that failed.
type fate int

const (
	unknown fate = iota // it was applied whole or not at all
	passing             // nothing was written; sent again it may well be
	final               // nothing was written, and will not be
)

// fateOf tells what became of a commit that failed with an error. ended says that it was the end of
// the transaction that failed.
//
// Answers come in the order of what was sent. So an error of a statement before the end proves that
// the end was not reached, even where the server parts with us over it, as on a shutdown; and an
// error at the end that lies with the transaction, as a deferred foreign key does, undid it. All else
// at the end proves nothing, and so does, at any place, silence and what a pooler says for a server
// that left it (class 08): the answers of that server may be what is missing.
func fateOf(err error, ended bool) fate {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if pgconn.SafeToRetry(err) { // not a byte was sent
			return passing
		}
		return unknown
	}
	switch {
	case strings.HasPrefix(e.Code, "08"), e.Code == completion, e.Code == crash, severity(e) == "PANIC":
		return unknown
	case undone(e.Code):
		return passing
	case ended && (broken(e.Code) || severity(e) == "FATAL"):
		return unknown
	case broken(e.Code):
		return passing
	}
	return final
}

// severity returns that of an error, in English where the server tells it.
func severity(e *pgconn.PgError) string {
	return cmp.Or(e.SeverityUnlocalized, e.Severity)
}

// undone reports whether a transaction was undone for what other transactions did.
func undone(code string) bool {
	return strings.HasPrefix(code, "40") && code != completion || code == lockTimeout
}

// broken reports whether it was the database that failed, and not what it was told: a state that
// the session or the server is in (a standby takes no commits), too few resources (connections,
// memory, disk), an operator or a time limit of the role's, the system.
func broken(code string) bool {
	switch {
	case code == "":
		return true // no answer of the server's
	case undone(code), code == stalePlan:
		return true
	}
	switch code[:2] {
	case "08", "25", "40", "53", "57", "58", "F0", "XX":
		return true
	}
	return false
}

// lost is what a caller gets where neither our rules nor the app's refused.
func lost(err error, ended bool) error {
	switch fateOf(err, ended) {
	case passing:
		return fmt.Errorf("%w: %w", storage.ErrRetry, err)
	case final:
		return fmt.Errorf("postgres: %w", explained(err))
	default:
		return fmt.Errorf("%w: %w", storage.ErrUnknown, err)
	}
}

// unread is what a caller gets whose read failed.
func unread(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("postgres: %w: %w", ctx.Err(), err)
	case silent(err), codeOf(err) != "" && broken(codeOf(err)):
		return fmt.Errorf("%w: %w", storage.ErrRetry, err)
	}
	return fmt.Errorf("postgres: %w", explained(err))
}

// silent reports whether no answer came, and not one that we cannot make sense of.
func silent(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// explained adds what to do about an error, where that is known.
func explained(err error) error {
	switch codeOf(err) {
	case preparedTwice, preparedNever:
		return fmt.Errorf("a pooler shares the connection with statements of others: add default_query_exec_mode=exec to the URL: %w", err)
	}
	return err
}

// atOnce reports whether a commit of which nothing was written may pass when it is sent again right
// away: others were in its way, or the connection was dead before. Not where waiting was what failed,
// nor where there is no connection to be had: that takes longer, and a server that has too many gets no
// more of them from us.
func atOnce(err error) bool {
	if !errors.Is(err, storage.ErrRetry) {
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return false
	}
	switch c := codeOf(err); c {
	case "", foreignKey, restrict, stalePlan:
		return true
	default:
		return strings.HasPrefix(c, "40")
	}
}
