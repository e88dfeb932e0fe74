package postgres

import (
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// A counter moves in one statement, by [storage.Rule] in SQL: its row orders all who count, in every
// process. Where it refuses, the statement fails, and what it says is read again afterwards. Of the
// parameters, $1 to $3 are the key and $4 is the time.
const (
	insertCounter = `WITH c AS (INSERT INTO userpool_counters AS k (pool, owner, name, n, run, start, locked, expires) `
	live          = `(k.expires IS NULL OR k.expires > $4::bigint)`

	// A fixed window: $5 uses in $6 microseconds, or in all where that is 0.
	windowOver  = `($6::bigint > 0 AND (k.start + $6::bigint <= $4::bigint OR k.start > $4::bigint + $6::bigint))`
	windowAnew  = `(NOT ` + live + ` OR k.n = 0 OR k.start IS NULL OR ` + windowOver + `)`
	countWindow = insertCounter + `VALUES ($1, $2, $3, 1, 0, $4::bigint, NULL, CASE WHEN $6::bigint > 0 THEN $4::bigint + $6::bigint END)
		ON CONFLICT (pool, owner, name) DO UPDATE SET
			n = CASE WHEN ` + windowAnew + ` THEN 1 ELSE k.n + 1 END,
			run = CASE WHEN ` + live + ` THEN k.run ELSE 0 END,
			start = CASE WHEN ` + windowAnew + ` THEN $4::bigint ELSE k.start END,
			locked = CASE WHEN ` + live + ` THEN k.locked END,
			expires = CASE WHEN $6::bigint > 0 THEN CASE WHEN ` + windowAnew + ` THEN $4::bigint ELSE k.start END + $6::bigint END
		WHERE k.n < $5::bigint OR ` + windowAnew + `
		RETURNING 1) SELECT 1/count(*) FROM c`
	clearWindow = insertCounter + `VALUES ($1, $2, $3, 0, 0, NULL, NULL, $4::bigint)
		ON CONFLICT (pool, owner, name) DO UPDATE SET n = 0, run = 0, start = NULL, locked = NULL, expires = $4::bigint
		WHERE k.n < $5::bigint OR ` + windowAnew + `
		RETURNING 1) SELECT 1/count(*) FROM c`

	// A doubling lock: $5 free, $6 base, $7 max, $8 decay, $9 ceiling, $10 what has no end, and $11
	// what it must come to: 0 either, 1 that it stays open, 2 that it locks. $12 to $14 are what a
	// counter that is not there comes to.
	failures = `(CASE WHEN NOT ` + live + ` OR $8::bigint > 0 AND k.locked + $8::bigint <= $4::bigint THEN 0 ELSE k.n END + 1)`
	run      = `(CASE WHEN ` + live + ` THEN k.run ELSE 0 END + 1)`
	// Powers of two and what is below 2^53 are exact as floating point.
	doubled   = `least($7::bigint::float8, $6::bigint::float8 * power(2::float8, least(` + failures + ` - $5::bigint, 60)::float8))::bigint`
	countLock = insertCounter + `VALUES ($1, $2, $3, $12::bigint, $13::bigint, $4::bigint, $14::bigint, NULL)
		ON CONFLICT (pool, owner, name) DO UPDATE SET
			n = ` + failures + `,
			run = ` + run + `,
			start = $4::bigint,
			locked = CASE WHEN $9::bigint > 0 AND ` + run + ` >= $9::bigint THEN $10::bigint
				WHEN ` + failures + ` >= $5::bigint THEN $4::bigint + ` + doubled + ` END,
			expires = NULL
		WHERE NOT ` + live + ` OR k.locked IS NULL OR k.locked <= $4::bigint
		RETURNING locked) SELECT 1/count(*) FROM c WHERE $11::bigint = 0 OR (locked IS NOT NULL) = ($11::bigint = 2)`
	clearLock = insertCounter + `VALUES ($1, $2, $3, 0, 0, NULL, NULL, $4::bigint)
		ON CONFLICT (pool, owner, name) DO UPDATE SET n = 0, run = 0, start = NULL, locked = NULL, expires = $4::bigint
		WHERE NOT ` + live + ` OR k.locked IS NULL OR k.locked <= $4::bigint
		RETURNING 1) SELECT 1/count(*) FROM c`

	raiseMark = insertCounter + `VALUES ($1, $2, $3, $4::bigint, 0, NULL, NULL, NULL)
		ON CONFLICT (pool, owner, name) DO UPDATE SET n = $4::bigint WHERE k.n < $4::bigint RETURNING 1) SELECT 1/count(*) FROM c`
)

func (p *plan) count(i int, c storage.Count) {
	r, now := c.Rule, c.Now.Truncate(time.Microsecond)
	move := item{sql: countWindow, args: []any{r.Free, whole(r.Window)}}
	if r.Base > 0 {
		first, _ := r.Count(storage.Counter{Key: c.Key}, now)
		move.sql = countLock
		move.args = []any{
			r.Free, whole(r.Base), whole(r.Max), whole(r.Decay), r.Ceiling, storage.Forever.UnixMicro(),
			int(c.Expect), first.N, first.Run, micros(first.Until),
		}
	}
	p.move(i, c.Key, now, move, func(was storage.Counter) error { _, err := c.Move(was); return err })
}

// whole returns a duration in microseconds, 1 where it is less but not 0, which means something else.
func whole(d time.Duration) int64 { return (d + time.Microsecond - 1).Microseconds() }

func (p *plan) clear(i int, c storage.Clear) {
	now := c.Now.Truncate(time.Microsecond)
	move := item{sql: clearWindow, args: []any{c.Rule.Free, whole(c.Rule.Window)}}
	if c.Rule.Base > 0 {
		move = item{sql: clearLock}
	}
	p.move(i, c.Key, now, move, func(was storage.Counter) error { _, err := c.Move(was); return err })
}

func (p *plan) raise(i int, c storage.Raise) {
	key := c.Key
	p.add(item{
		phase: p.counting(key.Owner), key: joined("counter", key.Owner, key.Name), change: i, sql: raiseMark,
		args: []any{string(key.Pool), key.Owner, key.Name, c.N}, refuses: stale,
	})
}

// move plans the move of a counter. judge says why it was refused, of the counter as it was.
func (p *plan) move(i int, key storage.CounterKey, now time.Time, move item, judge func(storage.Counter) error) {
	move.phase, move.key, move.change = p.counting(key.Owner), joined("counter", key.Owner, key.Name), i
	move.args = append([]any{string(key.Pool), key.Owner, key.Name, now.UnixMicro()}, move.args...)
	move.count = key
	move.refuses = refuse(storage.ErrLimited, divisionByZero)
	move.counter = func(was storage.Counter) error { return judge(unexpired(was, now)) }
	p.add(move)
}

// counting returns when an owner's counters are counted: last, but where the same commit erases what
// they may belong to, before they are gone and would be counted anew.
func (p *plan) counting(owner string) phase {
	for _, c := range p.changes {
		if d, ok := c.(storage.DeleteRecord); ok {
			switch r := d.Record.(type) {
			case *user.User:
				return phaseGuard
			case *storage.Ticket:
				if r.ID == owner {
					return phaseGuard
				}
			}
		}
	}
	return phaseCount
}

// unexpired returns a counter as it is at a time.
func unexpired(c storage.Counter, now time.Time) storage.Counter {
	if !c.Expires.IsZero() && !c.Expires.After(now) {
		return storage.Counter{Key: c.Key}
	}
	return c
}
