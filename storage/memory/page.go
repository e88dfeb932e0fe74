package memory

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/userpool-go/userpool/storage"
)

// page is the walk over a list for one page.
type page struct {
	from  place            // where the list begins
	in    func(place) bool // whether it goes on here; nil means that it always does
	after string           // cursor of the page before
	limit int              // as asked for
	back  bool             // from there backwards
}

// walk hands out keys in order until take has taken as many as the page holds, and returns the
// cursor of the next page: the last place looked at, which need not exist any more by then.
func (pg page) walk(l *list, take func(k key) bool) (next string, err error) {
	if pg.limit < 0 {
		return "", fmt.Errorf("%w: a page of %d", storage.ErrInvalid, pg.limit)
	}
	if pg.limit == 0 || pg.limit > storage.MaxPage {
		pg.limit = storage.MaxPage
	}
	after, err := parseCursor(pg.after)
	if err != nil {
		return "", err
	}
	from, ahead, walk := pg.from, 1, l.from
	if pg.back {
		ahead, walk = -1, l.back
	}
	if pg.after != "" && ahead*after.compare(from) > 0 {
		from = after
	}
	var last place
	examined, taken := 0, 0
	for p := range walk(from) {
		if pg.after != "" && p == after {
			continue
		}
		if pg.in != nil && !pg.in(p) {
			break
		}
		if examined == storage.Examined || taken == pg.limit {
			return last.cursor(), nil
		}
		examined++
		last = p
		if take(p.key) {
			taken++
		}
	}
	return "", nil
}

func (p place) cursor() string {
	parts := []string{p.name, p.value, strconv.FormatInt(p.at, 10), p.key.owner, p.key.id}
	for i, part := range parts {
		parts[i] = base64.RawURLEncoding.EncodeToString([]byte(part))
	}
	return strings.Join(parts, ".")
}

func parseCursor(s string) (p place, err error) {
	if s == "" {
		return place{}, nil
	}
	parts := strings.Split(s, ".")
	if len(parts) != 5 {
		return place{}, errCursor
	}
	for i, part := range parts {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return place{}, errCursor
		}
		parts[i] = string(text)
	}
	at, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return place{}, errCursor
	}
	return place{parts[0], parts[1], at, key{parts[3], parts[4]}}, nil
}

var errCursor = fmt.Errorf("%w: not a cursor of this store", storage.ErrInvalid)
