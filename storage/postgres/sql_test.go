package postgres_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What engines lack that speak PostgreSQL's wire and scale out, and what a pooler breaks.
var (
	lacking = regexp.MustCompile(`(?i)\b(LOCK TABLE|nextval|serial|bigserial|pg_advisory\w*|CREATE (OR REPLACE )?(FUNCTION|TRIGGER|PROCEDURE)|plpgsql|LISTEN|NOTIFY|ctid|CREATE TYPE|DECLARE|PREPARE|SET SESSION|MERGE|TRUNCATE|TABLESAMPLE|NULLS NOT DISTINCT|GENERATED|INHERITS|EXCLUDE USING|xmin|CREATE TEMP\w*)\b`)
	// Functions of PostgreSQL's own, which others may lack: the feed's alone, and that which knows a
	// replica.
	native = regexp.MustCompile(`\bpg_\w+\(`)
	known  = []string{
		"pg_current_snapshot(", "pg_snapshot_xmin(", "pg_snapshot_xmax(", "pg_current_xact_id(", "pg_postmaster_start_time(", "pg_is_in_recovery(",
	}
	mutation = regexp.MustCompile(`\b(?:INSERT INTO|UPDATE|DELETE FROM) (userpool_\w+)`)
)

func faults(query string) (found []string) {
	found = append(found, lacking.FindAllString(query, -1)...)
	for _, f := range native.FindAllString(query, -1) {
		if !slices.Contains(known, f) {
			found = append(found, f)
		}
	}
	seen := map[string]bool{}
	for _, m := range mutation.FindAllStringSubmatch(query, -1) {
		if seen[m[1]] {
			found = append(found, "two changes of "+m[1])
		}
		seen[m[1]] = true
	}
	return found
}

// texts are the expressions of a package that are texts, with the constants that they are made of.
type texts map[string]ast.Expr

// of puts a text together. What is known only when it runs is left out.
func (t texts) of(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return t.of(e.X) + t.of(e.Y)
		}
	case *ast.ParenExpr:
		return t.of(e.X)
	case *ast.Ident:
		if of, ok := t[e.Name]; ok {
			return t.of(of)
		}
	}
	return ""
}

// sources returns what goes over all nodes of the package's files.
func sources(t *testing.T) func(visit func(ast.Node)) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return func(visit func(ast.Node)) {
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				visit(n)
				return true
			})
		}
	}
}

// TestStatements keeps out of our SQL what engines that scale out lack: they refuse a statement that
// changes one table twice, and have no sequences without a hot row, advisory locks or code.
func TestStatements(t *testing.T) {
	t.Parallel()
	all, checked := texts{}, 0
	sources := sources(t)
	sources(func(n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
			for i, name := range spec.Names {
				all[name.Name] = spec.Values[i]
			}
		}
	})
	sources(func(n ast.Node) {
		e, _ := n.(ast.Expr)
		text := all.of(e)
		if text != "" {
			checked++
		}
		for _, f := range faults(text) {
			t.Errorf("%q: %.60s", f, text)
		}
	})
	schema, err := os.ReadFile("schema/0001.sql")
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(string(schema), ";\n") {
		for _, f := range faults(statement) {
			t.Errorf("%q: %.60s", f, statement)
		}
	}
	for table := range strings.SplitSeq(string(schema), "CREATE TABLE IF NOT EXISTS ") {
		name, body, _ := strings.Cut(table, " ")
		_, key, _ := strings.Cut(body, "PRIMARY KEY")
		if apart := []string{"userpool_pools", "userpool_users", "userpool_issuers", "userpool_clients", "userpool_leases", "userpool_locks"}; strings.HasPrefix(name, "userpool_") &&
			!slices.Contains(apart, name) && !strings.HasPrefix(key, " (pool, ") {
			t.Errorf("the key of %s does not begin with the pool", name)
		}
	}
	if checked < 100 {
		t.Errorf("only %d texts were looked at", checked)
	}
	for _, bad := range []string{
		`SELECT pg_advisory_xact_lock(1)`, `CREATE TABLE x (id bigserial)`, `LOCK TABLE userpool_users`, `SELECT ctid FROM x`,
		`SELECT pg_sleep(1)`, `MERGE INTO x`, `SELECT xmin FROM x`,
		`WITH a AS (UPDATE userpool_users SET x = 1), b AS (DELETE FROM userpool_users) SELECT 1`,
	} {
		if len(faults(bad)) == 0 {
			t.Errorf("no fault was found in %s", bad)
		}
	}
}
