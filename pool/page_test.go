package pool_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
)

// A page token shows nothing of the store, and is good for its own list, user and pool, for a day.
func TestS16_PageTokens(t *testing.T) {
	t.Parallel()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New()
	k := openOn(t, st, func(c *pool.Config) { c.Keys = ring })
	other := openOn(t, st, func(c *pool.Config) { c.ID, c.Issuer, c.Keys = "other", "http://localhost:2", ring })
	for _, in := range []*kit{k, other} {
		in.confirmed(ada)
		in.done(ada)
	}
	next := func(k *kit, q pool.EventQuery) string {
		t.Helper()
		q.Limit = 1
		page, err := k.ListEvents(t.Context(), q)
		if err != nil || page.Next == "" {
			t.Fatalf("ListEvents(%+v) = %+v, %v, want a next page", q, page, err)
		}
		return page.Next
	}
	all, her := next(k, pool.EventQuery{}), next(k, pool.EventQuery{User: k.user(ada).ID})
	if _, err := k.ListEvents(t.Context(), pool.EventQuery{User: k.user(ada).ID, After: her}); err != nil {
		t.Errorf("her own next page: %v", err)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(all); err != nil || strings.Contains(string(raw), "cursor") {
		t.Errorf("the token %q is not sealed: %v", all, err)
	}
	for name, q := range map[string]pool.EventQuery{
		"of a user, for all":   {After: her},
		"of all, for a user":   {User: k.user(ada).ID, After: all},
		"of another pool":      {After: next(other, pool.EventQuery{})},
		"truncated":            {After: all[:len(all)-4]},
		"altered":              {After: all[:40] + "AAAA" + all[44:]},
		"another base64":       {After: all + "="},
		"with a line break":    {After: all[:8] + "\n" + all[8:]},
		"of 1 MB":              {After: strings.Repeat("A", 1<<20)},
		"not UTF-8":            {After: "\xff\x00"},
		"the store's":          {After: "1"},
		"a device token":       {After: k.done(ada).Device},
		"fewer than no events": {After: all, Limit: -1},
		"more than a page has": {Limit: 1001},
	} {
		if page, err := k.ListEvents(t.Context(), q); !errors.Is(err, pool.ErrInvalid) || len(page.Events) > 0 {
			t.Errorf("%s: %d events, %v, want ErrInvalid", name, len(page.Events), err)
		}
	}
	k.clock.advance(24 * time.Hour)
	if _, err := k.ListEvents(t.Context(), pool.EventQuery{After: all}); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("a token of yesterday: %v, want ErrInvalid", err)
	}
}

// Nobody makes up a page token.
func FuzzPageToken(f *testing.F) {
	k := open(f)
	k.confirmed(ada)
	page, err := k.ListEvents(f.Context(), pool.EventQuery{Limit: 1})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{page.Next, page.Next[:len(page.Next)-1], "", "AAAA", "\xff", strings.Repeat("A", 4096)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, after string) {
		_, err := k.ListEvents(t.Context(), pool.EventQuery{After: after})
		if good := after == "" || after == page.Next; good != (err == nil) || err != nil && !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("After %q: %v", after, err)
		}
	})
}
