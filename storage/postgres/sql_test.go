package postgres_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What engines lack that speak PostgreSQL's wire and scale out, and what a pooler breaks.
var (
	lacking  = regexp.MustCompile(`(?i)\b(LOCK TABLE|nextval|serial|bigserial|pg_advisory\w*|CREATE (OR REPLACE )?(FUNCTION|TRIGGER|PROCEDURE)|plpgsql|LISTEN|NOTIFY|ctid|CREATE TYPE|DECLARE|PREPARE|SET SESSION)\b`)
	mutation = regexp.MustCompile(`\b(?:INSERT INTO|UPDATE|DELETE FROM) (userpool_\w+)`)
)

func faults(query string) (found []string) {
	found = append(found, lacking.FindAllString(query, -1)...)
	seen := map[string]bool{}
	for _, m := range mutation.FindAllStringSubmatch(query, -1) {
		if seen[m[1]] {
			found = append(found, "two changes of "+m[1])
		}
		seen[m[1]] = true
	}
	return found
}

// TestStatements keeps out of our SQL what engines that scale out lack: they refuse a statement that
// changes one table twice, and have no sequences without a hot row, advisory locks or code.
func TestStatements(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				checked++
				for _, f := range faults(text) {
					t.Errorf("%q: %.60s", f, text)
				}
			}
			return true
		})
	}
	schema, err := os.ReadFile("schema/0001.sql")
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(string(schema), ";\n") {
		for _, f := range faults(statement) {
			t.Errorf("%q: %.60s", f, statement)
		}
	}
	if checked < 100 {
		t.Errorf("only %d texts were looked at", checked)
	}
	for _, bad := range []string{
		`SELECT pg_advisory_xact_lock(1)`, `CREATE TABLE x (id bigserial)`, `LOCK TABLE userpool_users`, `SELECT ctid FROM x`,
		`WITH a AS (UPDATE userpool_users SET x = 1), b AS (DELETE FROM userpool_users) SELECT 1`,
	} {
		if len(faults(bad)) == 0 {
			t.Errorf("no fault was found in %s", bad)
		}
	}
}
