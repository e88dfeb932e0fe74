package postgres

import (
	"context"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Key returns what is looked for in place of a text.
func Key(text string) string { return key(text) }

// Statement is one that a commit sends, for benchmarks that send the same by hand.
type Statement struct {
	SQL  string
	Args []any
}

// Statements returns what a commit of changes sends between begin and commit.
func Statements(pool user.PoolID, changes ...storage.Change) (out []Statement, err error) {
	p, err := newPlan(pool, changes, nil)
	if err != nil {
		return nil, err
	}
	for _, i := range p.items {
		out = append(out, Statement{i.sql, i.args})
	}
	return out, nil
}

var inserting = regexp.MustCompile(`^INSERT INTO (userpool_\w+) \(([\w, \t\n]+)\)\s+VALUES \([$\d, ]+\)$`)

// Load writes new records as commits would, all at once.
func Load(ctx context.Context, s *Store, pool user.PoolID, n int, record func(n int) storage.Change) error {
	type table struct {
		columns []string
		rows    [][]any
	}
	loaded := map[string]bool{}
	flush := func(tables map[string]*table) error {
		for name, t := range tables {
			loaded[name] = true
			if _, err := s.pool.CopyFrom(ctx, pgx.Identifier{name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
				return err
			}
		}
		clear(tables)
		return nil
	}
	tables := map[string]*table{}
	for i := range n {
		statements, err := Statements(pool, record(i))
		if err != nil {
			return err
		}
		for _, st := range statements {
			m := inserting.FindStringSubmatch(st.SQL)
			if m == nil {
				continue
			}
			t := tables[m[1]]
			if t == nil {
				t = &table{columns: strings.FieldsFunc(m[2], func(r rune) bool { return strings.ContainsRune(", \t\n", r) })}
				tables[m[1]] = t
			}
			row := st.Args
			if m[1] == "userpool_events" {
				row = append(row[:len(row):len(row)], int64(0))
			}
			t.rows = append(t.rows, row)
		}
		if (i+1)%20000 == 0 {
			if err := flush(tables); err != nil {
				return err
			}
		}
	}
	if err := flush(tables); err != nil {
		return err
	}
	for name := range loaded { // not those that are empty, which would then be thought to stay so
		if _, err := s.pool.Exec(ctx, "VACUUM ANALYZE "+name); err != nil {
			return err
		}
	}
	return nil
}

// Reads returns what a read sends.
func Reads(pool user.PoolID, w storage.Want) (out []string) {
	for _, q := range newReading(new(Store), pool, w).batch.QueuedQueries {
		out = append(out, q.SQL)
	}
	return out
}
