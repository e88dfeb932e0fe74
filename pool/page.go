package pool

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/userpool-go/userpool/seal"
)

// pageLifetime is how long the next page can be asked for (security.md S16).
const pageLifetime = 24 * time.Hour

// maxPageToken bounds a page token, in bytes: it comes from outside.
const maxPageToken = 2 << 10

// place is where a page ended. Its cursor is the store's, and tells what stands there: so it is
// sealed.
type place struct {
	Cursor  string    `json:"cursor"`
	Expires time.Time `json:"expires"`
}

// pageLabel binds a page token to a list of the pool and to what was asked of it: one of another
// list, or of the same list of somebody else, opens nothing.
func (p *Pool) pageLabel(list, query string) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "page", Owner: query, Field: list}
}

// pageLabel binds a page token to the list of pools, and to who asked: no pool is named "".
func (d *Directory) pageLabel(query []byte) seal.Label {
	return seal.Label{Kind: "page", Owner: string(query), Field: "pools"}
}

// pageToken returns the token of the page after a cursor; "" where there is none.
func (p *Pool) pageToken(list, query, cursor string) string {
	return pageToken(p.config.Keys, p.pageLabel(list, query), cursor, p.now())
}

func pageToken(ring *seal.Keyring, l seal.Label, cursor string, now time.Time) string {
	if cursor == "" {
		return ""
	}
	text, _ := json.Marshal(place{cursor, now.Add(pageLifetime)}) // a text and a time cannot fail
	return base64.RawURLEncoding.EncodeToString(ring.Seal(l, text))
}

// pageCursor returns the cursor of a page token; ok is false where it is of another list, altered
// or over.
func (p *Pool) pageCursor(list, query, token string) (cursor string, ok bool) {
	return pageCursor(p.config.Keys, p.pageLabel(list, query), token, p.now())
}

func pageCursor(ring *seal.Keyring, l seal.Label, token string, now time.Time) (cursor string, ok bool) {
	if token == "" {
		return "", true
	}
	blob, ok := decode(token, maxPageToken)
	if !ok {
		return "", false
	}
	var at place
	text, err := ring.Open(l, blob)
	if err != nil || json.Unmarshal(text, &at) != nil || !now.Before(at.Expires) {
		return "", false
	}
	return at.Cursor, true
}

// decode reads base64url in the one spelling that we write: the decoder alone would skip line
// breaks.
func decode(text string, longest int) ([]byte, bool) {
	if len(text) > longest || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil
}
