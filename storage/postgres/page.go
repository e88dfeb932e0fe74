package postgres

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/userpool-go/userpool/storage"
)

// place is where a page ended: the columns that its list is ordered by, of the last row looked at,
// which need not exist any more when the next page begins.
type place struct {
	List string `json:"l"` // which list and order
	Text string `json:"v,omitempty"`
	At   int64  `json:"t,omitempty"`
	ID   string `json:"i"`
}

func (p place) cursor() string {
	b, _ := json.Marshal(p) // of texts and a number: cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// parsePlace reads a cursor; "" is the place before everything.
func parsePlace(cursor, list string) (p place, err error) {
	if cursor == "" {
		return place{List: list, At: -1 << 63}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || p.List != list {
		return p, errCursor
	}
	return p, nil
}

var errCursor = fmt.Errorf("%w: not a cursor of this list", storage.ErrInvalid)

// pageSize returns how many records a page has at the most.
func pageSize(limit int) (int, error) {
	switch {
	case limit < 0:
		return 0, fmt.Errorf("%w: a page of %d", storage.ErrInvalid, limit)
	case limit == 0 || limit > storage.MaxPage:
		return storage.MaxPage, nil
	}
	return limit, nil
}

// cut keeps the first n of records, of which one more than n was read, and returns the cursor of
// the next page.
func cut[R any](records []R, n int, at func(R) place) ([]R, string) {
	if len(records) <= n {
		return records, ""
	}
	return records[:n], at(records[n-1]).cursor()
}
