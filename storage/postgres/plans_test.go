package postgres_test

import (
	"context"
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/user"
)

// bounded are the statements that may sort, or go along all that a pool has, by what tells them from
// others, and why they do not look at more than they return and a thousand rows.
var bounded = map[string]string{
	"FROM userpool_attempts AS a":   "a login has places for three attempts",
	"ORDER BY array_position(":      "sorts the tickets that are named",
	"FROM userpool_sessions AS s\n": "a user has a hundred sessions",
	"WITH RECURSIVE mine":           "a user has a hundred sessions",
	"FOR UPDATE SKIP LOCKED":        "sorts what hangs on a thousand",
	"ORDER BY o.due, o.id LIMIT":    "sorts a part for each pool",
	"WHERE pool = $1 LIMIT $2":      "takes the first rows there are, unsorted and unfiltered",
	"SELECT EXISTS (":               "takes the first row there is",
	"ORDER BY number DESC LIMIT 1":  "looks at the last entry of the index alone",
	"FROM userpool_counts AS c":     "a pool has 64 stripes",
	"DELETE FROM userpool_gates":    "a pool has 64 gates",
}

// No statement of the package looks at more rows than it returns and a thousand, whatever its
// arguments are: none walks through a table, or through all that a pool has of one, or sorts what no
// bound has cut before. The statements are read from the source, so that none is forgotten.
func TestStatementsUseTheirIndexes(t *testing.T) {
	t.Parallel()
	chores := sentByChores(t)
	st := open(t, postgrestest.Database(t), postgres.Config{})
	exec(t, st, filling...)
	queries := statements(t, chores)
	if len(queries) < 100 {
		t.Fatalf("%d statements were found in the source: most are missed", len(queries))
	}
	for _, query := range queries {
		for _, line := range walks(explain(t, st, chores[query], query)) {
			if excused(query, line) == "" {
				t.Errorf("%s\n%s", query, line)
			}
		}
	}
	for index, query := range map[string]string{
		"userpool_users_created":   "ORDER BY u.created, u.id LIMIT",
		"userpool_users_expires":   "DELETE FROM userpool_users AS u USING doomed",
		"userpool_sessions_ends":   "FROM userpool_sessions WHERE ends <=",
		"userpool_tickets_expires": "FROM userpool_tickets WHERE expires <=",
		"userpool_outgoing_ticket": "DELETE FROM userpool_outgoing WHERE pool = $1 AND ticket = $2",
		"userpool_outgoing_owner":  "UPDATE userpool_outgoing SET due",
	} {
		seen := slices.ContainsFunc(queries, func(q string) bool {
			return strings.Contains(q, query) && slices.ContainsFunc(walks(explain(t, st, "DROP INDEX "+index+";"+chores[q], q)),
				func(line string) bool { return excused(q, line) == "" })
		})
		if !seen {
			t.Errorf("no statement walks without %s", index)
		}
	}
}

var (
	through = regexp.MustCompile(`^Seq Scan on userpool_`)
	along   = regexp.MustCompile(`^Index (Only )?Scan `)
	byPool  = regexp.MustCompile(`^Index Cond: \((\w+\.)?(pool|deleted) = \S+\)$`)
	byName  = regexp.MustCompile(`^Index Cond: \(\(pool = \S+\) AND \(name = \S+\)\)$`)
	sorts   = regexp.MustCompile(`^Sort Key: `)
)

