package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed schema/*.sql
var schema embed.FS

// migration brings the tables from the version before to its own. Migrations only ever add to the
// list; what was published is never changed.
type migration struct {
	file string
	// minReader is the version that a program must know to work on the tables from now on: its
	// own only where the one before could not (expand first, contract a release later).
	minReader int
}

// migrations are all of them: the first leads to version 1.
var migrations = []migration{
	{"schema/0001.sql", 1},
}

const createSchema = `
CREATE TABLE IF NOT EXISTS userpool_schema (
	version    integer PRIMARY KEY,
	min_reader integer NOT NULL,
	applied    timestamptz NOT NULL DEFAULT now()
)`

const (
	migrateTries = 40
	lockWait     = "SET LOCAL lock_timeout = '2s'" // who waits for a lock holds up all who come later
)

// Migrate brings the tables in a schema up to this version, and makes the schema where it names one
// that is not there. It is resumable: each statement is a transaction of its own that may run again.
// Where another process does the same, they take turns at statements.
//
// It needs a role that may create tables, and that the tables belong to. The programs' own role
// needs SELECT, INSERT, UPDATE and DELETE on them.
func Migrate(ctx context.Context, pool *pgxpool.Pool, schemaName string) error {
	m := migrator{pool, schemaName}
	if err := m.begin(ctx); err != nil {
		return err
	}
	version, err := m.version(ctx)
	if err != nil {
		return err
	}
	for ; version < len(migrations); version++ {
		if err := m.step(ctx, version+1, migrations[version]); err != nil {
			return fmt.Errorf("migrate to version %d: %w", version+1, err)
		}
	}
	for _, query := range renumber {
		if err := m.statement(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// What a dump brought from a server that had come further stands in the feed beyond all that is to come
// here, and would be told at every walk: it gets a number of this server.
var renumber = []string{
	`UPDATE userpool_pools SET moved = pg_current_xact_id()::text::bigint WHERE moved >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint`,
	`UPDATE userpool_revocations SET moved = pg_current_xact_id()::text::bigint WHERE moved >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint`,
}

// migrator changes the tables of one schema.
type migrator struct {
	pool   *pgxpool.Pool
	schema string
}

// begin makes what tells the version of the tables. Who owns a schema need not be one who may make it.
func (m migrator) begin(ctx context.Context) error {
	const there = `SELECT $1 = '' OR EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`
	found := false
	if err := m.pool.QueryRow(ctx, there, m.schema).Scan(&found); err != nil {
		return explained(err)
	}
	if !found {
		if err := m.statement(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{m.schema}.Sanitize()); err != nil {
			return err
		}
	}
	return m.statement(ctx, createSchema)
}

func (m migrator) step(ctx context.Context, version int, step migration) error {
	text, err := schema.ReadFile(step.file)
	if err != nil {
		return err
	}
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if err := m.statement(ctx, statement); err != nil {
			return err
		}
	}
	const applied = `INSERT INTO userpool_schema (version, min_reader) VALUES (%d, %d) ON CONFLICT DO NOTHING`
	return m.statement(ctx, fmt.Sprintf(applied, version, step.minReader))
}

// statement runs one statement in a transaction, again where others are in its way.
func (m migrator) statement(ctx context.Context, query string) error {
	for try := 1; ; try++ {
		err := m.send(ctx, query)
		// Two that create the same at once meet in the catalogue: a unique violation, or one of
		// what is there already.
		c := codeOf(err)
		if !undone(c) && c != uniqueViolation && (!strings.HasPrefix(c, "42P0") || c == preparedTwice) && c != "42710" && c != "XX000" ||
			try == migrateTries {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// send sends a statement in one message with its transaction, which sees the schema.
func (m migrator) send(ctx context.Context, query string) error {
	conn, err := m.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	path := ""
	if m.schema != "" {
		path = "SET LOCAL search_path = " + pgx.Identifier{m.schema}.Sanitize() + ";"
	}
	if _, err = conn.Exec(ctx, "BEGIN;"+lockWait+";"+path+query+"\n;COMMIT"); err != nil {
		rollback(ctx, conn)
	}
	return explained(err)
}

// version returns the version of the tables, or a *SchemaError.
func (m migrator) version(ctx context.Context) (version int, err error) {
	table := pgx.Identifier{"userpool_schema"}
	if m.schema != "" {
		table = pgx.Identifier{m.schema, "userpool_schema"}
	}
	minReader := 0
	newest := `SELECT coalesce(max(version), 0), coalesce(max(min_reader), 0) FROM ` + table.Sanitize()
	err = m.pool.QueryRow(ctx, newest).Scan(&version, &minReader)
	if err == nil && minReader > len(migrations) {
		err = &SchemaError{Version: version, MinReader: minReader, Known: len(migrations)}
	}
	return version, explained(err)
}

// migrated fails unless the tables are of this version, or of a newer one that we can work on.
func (s *Store) migrated(ctx context.Context) error {
	version, err := migrator{s.pool, s.config.Schema}.version(ctx)
	if codeOf(err) == "42P01" {
		version, err = 0, nil // no table
	}
	if err == nil && version < len(migrations) {
		err = &SchemaError{Version: version, Known: len(migrations)}
	}
	return err
}
