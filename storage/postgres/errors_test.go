package postgres_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
)

// unsent is an error of pgx's before it has sent a byte.
type unsent struct{}

func (unsent) Error() string     { return "not a byte was sent" }
func (unsent) SafeToRetry() bool { return true }

// TestFate is the table of what errors tell about a commit. To say that nothing was written is a promise,
// so whatever may come after the commit, or from somebody who does not know, is an ErrUnknown.
func TestFate(t *testing.T) {
	t.Parallel()
	retry, unknown, final := storage.ErrRetry, storage.ErrUnknown, error(nil)
	tests := []struct {
		name          string
		err           error
		before, atEnd error // of the transaction; nil: nothing was written, and will not be
		atOnce        bool  // sent again right away, where it failed before the end
	}{
		{"serialization failure", server("40001"), retry, retry, true},
		{"deadlock", server("40P01"), retry, retry, true},
		{"rolled back for what others did", server("40000"), retry, retry, true},
		{"statement completion unknown", server("40003"), unknown, unknown, false},
		{"lock_timeout", server("55P03"), retry, retry, false},
		{"statement_timeout, or cancelled", server("57014"), retry, unknown, false},
		{"terminated by an operator", fatal("57P01"), retry, unknown, false},
		{"another backend crashed", fatal("57P02"), unknown, unknown, false},
		{"starting up, or in recovery", fatal("57P03"), retry, unknown, false},
		{"the database was dropped", fatal("57P04"), retry, unknown, false},
		{"idle for too long", fatal("57P05"), retry, unknown, false},
		{"idle in a transaction for too long", fatal("25P03"), retry, unknown, false},
		{"the transaction took too long", fatal("25P04"), retry, unknown, false},
		{"read-only", server("25006"), retry, unknown, false},
		{"too many connections", fatal("53300"), retry, unknown, false},
		{"out of memory", server("53200"), retry, unknown, false},
		{"disk full", server("53100"), retry, unknown, false},
		{"disk full, and the server gives up", panicked("53100"), unknown, unknown, false},
		{"input or output failed", server("58030"), retry, unknown, false},
		{"data corrupted", server("XX001"), retry, unknown, false},
		{"the connection failed", fatal("08006"), unknown, unknown, false},
		{"a pooler lost its server", fatal("08P01"), unknown, unknown, false},
		{"transaction resolution unknown", server("08007"), unknown, unknown, false},
		{"a table changed under a plan", server("0A000"), retry, unknown, true},
		{"a pooler's connection has another's statement", server("42P05"), final, final, false},
		{"a pooler's connection lacks the statement", server("26000"), final, final, false},
		{"no such table", server("42P01"), final, final, false},
		{"no privilege", server("42501"), final, final, false},
		{"a deferred foreign key of the app's", server("23503"), final, final, false},
		{"a trigger of the app's", server("P0001"), final, final, false},
		{"an app's trigger parts with us", fatal("P0001"), final, unknown, false},
		{"no answer", io.ErrUnexpectedEOF, unknown, unknown, false},
		{"reset", &net.OpError{Op: "read", Err: os.NewSyscallError("read", errors.New("connection reset by peer"))}, unknown, unknown, false},
		{"out of time", context.DeadlineExceeded, unknown, unknown, false},
		{"dead before", unsent{}, retry, retry, true},
	}
	for _, tt := range tests {
		for ended, want := range map[bool]error{false: tt.before, true: tt.atEnd} {
			err := postgres.Lost(tt.err, ended)
			if !errors.Is(err, tt.err) {
				t.Errorf("%s: %v does not hold its cause", tt.name, err)
			}
			for _, class := range []error{storage.ErrRetry, storage.ErrUnknown} {
				if got := errors.Is(err, class); got != (class == want) {
					t.Errorf("%s, at the end %t: %v, want %v", tt.name, ended, err, want)
				}
			}
		}
		if got := postgres.AtOnce(postgres.Lost(tt.err, false)); got != tt.atOnce {
			t.Errorf("%s: sent again at once: %t, want %t", tt.name, got, tt.atOnce)
		}
	}
}

func server(code string) error { return &pgconn.PgError{Severity: "ERROR", Code: code} }
func fatal(code string) error  { return &pgconn.PgError{Severity: "FATAL", Code: code} }
func panicked(code string) error {
	return &pgconn.PgError{Severity: "PANIK", SeverityUnlocalized: "PANIC", Code: code}
}