// walks returns the lines of a plan that look at more than was asked for.
func walks(plan []string) (found []string) {
	for i, line := range plan {
		line = strings.TrimLeft(line, " ->")
		whole := along.MatchString(line) && (i+1 == len(plan) || !strings.Contains(plan[i+1], "Index Cond: "))
		if whole || through.MatchString(line) || byPool.MatchString(line) || byName.MatchString(line) || sorts.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}

// excused returns why a line of a plan is no fault. Nothing excuses a walk through a whole table.
func excused(query, line string) string {
	if through.MatchString(line) || along.MatchString(line) {
		return ""
	}
	for part := range bounded {
		if strings.Contains(query, part) {
			return part
		}
	}
	return ""
}

var verb = regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s`)

// statements returns everything that the package sends: what chores and reads put together, and the
// constants of the source but those about the version of the tables, which is a row or two.
func statements(t *testing.T, chores map[string]string) (found []string) {
	t.Helper()
	for query := range chores {
		found = append(found, query)
	}
	found = append(found, reads()...)
	all, sources := texts{}, sources(t)
	sources(func(n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == len(spec.Names) {
			for i, name := range spec.Names {
				all[name.Name] = spec.Values[i]
			}
		}
	})
	constants := []string{}
	for _, e := range all {
		if text := all.of(e); verb.MatchString(text) && !strings.Contains(text, "userpool_schema") {
			constants = append(constants, text)
		}
	}
	slices.SortFunc(constants, func(a, b string) int { return len(b) - len(a) }) // parts come after the whole
	for _, text := range constants {
		if !slices.ContainsFunc(found, func(whole string) bool { return strings.Contains(whole, text) }) {
			found = append(found, text)
		}
	}
	return found
}

// reads returns what reads of every kind send.
func reads() (all []string) {
	session, tickets := storage.SessionKey{User: "u", ID: "s"}, []string{"t"}
	for _, w := range []storage.Want{
		{},
		{User: user.ByID("u")},
		{User: user.ByLogin("l")},
		{Session: session},
		{Tickets: tickets},
		{Session: session, Tickets: tickets},
	} {
		w.Now, w.Attempt = noon, user.ByLogin("l")
		w.Counters = []storage.CounterKey{{Pool: shop, Name: "guesses"}, {Pool: shop, Owner: "o", Name: "guesses"}}
		w.Documents = []storage.DocumentKey{{Kind: "settings", ID: "only"}}
		all = append(all, postgres.Reads(shop, w)...)
	}
	return all
}

// heard keeps, of transactions that set something first, each statement with what was set before it.
type heard struct {
	settings string // of the transaction
	sent     map[string]string
}

func (h *heard) hear(query string) {
	switch {
	case strings.HasPrefix(strings.ToUpper(query), "BEGIN"), strings.EqualFold(query, "commit"):
		h.settings = ""
	case strings.Contains(query, "set_config("):
		h.settings = query + ";"
	case h.settings != "":
		h.sent[query] = h.settings
	}
}

func (h *heard) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	h.hear(d.SQL)
	return ctx
}
func (h *heard) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (h *heard) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	for _, q := range d.Batch.QueuedQueries {
		h.hear(q.SQL)
	}
	return ctx
}
func (h *heard) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (h *heard) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// sentByChores returns what chores send that set something for their transactions first, and what.
func sentByChores(t *testing.T) map[string]string {
	t.Helper()
	c, err := pgxpool.ParseConfig(postgrestest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	h := &heard{sent: map[string]string{}}
	c.ConnConfig.Tracer = h
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	st, err := postgres.New(t.Context(), pool, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	clear(h.sent)
	put := storage.Put(&storage.Pool{ID: shop, Created: noon})
	commit(t, st, put)
	_, err = st.Trim(t.Context(), shop, 1, 1)
	must(t, err)
	for _, pools := range [][]user.PoolID{nil, {shop}} {
		_, err = st.Due(t.Context(), pools, -1, noon, 1)
		must(t, err)
	}
	_, err = st.Sweep(t.Context(), noon, 1)
	must(t, err)
	r := *put.Record.(*storage.Pool)
	r.Version = put.Stamp
	commit(t, st, storage.Delete(&r))
	_, err = st.Drop(t.Context(), shop, 1)
	must(t, err)
	return h.sent
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// filling makes every table large: of a thousand pools, of which one has twenty thousand users, and
// five thousand of them one of everything.
var filling = []string{
	`INSERT INTO userpool_pools (id, version, issuer, searchable, clients, created, epoch, deleted, moved)
		SELECT 'p' || n, 1, '', '["name"]', '', 0, 1, false, n FROM generate_series(1, 1000) AS n`,
	`INSERT INTO userpool_gates (pool, gate) SELECT p.id, n FROM userpool_pools AS p, generate_series(0, 9) AS n`,
	`INSERT INTO userpool_counts (pool, stripe, users) SELECT p.id, n, 1 FROM userpool_pools AS p, generate_series(0, 9) AS n`,
	`INSERT INTO userpool_issuers (issuer, pool) SELECT 'https://' || id, id FROM userpool_pools`,
	`INSERT INTO userpool_clients (client, pool) SELECT 'c' || id, id FROM userpool_pools`,
	`INSERT INTO userpool_users (id, pool, version, status, disabled, epoch, created, updated, expires, digest, body)
		SELECT 'u' || n, 'p1', 1, sign(n % 10), false, 1, n, n, CASE WHEN n % 10 = 0 THEN n END, NULL, '{}' FROM generate_series(1, 20000) AS n`,
	`INSERT INTO userpool_logins (pool, ns, value, user_id) SELECT pool, 'name', 'l' || id, id FROM userpool_users`,
	`INSERT INTO userpool_attempts (pool, ns, value, user_id) SELECT pool, 'name', 'l' || id, id FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_user_index (pool, name, value, user_id) SELECT pool, 'name', 'n' || id, id FROM userpool_users`,
	`INSERT INTO userpool_sessions (pool, user_id, id, version, epoch, kind, parent, client, proofs, created, last_used, idle, expires, ends,
			confirmation, device, family_key, generation, rotated)
		SELECT pool, id, 's' || id, 1, 1, 'grant', '', '', '', created, created, 0, created, created, '', '', NULL, 1, NULL FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_tickets (pool, id, version, user_id, epoch, client, purpose, mac, code, state, created, expires)
		SELECT pool, 't' || id, 1, id, 1, '', '', NULL, NULL, NULL, created, created FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_counters (pool, owner, name, n, run, start, locked, expires)
		SELECT pool, id, 'password', 1, 1, NULL, NULL, created FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_documents (pool, kind, id, version, body, created, updated) SELECT pool, 'key', id, 1, NULL, 1, 1 FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_outgoing (pool, id, version, owner, lane, class, ticket, body, tries, due, not_after, created)
		SELECT pool, 'm' || id, 1, id, 1, 1, 't' || id, NULL, 0, created, created, created FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_revocations (pool, id, user_id, session, epoch, expires, moved) SELECT pool, id, id, '', 1, created, created FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_events (pool, id, time, user_id, kind, header, personal, leaf, seal)
		SELECT pool, 'e' || id, created, id, 'sign_in', NULL, NULL, '', created % 100 FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_seals (pool, number, previous, digest, count, mac, time) SELECT pool, created, NULL, NULL, 1, NULL, created FROM userpool_users WHERE created <= 5000`,
	`INSERT INTO userpool_leases (name, holder, until) SELECT id, id, created FROM userpool_users WHERE created <= 5000`,
	`ANALYZE`,
}

var parameter = regexp.MustCompile(`\$(\d+)`)

// explain returns the plan of a statement for any arguments, after others of its transaction.
func explain(t *testing.T, st *postgres.Store, before, query string) (plan []string) {
	t.Helper()
	n := 0
	for _, p := range parameter.FindAllStringSubmatch(query, -1) {
		of, _ := strconv.Atoi(p[1])
		n = max(n, of)
	}
	execute := "EXECUTE statement"
	if n > 0 {
		execute += "(" + strings.Join(slices.Repeat([]string{"NULL"}, n), ", ") + ")"
	}
	conn, err := st.Pool().Acquire(t.Context())
	must(t, err)
	defer conn.Release()
	results, err := conn.Conn().PgConn().Exec(t.Context(), "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan;"+before+
		"PREPARE statement AS "+query+"; EXPLAIN (COSTS OFF) "+execute+"; DEALLOCATE statement; ROLLBACK").ReadAll()
	if err != nil {
		t.Fatalf("%s\n%v", query, err)
	}
	for _, row := range results[len(results)-3].Rows {
		plan = append(plan, string(row[0]))
	}
	return plan
}
