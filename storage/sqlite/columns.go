package sqlite

import (
	"fmt"
	"time"
)

// micros returns a time as it is stored: microseconds since 1970, what is below cut off, or NULL
// for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// when reads what micros wrote.
type when struct{ time.Time }

// Scan implements sql.Scanner.
func (w *when) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		w.Time = time.Time{}
	case int64:
		w.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time is stored as %T", v)
	}
	return nil
}
