package sqlite

import (
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
)

const (
	selectCounter = `SELECT n, run, start, locked, expires FROM userpool_counters WHERE pool = ? AND owner = ? AND name = ?`
	upsertCounter = `INSERT INTO userpool_counters (n, run, start, locked, expires, pool, owner, name) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (pool, owner, name) DO UPDATE SET n = excluded.n, run = excluded.run, start = excluded.start,
			locked = excluded.locked, expires = excluded.expires`
	deleteCounter = `DELETE FROM userpool_counters WHERE pool = ? AND owner = ? AND name = ?`
)

// count plans a change of a counter as it is at a time. It is judged before anything is written,
// both under the one write lock of the database: exact in every process, and so a counter that
// stays as it is, such as one that is cleared and never counted, need not be written.
func (p *plan) count(i int, key storage.CounterKey, at time.Time, move func(now storage.Counter) (storage.Counter, error)) {
	at = at.Truncate(time.Microsecond)
	var next storage.Counter
	moves := false
	p.add(phaseCheck, i, func(t *tx) error {
		c, err := readCounter(t, t.pool, key)
		if err != nil {
			return ours(err)
		}
		c = unexpired(c, at)
		next, err = move(c)
		moves = unexpired(next, at) != c
		return err
	})
	p.add(phaseCount, i, func(t *tx) error {
		if !moves {
			return nil
		}
		_, err := t.exec(upsertCounter, next.N, next.Run, micros(next.Start), micros(next.Until), micros(next.Expires),
			t.pool, key.Owner, key.Name)
		return err
	})
}

// unexpired returns a counter as it is at a time.
func unexpired(c storage.Counter, now time.Time) storage.Counter {
	if !c.Expires.IsZero() && !c.Expires.After(now) {
		return storage.Counter{Key: c.Key}
	}
	return c
}

// readCounter reads a counter; one that was never counted has zero values.
func readCounter(s statements, pool int64, key storage.CounterKey) (storage.Counter, error) {
	c := storage.Counter{Key: key}
	var start, until, expires when
	err := s.row(selectCounter, pool, key.Owner, key.Name).Scan(&c.N, &c.Run, &start, &until, &expires)
	if err != nil {
		if err == sql.ErrNoRows {
			err = nil
		}
		return c, err
	}
	c.Start, c.Until, c.Expires = start.Time, until.Time, expires.Time
	return c, nil
}

// maxCounters is how many counters one statement reads at the most.
const maxCounters = 8

// selectCounters reads n counters in one statement, each with its place: to run one costs more than
// to find a counter. The pool is the first parameter, then come owner and name of each.
var selectCounters = func() (queries [maxCounters + 1]string) {
	for n := range queries {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = strings.NewReplacer("{i}", strconv.Itoa(i), "{owner}", strconv.Itoa(2*i+2), "{name}", strconv.Itoa(2*i+3)).Replace(
				`SELECT {i}, n, run, start, locked, expires FROM userpool_counters WHERE pool = ?1 AND owner = ?{owner} AND name = ?{name}`)
		}
		queries[n] = strings.Join(parts, " UNION ALL ")
	}
	return queries
}()

// readCounters fills in at most maxCounters counters of which the keys are known.
func readCounters(c *conn, pool int64, counters []storage.Counter) error {
	args := append(make([]any, 0, 1+2*len(counters)), pool)
	for _, c := range counters {
		args = append(args, c.Key.Owner, c.Key.Name)
	}
	rows, err := c.query(selectCounters[len(counters)], args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i int
		var found storage.Counter
		var start, until, expires when
		if err := rows.Scan(&i, &found.N, &found.Run, &start, &until, &expires); err != nil {
			return err
		}
		found.Key, found.Start, found.Until, found.Expires = counters[i].Key, start.Time, until.Time, expires.Time
		counters[i] = found
	}
	return rows.Err()
}
