package pool_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

var home = pool.Caller{IP: netip.MustParseAddr("203.0.113.77"), UserAgent: "Mozilla/5.0 (X11; Lynx)"}

// from signs login in from somewhere.
func (k *kit) from(login string, c pool.Caller) error {
	k.clock.advance(time.Millisecond) // the order of events is that of their times
	_, err := k.SignIn(k.t.Context(), pool.SignInInput{Username: login, With: pool.Password{Value: right}, Caller: c})
	return err
}

func (k *kit) events(q pool.EventQuery) []pool.Event {
	k.t.Helper()
	page, err := k.ListEvents(k.t.Context(), q)
	if err != nil {
		k.t.Fatal(err)
	}
	return page.Events
}

// last returns the newest event of a user; "" means of anybody. Events of one instant have no order,
// so a test lets its clock move before the one that it asks for.
func (k *kit) last(id user.ID) pool.Event {
	k.t.Helper()
	es := k.events(pool.EventQuery{User: id})
	n := len(es)
	if n == 0 || n > 1 && es[n-1].Time.Equal(es[n-2].Time) {
		k.t.Fatalf("no newest among %d events", n)
	}
	return es[n-1]
}

// TestT10_ErasureKeepsTheChain: where somebody was is gone, that something happened stays, and the
// history verifies as before.
func TestT10_ErasureKeepsTheChain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("bob@example.com")
		for _, login := range []string{ada, "bob@example.com"} {
			if err := k.from(login, home); err != nil {
				t.Fatal(err)
			}
		}
		id, bob := k.user(ada).ID, k.user("bob@example.com").ID
		for _, who := range []user.ID{id, bob} {
			e := k.last(who)
			if e.IP != home.IP || e.UserAgent != home.UserAgent || e.Kind != "sign_in" || e.Outcome != "success" || e.User != who || e.Client != "default" {
				t.Errorf("before: %+v", e)
			}
		}
		waitFor(t, func() bool { return verify(t, k.Pool).Unsealed == 0 })
		head := verify(t, k.Pool).Head
		before := k.events(pool.EventQuery{User: id})
		k.clock.advance(time.Millisecond)
		if err := k.EraseEvents(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		after := k.events(pool.EventQuery{User: id})
		if len(after) != len(before)+1 || after[len(before)].Kind != "erase_events" {
			t.Errorf("%d events after %d: erasing leaves all, and one that tells of it", len(after), len(before))
		}
		for _, e := range after {
			if e.IP.IsValid() || e.UserAgent != "" {
				t.Errorf("after: %+v", e)
			}
		}
		if e := k.last(bob); e.IP != home.IP {
			t.Errorf("another's: %+v", e)
		}
		if r := verify(t, k.Pool, head); !r.Intact() {
			t.Errorf("the history broke: %v", r.Problems)
		}
		if err := k.from(ada, home); err != nil || k.last(id).IP != home.IP {
			t.Errorf("an event after the erasure: %+v, %v", k.last(id), err)
		}
		if err := k.EraseEvents(t.Context(), "nobody"); err != nil {
			t.Errorf("erasing nobody's: %v", err)
		}
	})
}

// TestT10_KeyGoesWithTheUser: who is deleted takes the key along, in the same commit.
func TestT10_KeyGoesWithTheUser(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	if err := k.from(ada, home); err != nil {
		t.Fatal(err)
	}
	u := k.user(ada)
	if err := k.store.Store.Commit(t.Context(), storage.Delete(u)); err != nil {
		t.Fatal(err)
	}
	if e := k.last(u.ID); e.IP.IsValid() || e.UserAgent != "" || e.Kind != "sign_in" {
		t.Errorf("of a deleted user: %+v", e)
	}
	if r := verify(t, k.Pool); !r.Intact() {
		t.Errorf("the history broke: %v", r.Problems)
	}
}

