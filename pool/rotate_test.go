package pool_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	chores "github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// node is a process whose chores a test runs.
type node struct {
	*kit
	hand *chores.Hand
}

// nodes opens a pool in several processes on one store, with one clock.
func nodes(t testing.TB, st storage.Store, n int, change ...func(*pool.Config)) []*node {
	t.Helper()
	r, clk := ring(t, seal.Generate()), &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	ns := make([]*node, n)
	for i := range ns {
		ns[i] = &node{kit: &kit{t: t, store: &counting{Store: st}, box: mailbox.New(), clock: clk}, hand: new(chores.Hand)}
		c := pool.Config{Keys: r, Sender: ns[i].box, Now: clk.Now, InsecureHash: &cheap}
		for _, f := range change {
			f(&c)
		}
		p, err := pool.Open(chores.NewContext(t.Context(), ns[i].hand), ns[i].store, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close(context.Background()) })
		ns[i].Pool = p
	}
	return ns
}

// run does what is due in this process.
func (n *node) run() {
	n.t.Helper()
	if err := n.hand.Run(n.t.Context()); err != nil {
		n.t.Fatalf("chores: %v", err)
	}
}

// kids returns the ids in a key set, in its order.
func kids(t *testing.T, jwks []byte) (ids []string) {
	t.Helper()
	var set struct {
		Keys []struct {
			KID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		ids = append(ids, k.KID)
	}
	return ids
}

// polled is a verifier of another program, which asks for the keys now and then.
type polled struct{ set token.KeySet }

func (p *polled) Key(ctx context.Context, kid string) (token.PublicKey, error) {
	return p.set.Key(ctx, kid)
}

// A year in steps of five minutes. One node mints, the other publishes the keys; a token verifies
// from the moment it is minted until it expires, with keys that were polled five minutes before,
// and even with those of the day before.
func TestRotationOverAYear(t *testing.T) {
	t.Parallel()
	const day, step = 24 * time.Hour, 5 * time.Minute
	ns := nodes(t, memory.New(), 2, func(c *pool.Config) {
		c.Settings = &pool.Settings{Clients: []pool.Client{{ID: "default", Tokens: pool.TokenSettings{
			Access: day, ID: day, Refresh: 3650 * day,
		}}}}
	})
	minting, publishing, clk := ns[0], ns[1], ns[0].clock
	d := minting.newcomer(ada)
	sets := map[string]token.KeySet{}
	keys := &polled{}
	v, err := token.NewVerifier(minting.Issuer(), token.Config{ClientIDs: []string{"default"}, Use: token.Access, Keys: keys, Now: clk.Now})
	if err != nil {
		t.Fatal(err)
	}
	verify := func(set token.KeySet, tok token.Secret, what string) {
		t.Helper()
		keys.set = set
		if _, err := v.Verify(t.Context(), tok.Reveal()); err != nil {
			t.Fatalf("%v: a token %s: %v", clk.Now(), what, err)
		}
	}
	var live []token.Secret    // minted every six hours, the four that have not expired
	var history []token.KeySet // what each poll of the last day gave
	for i := range int(365 * day / step) {
		minting.run()
		publishing.run()
		jwks := publishing.JWKS()
		if sets[string(jwks)] == nil {
			if sets[string(jwks)], err = token.ParseKeySet(jwks); err != nil {
				t.Fatal(err)
			}
			if n := len(kids(t, jwks)); n > 2 {
				t.Fatalf("%d keys are published", n)
			}
		}
		history = append(history, sets[string(jwks)])
		if len(history) > int(day/step) {
			history = history[1:]
		}
		if i%int(6*time.Hour/step) == 0 {
			if d, err = minting.refresh(d); err != nil {
				t.Fatal(err)
			}
			live = append(live, d.Tokens.Access)
			verify(history[max(0, len(history)-2)], d.Tokens.Access, "just minted, with the keys of five minutes ago")
			verify(history[0], d.Tokens.Access, "just minted, with the keys of a day ago")
			if len(live) > 4 {
				live = live[1:]
			}
		}
		if (i+1)%int(6*time.Hour/step) == 0 && len(live) == 4 {
			verify(sets[string(jwks)], live[0], "in its last five minutes")
		}
		clk.advance(step)
	}
	seen := map[string]bool{}
	for jwks := range sets {
		for _, id := range kids(t, []byte(jwks)) {
			seen[id] = true
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d keys in a year, want the first and 4 more", len(seen))
	}
	if docs := signingDocuments(t, minting.store); docs != 1 {
		t.Errorf("%d signing keys are stored in the end, want what is over erased", docs)
	}
}

func signingDocuments(t *testing.T, st storage.Store) int {
	t.Helper()
	page, err := st.Documents(t.Context(), "default", storage.DocumentQuery{Kind: "signing"})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Documents)
}

// newcomer signs login up, and in.
func (n *node) newcomer(login string) *pool.Done {
	n.t.Helper()
	ticket := n.signUp(login)
	n.run()
	if _, err := n.ConfirmSignUp(n.t.Context(), pool.CodeInput{Ticket: ticket, Code: n.box.Code(login)}); err != nil {
		n.t.Fatal(err)
	}
	return n.done(login)
}

// A successor is published a day before it signs, and its forerunner for 25 hours after.
func TestRotationByTheHour(t *testing.T) {
	t.Parallel()
	n := nodes(t, memory.New(), 1)[0]
	const day = 24 * time.Hour
	n.newcomer(ada)
	first := kids(t, n.JWKS())[0]
	for _, tt := range []struct {
		after     time.Duration // since the step before
		published int
		signs     bool // the first key
	}{
		{90*day - time.Second, 1, true},
		{time.Second, 2, true}, // the next is made
		{day - time.Second, 2, true},
		{time.Second, 2, false}, // and signs
		{25*time.Hour - time.Second, 2, false},
		{time.Second, 1, false},
	} {
		for left := tt.after; left > 0; left -= 20 * day { // a session lives 30 days
			n.clock.advance(min(left, 20*day))
			n.done(ada)
		}
		n.run()
		d := n.done(ada)
		jwks := n.JWKS()
		if signs := signedBy(t, d) == first; signs != tt.signs || len(kids(t, jwks)) != tt.published {
			t.Errorf("%v later: %d keys, the first signs: %v; want %d, %v", tt.after, len(kids(t, jwks)), signs, tt.published, tt.signs)
		}
		if !strings.Contains(string(jwks), signedBy(t, d)) {
			t.Errorf("%v later: the key that signs is not published", tt.after)
		}
	}
}

// signedBy returns the id of the key that an access token names.
func signedBy(t *testing.T, d *pool.Done) string {
	t.Helper()
	return headOf(t, d).KID
}

// head is what a token says of its key.
type head struct{ KID, Alg string }

func headOf(t *testing.T, d *pool.Done) (h head) {
	t.Helper()
	text, _, _ := strings.Cut(d.Tokens.Access.Reveal(), ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// Whichever process is first, there is one successor, and all publish it.
func TestRotationHasOneSuccessor(t *testing.T) {
	t.Parallel()
	const n = 8
	st := &crossroads{Store: anarchic{memory.New()}}
	ns := nodes(t, st, n)
	st.all.Add(n)
	st.left.Store(n)
	ns[0].clock.advance(91 * 24 * time.Hour)
	var running sync.WaitGroup
	for _, n := range ns {
		running.Go(n.run)
	}
	running.Wait()
	for _, n := range ns {
		n.run()
		if got := kids(t, n.JWKS()); len(got) != 2 || got[0] != kids(t, ns[0].JWKS())[0] {
			t.Errorf("a node publishes %q", got)
		}
	}
}

// crossroads is a store where all meet who read the signing keys, before any of them goes on.
type crossroads struct {
	storage.Store
	all  sync.WaitGroup
	left atomic.Int32
}

func (c *crossroads) Documents(ctx context.Context, p user.PoolID, q storage.DocumentQuery) (storage.DocumentPage, error) {
	page, err := c.Store.Documents(ctx, p, q)
	if q.Kind == "signing" && c.left.Add(-1) >= 0 {
		c.all.Done()
		c.all.Wait()
	}
	return page, err
}

// anarchic is a store whose leases everybody holds.
type anarchic struct{ storage.Store }

func (anarchic) Lease(context.Context, storage.Lease) (bool, error) { return true, nil }

// The setting of the algorithm goes from one to the next. A verifier that asked for the keys a day
// ago meets no token that it cannot check, nor does one that asks now meet an old one.
func TestAlgorithmChanges(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	st, r, clk := memory.New(), ring(t, seal.Generate()), &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	keys := &polled{}
	var polls []token.KeySet   // by the hour
	var live []token.Secret    // minted every hour, those of a day
	var d *pool.Done           // the last
	seen := map[string]int{}   // tokens by algorithm
	known := map[string]bool{} // key sets
	for i, alg := range []token.Algorithm{"", token.EdDSA, token.RS256, token.RS256, token.ES256} {
		box, hand := mailbox.New(), new(chores.Hand)
		p, err := pool.Open(chores.NewContext(t.Context(), hand), st, pool.Config{
			Keys: r, Sender: box, Now: clk.Now, InsecureHash: &cheap,
			Settings: &pool.Settings{
				Keys:    pool.KeySettings{Algorithm: alg, Every: -1},
				Clients: []pool.Client{{ID: "default", Tokens: pool.TokenSettings{Access: day, ID: day, Refresh: 3650 * day}}},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		n := &node{kit: &kit{Pool: p, t: t, box: box, clock: clk}, hand: hand}
		if i == 0 {
			d = n.newcomer(ada)
		}
		v, err := token.NewVerifier(p.Issuer(), token.Config{ClientIDs: []string{"default"}, Use: token.Access, Keys: keys, Now: clk.Now})
		if err != nil {
			t.Fatal(err)
		}
		for hour := range 3 * 24 {
			n.run()
			set, err := token.ParseKeySet(p.JWKS())
			if err != nil {
				t.Fatal(err)
			}
			known[string(p.JWKS())] = true
			polls = append(polls, set)
			polls = polls[max(0, len(polls)-25):] // the first is of 24 hours ago
			if d, err = n.refresh(d); err != nil {
				t.Fatal(err)
			}
			live = append(live, d.Tokens.Access)
			live = live[max(0, len(live)-24):]
			signed := headOf(t, d).Alg
			seen[signed]++
			if i > 0 && hour >= 24 && signed != string(alg) {
				t.Fatalf("%d hours after the setting became %s: signed with %s", hour, alg, signed)
			}
			for what, s := range map[string]struct {
				set token.KeySet
				tok token.Secret
			}{
				"new, with the keys of a day ago": {polls[0], d.Tokens.Access},
				"a day old":                       {set, live[0]},
			} {
				keys.set = s.set
				if _, err := v.Verify(t.Context(), s.tok.Reveal()); err != nil {
					t.Fatalf("setting %q, hour %d: a token %s: %v", alg, hour, what, err)
				}
			}
			clk.advance(time.Hour)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// Each change took a day to take effect.
	if seen["ES256"] != 3*24+24+2*24 || seen["EdDSA"] != 2*24+24 || seen["RS256"] != 2*24+3*24+24 {
		t.Errorf("tokens by algorithm: %v", seen)
	}
	if len(known) != 1+2*3 {
		t.Errorf("%d key sets were published, want the first and 2 for each change", len(known))
	}
}

// Two processes that do not agree, as while a program is rolled out, make a key in turn and not
// without end.
func TestAlgorithmsOfTwoMinds(t *testing.T) {
	t.Parallel()
	i := 0
	ns := nodes(t, memory.New(), 2, func(c *pool.Config) {
		c.Settings = &pool.Settings{Keys: pool.KeySettings{Algorithm: []token.Algorithm{token.ES256, token.EdDSA}[i]}}
		i++
	})
	for range 4 * 24 * 6 {
		ns[0].run()
		ns[1].run()
		if n := signingDocuments(t, ns[0].store); n > 4 {
			t.Fatalf("%d signing keys, want one a day and none kept for longer than three", n)
		}
		ns[0].clock.advance(10 * time.Minute)
	}
}

func TestRotationSettings(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for every, good := range map[time.Duration]bool{
		0: true, 7 * day: true, 3650 * day: true, -1: true, -90 * day: true,
		1: false, time.Hour: false, 7*day - 1: false, 3650*day + 1: false,
	} {
		_, err := reopen(t, memory.New(), pool.Config{Settings: &pool.Settings{Keys: pool.KeySettings{Every: every}}})
		if _, bad := errors.AsType[*pool.SettingsError](err); bad == good {
			t.Errorf("keys every %v: Open = %v, want good %v", every, err, good)
		}
	}
	for alg, good := range map[token.Algorithm]bool{
		"": true, token.ES256: true, token.EdDSA: true, token.RS256: true,
		"none": false, "HS256": false, "es256": false, "ES384": false, "RS256 ": false,
	} {
		_, err := reopen(t, memory.New(), pool.Config{Settings: &pool.Settings{Keys: pool.KeySettings{Algorithm: alg}}})
		if _, bad := errors.AsType[*pool.SettingsError](err); bad == good {
			t.Errorf("algorithm %q: Open = %v, want good %v", alg, err, good)
		}
	}
	n := nodes(t, memory.New(), 1, func(c *pool.Config) { c.Settings = &pool.Settings{Keys: pool.KeySettings{Every: -1}} })[0]
	n.clock.advance(3650 * day)
	n.run()
	if got := kids(t, n.JWKS()); len(got) != 1 {
		t.Errorf("%d keys after ten years without rotation, want the first", len(got))
	}
}
