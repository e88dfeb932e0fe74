package sqlite_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/storage/sqlite"
)

// bounded are the statements whose plans look as if they walked through a table, by what tells them
// from others, and why they do not look at more than they return and a thousand rows.
var bounded = map[string]string{
	"WHERE pool = ? LIMIT":               "takes the first rows there are, unsorted and unfiltered",
	"max(number)":                        "looks at the last entry of the index alone",
	"ORDER BY number DESC LIMIT 1":       "looks at the last entry of the index alone",
	"FROM userpool_attempts AS a":        "a login has places for three attempts",
	"s.user_id, s.id":                    "a user has a hundred sessions",
	"SELECT id, parent FROM userpool_":   "a user has a hundred sessions",
	"WITH RECURSIVE below (id)":          "a user has a hundred sessions",
	"WITH RECURSIVE p (pool)":            "a step of the index for each pool that has messages",
	"FROM userpool_schema":               "a row for each version of the tables",
	"FROM sqlite_schema":                 "a row for each table of the file",
	"max(moved), 0) FROM userpool_pools": "the last entry of an index, and a row for each table that counts its rows",
}

// No statement of the package looks at more rows than it returns and a thousand: none walks through
// a table, or through all that a pool has of one, or sorts what no bound has cut before. The
// statements are read from the source, so that none is forgotten.
func TestStatementsUseTheirIndexes(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{})
	queries := statements(t)
	if len(queries) < 100 {
		t.Fatalf("%d statements were found in the source: most are missed", len(queries))
	}
	used := map[string]bool{}
	for _, query := range queries {
		for _, line := range sqlite.Explain(t, st, query) {
			why := walks(line)
			if why == "" {
				continue
			}
			excuse := excused(query)
			if used[excuse] = true; excuse == "" {
				t.Errorf("%s\n%s: %s", query, why, line)
			}
		}
	}
	for excuse := range bounded {
		if !used[excuse] {
			t.Errorf("no statement needs the excuse of %q any more", excuse)
		}
	}
}

// The test above sees a statement that lacks its index.
func TestMissingIndexesAreSeen(t *testing.T) {
	t.Parallel()
	for index, query := range map[string]string{
		"userpool_users_created":   "ORDER BY u.created, u.id LIMIT",
		"userpool_users_id":        "u.id > ? ORDER BY u.id LIMIT",
		"userpool_sessions_ends":   "FROM userpool_sessions WHERE ends <=",
		"userpool_tickets_expires": "FROM userpool_tickets WHERE expires <=",
		"userpool_outgoing_ticket": "DELETE FROM userpool_outgoing WHERE pool = ? AND ticket = ?",
	} {
		t.Run(index, func(t *testing.T) {
			t.Parallel()
			st := opened(t, sqlite.Config{})
			exec(t, st.DB(), "DROP INDEX "+index)
			seen, asked := false, false
			for _, q := range statements(t) {
				if strings.Contains(q, "INDEXED BY "+index) || !strings.Contains(q, query) {
					continue
				}
				asked = true
				for _, line := range sqlite.Explain(t, st, q) {
					seen = seen || walks(line) != "" && excused(q) == ""
				}
			}
			if !asked || !seen {
				t.Errorf("no statement walks without its index: asked %t", asked)
			}
		})
	}
	st := opened(t, sqlite.Config{})
	for _, query := range []string{
		`SELECT count(*) FROM userpool_users AS u`,
		`SELECT id FROM userpool_users WHERE body LIKE ?`,
		`SELECT id FROM userpool_users WHERE pool = ? AND status = ?`,
		`SELECT id FROM userpool_users WHERE pool = ? ORDER BY updated LIMIT ?`,
		`SELECT u.id FROM userpool_logins AS l JOIN userpool_users AS u ON u.key = l.user WHERE l.pool = ? AND l.value = ?`,
		`SELECT user_id FROM userpool_user_index WHERE pool = ? AND value = ?`,
		`DELETE FROM userpool_events WHERE user_id = ?`,
	} {
		seen := ""
		for _, line := range sqlite.Explain(t, st, query) {
			seen += walks(line)
		}
		if seen == "" {
			t.Errorf("%s passes", query)
		}
	}
}

var (
	byPool = regexp.MustCompile(`^SEARCH .*\((pool|p\.pool|deleted)=\?\)$`)
	byName = regexp.MustCompile(`^SEARCH .*userpool_user_index.*\(pool=\? AND name=\?\)$`)
)

// walks says how a line of a plan looks at more than was asked for; "" means that it does not.
func walks(line string) string {
	switch {
	case line == "SCAN CONSTANT ROW", strings.Contains(line, "VIRTUAL TABLE"):
		return ""
	case strings.HasPrefix(line, "SCAN "):
		return "walks through a table"
	case byPool.MatchString(line):
		return "walks through all that a pool has"
	case byName.MatchString(line):
		return "walks through an index of a pool"
	case strings.Contains(line, "TEMP B-TREE"):
		return "sorts"
	}
	return ""
}

func excused(query string) string {
	for part := range bounded {
		if strings.Contains(query, part) {
			return part
		}
	}
	return ""
}

var verb = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)

// blank is what a statement is filled in with, as those that read several counters are.
var blank = regexp.MustCompile(`\{\w+\}`)

// statements returns every statement in the package's source: each constant text, put together from
// other constants, that begins as one.
func statements(t *testing.T) (found []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var trees []*ast.File
	texts := constants{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree)
		ast.Inspect(tree, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
				for i, name := range v.Names {
					texts[name.Name] = v.Values[i]
				}
			}
			return true
		})
	}
	seen := map[string]bool{}
	for _, tree := range trees {
		ast.Inspect(tree, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, ok := texts.text(e)
			text = blank.ReplaceAllString(text, "1")
			if ok && verb.MatchString(text) && !seen[text] {
				seen[text] = true
				found = append(found, text)
			}
			return !ok // its parts are no statements
		})
	}
	return found
}

// constants are the texts that a package declares, by name.
type constants map[string]ast.Expr

// text returns the text that an expression is.
func (c constants) text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.ParenExpr:
		return c.text(e.X)
	case *ast.Ident:
		value, ok := c[e.Name]
		if !ok {
			return "", false
		}
		return c.text(value)
	case *ast.BinaryExpr:
		left, ok := c.text(e.X)
		right, also := c.text(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}
