package keyset_test

import (
	"errors"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/keyset"
)

// A place that no record has, such as one with a NUL, is none where a page ended: a database fails with
// an error of its own.
func TestBegin(t *testing.T) {
	t.Parallel()
	good := keyset.Place{List: "id", Text: "ä", At: 1, ID: "a"}
	if at, n, err := keyset.Begin(good.Cursor(), "id", 0); at != good || n != storage.MaxPage || err != nil {
		t.Errorf("Begin = %+v, %d, %v, want the place", at, n, err)
	}
	for _, bad := range []keyset.Place{{List: "value", ID: "a"}, {List: "id", ID: "a\x00"}, {List: "id", Text: "\x00"}} {
		if _, _, err := keyset.Begin(bad.Cursor(), "id", 1); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("Begin at %+v = %v, want ErrInvalid", bad, err)
		}
	}
}
