package sqlite

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"testing"
)

// Ungroup gives each commit a transaction of its own.
func Ungroup(s *Store) { s.writer.most = 1 }

// Statements returns how many statements the writer keeps.
func Statements(s *Store) int { return len(s.writer.conn.stmts) }

// Panic lets a commit panic after it has erased all logins, and returns with what.
func Panic(s *Store) (with any) {
	defer func() { with = recover() }()
	return s.writer.do(context.Background(), &job{run: func(t *tx) error {
		_, err := t.exec(`DELETE FROM userpool_logins`)
		panic(fmt.Sprint("after the erasure: ", err))
	}})
}

// LimitPages lets the writer make no more pages, as a full disk does.
func LimitPages(t testing.TB, s *Store, pages int) {
	t.Helper()
	var n int
	if err := s.writer.conn.row("PRAGMA max_page_count = " + strconv.Itoa(pages)).Scan(&n); err != nil {
		t.Fatal(err)
	}
}

var parameter = regexp.MustCompile(`\?\d*`)

// Explain returns the query plan of a statement.
func Explain(t testing.TB, s *Store, query string) (plan []string) {
	t.Helper()
	rows, err := s.db.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+parameter.ReplaceAllString(query, "'1'"))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}
