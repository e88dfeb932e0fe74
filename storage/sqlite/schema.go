package sqlite

import (
	"context"
	"embed"
	"fmt"
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
	{"schema/0002.sql", 1},
	{"schema/0003.sql", 1},
}

// applicationID marks the header of files that we made, for file(1): "upol".
const applicationID = 0x75706f6c

const createSchema = `
CREATE TABLE IF NOT EXISTS userpool_schema (
	version    INTEGER PRIMARY KEY,
	min_reader INTEGER NOT NULL,
	applied    INTEGER NOT NULL
) STRICT`

// migrate brings the tables up to this version. Where another process does the same, one waits.
func migrate(ctx context.Context, c *conn, owned bool) error {
	version, err := schemaVersion(ctx, c)
	if err != nil || version >= len(migrations) {
		return err
	}
	if _, err := c.c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("wait for the migration of another process: %w", err)
	}
	if err := applyMigrations(ctx, c, owned); err != nil {
		c.c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return err
	}
	if _, err := c.c.ExecContext(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return fmt.Errorf("commit the migration: %w", err)
	}
	return nil
}

// schemaVersion returns the version of the tables, 0 where there are none, or a *SchemaError.
func schemaVersion(ctx context.Context, c *conn) (version int, err error) {
	var n int
	err = c.c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'userpool_schema'`).Scan(&n)
	if err != nil || n == 0 {
		return 0, damaged(err)
	}
	minReader := 0
	err = c.c.QueryRowContext(ctx, `SELECT coalesce(max(version), 0), coalesce(max(min_reader), 0) FROM userpool_schema`).Scan(&version, &minReader)
	if err != nil {
		return 0, damaged(err)
	}
	if minReader > len(migrations) {
		return 0, &SchemaError{Version: version, MinReader: minReader, Known: len(migrations)}
	}
	return version, nil
}

func applyMigrations(ctx context.Context, c *conn, owned bool) error {
	version, err := schemaVersion(ctx, c) // another process may have been here
	if err != nil {
		return err
	}
	if owned && version == 0 {
		if err := mark(ctx, c); err != nil {
			return err
		}
	}
	if _, err := c.c.ExecContext(ctx, createSchema); err != nil {
		return err
	}
	for ; version < len(migrations); version++ {
		m := migrations[version]
		text, err := schema.ReadFile(m.file)
		if err != nil {
			return err
		}
		if _, err := c.c.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("migrate to version %d: %w", version+1, err)
		}
		const applied = `INSERT INTO userpool_schema VALUES (?, ?, CAST(unixepoch('subsec') * 1000000 AS INTEGER))`
		if _, err := c.c.ExecContext(ctx, applied, version+1, m.minReader); err != nil {
			return err
		}
	}
	return nil
}

// mark writes our mark into the header of a file in which there is nothing yet.
func mark(ctx context.Context, c *conn) error {
	var n int
	if err := c.c.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&n); err != nil || n > 0 {
		return err
	}
	if err := c.c.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&n); err != nil || n != 0 {
		return err
	}
	_, err := c.c.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}