// TestT10_PersonalFieldsAreSealed: the database does not say where anybody was, nor can who writes
// it show the fields of one event in another.
func TestT10_PersonalFieldsAreSealed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "userpool.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	fst := &forged{Store: st}
	n := nodes(t, fst, 1)[0]
	n.newcomer(ada)
	for _, login := range []string{ada, "stranger@example.com"} {
		_ = n.from(login, home)
	}
	page, err := st.Events(t.Context(), "default", storage.EventQuery{})
	if err != nil {
		t.Fatal(err)
	}
	sealed := map[bool][][]byte{} // by whether they are of somebody
	for _, e := range page.Events {
		if e.Personal != nil {
			sealed[e.User != ""] = append(sealed[e.User != ""], e.Personal)
		}
	}
	if len(sealed[true]) != 1 || len(sealed[false]) != 1 {
		t.Fatalf("%d and %d events have personal fields, want those of the two sign-ins", len(sealed[true]), len(sealed[false]))
	}
	if len(sealed[true][0]) != len(sealed[false][0]) {
		t.Error("an event of a stranger has another form than one of a user")
	}
	fst.by(func(_ storage.EventQuery, p *storage.EventPage) {
		for _, e := range p.Events {
			if e.Personal == nil && e.User != "" {
				e.Personal = sealed[true][0] // her own, in another event
			} else {
				e.Personal = sealed[e.User == ""][0] // the other's
			}
		}
	})
	for _, e := range n.events(pool.EventQuery{}) {
		if e.IP.IsValid() || e.UserAgent != "" {
			t.Errorf("moved fields open: %+v", e)
		}
	}
	fst.by(nil)
	if err := errors.Join(n.Close(context.Background()), st.Close()); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"203.0.113", "Lynx", "stranger@"} {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s holds %q", filepath.Base(f), s)
			}
		}
	}
}

func TestPersonalFields(t *testing.T) {
	t.Parallel()
	n := nodes(t, memory.New(), 1)[0]
	n.newcomer(ada)
	id := n.user(ada).ID
	for name, tt := range map[string]struct {
		caller pool.Caller
		agent  string
	}{
		"none":       {pool.Caller{}, ""},
		"address":    {pool.Caller{IP: home.IP}, ""},
		"IPv6":       {pool.Caller{IP: netip.MustParseAddr("2001:db8::1")}, ""},
		"browser":    {pool.Caller{UserAgent: "x"}, "x"},
		"too long":   {pool.Caller{UserAgent: strings.Repeat("x", 100_000)}, strings.Repeat("x", 256)},
		"cut a rune": {pool.Caller{UserAgent: strings.Repeat("x", 255) + "é"}, strings.Repeat("x", 255)},
		"not UTF-8":  {pool.Caller{UserAgent: "a\xffb"}, "ab"},
	} {
		if err := n.from(ada, tt.caller); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e := n.last(id); e.IP != tt.caller.IP || e.UserAgent != tt.agent {
			t.Errorf("%s: %v, %q", name, e.IP, e.UserAgent)
		}
	}
	if err := n.from("nobody@example.com", home); err == nil {
		t.Error("nobody signed in")
	}
	if e := n.last(""); e.User != "" || e.IP != home.IP || e.Outcome != "refused" || e.Reason == "" {
		t.Errorf("of nobody: %+v", e)
	}
}

func TestListEventsPages(t *testing.T) {
	t.Parallel()
	n := nodes(t, memory.New(), 1)[0]
	history(t, n)
	var ids []string
	q := pool.EventQuery{Limit: 3}
	for {
		page, err := n.ListEvents(t.Context(), q)
		if err != nil || len(page.Events) > 3 {
			t.Fatalf("%d events, %v", len(page.Events), err)
		}
		for _, e := range page.Events {
			ids = append(ids, e.ID)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	all := n.events(pool.EventQuery{})
	for i, e := range all {
		if len(ids) != len(all) || ids[i] != e.ID {
			t.Fatalf("in pages %v, at once %d", ids, len(all))
		}
	}
	if got := n.events(pool.EventQuery{User: "nobody"}); len(got) != 0 {
		t.Errorf("nobody has %d events", len(got))
	}
	for _, q := range []pool.EventQuery{{After: "no cursor"}, {Limit: -1}} {
		if _, err := n.ListEvents(t.Context(), q); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", q, err)
		}
	}
	n.Close(context.Background())
	_, listing := n.ListEvents(t.Context(), pool.EventQuery{})
	_, verifying := n.VerifyEvents(t.Context())
	for what, err := range map[string]error{"list": listing, "verify": verifying, "erase": n.EraseEvents(t.Context(), "x")} {
		if !errors.Is(err, pool.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", what, err)
		}
	}
}
