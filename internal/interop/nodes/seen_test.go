package nodes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// What one process revokes the others' verifiers know within what security.md T3 states, also one that
// hears late of everything; whoever asks the store knows at once.
func TestT3_RevocationsReachEveryNode(t *testing.T) {
	t.Parallel()
	c := run(t)
	revoke := map[string]func(login string, a answer) (call string, in request){
		"sign-out":            func(_ string, a answer) (string, request) { return "sign-out", request{Refresh: a.Refresh} },
		"sign-out everywhere": func(_ string, a answer) (string, request) { return "sign-out-everywhere", request{Access: a.Access} },
		"disabled":            func(login string, _ answer) (string, request) { return "disable", request{Login: login} },
		"deleted":             func(login string, _ answer) (string, request) { return "delete", request{Login: login} },
	}
	people, login := map[string]answer{}, map[string]string{}
	for what := range revoke {
		login[what] = fmt.Sprintf("person%d@example.com", len(people))
		people[what] = c.person(len(people), login[what])
	}
	const late = 3 * time.Second // and then a second until it asks again
	c.ask(count-1, "trap", request{Trap: trap{Feed: late}})
	began := time.Now()
	for what, how := range revoke {
		call, in := how(login[what], people[what])
		for i, p := range c.nodes {
			if _, err := p.ask("verify", request{Access: people[what].Access}); err != nil {
				t.Fatalf("%s: process %d does not take the token before: %v", what, i, err)
			}
		}
		c.ask(0, call, in)
		if _, err := c.nodes[0].ask("verify", request{Access: people[what].Access}); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("%s: the process that did it goes on taking the token: %v", what, err)
		}
		for i, p := range c.nodes {
			if _, err := p.ask("refresh", request{Refresh: people[what].Refresh}); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("%s: process %d refreshes: %v", what, i, err)
			}
		}
	}
	for i, p := range c.nodes {
		bound := 2 * time.Second
		if i == count-1 {
			bound = 5 * time.Second
		}
		for what, a := range people {
			c.until(fmt.Sprintf("%s at process %d", what, i), bound-time.Since(began), func() bool {
				_, err := p.ask("verify", request{Access: a.Access})
				return errors.Is(err, token.ErrRevoked)
			})
		}
		t.Logf("process %d refuses all after %v", i, time.Since(began).Round(time.Millisecond))
	}
}

// A change of settings binds the next call at every process, because each read brings the epoch; tokens
// of a client that is gone are refused by verifiers as soon as they hear of it.
func TestS18_SettingsReachEveryNode(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.person(0, "ada@example.com")
	read := c.ask(1, "settings", request{})
	read.Settings.Clients = []pool.Client{{ID: "web"}, {ID: "mobile"}}
	c.ask(1, "put-settings", request{Settings: read.Settings, Version: read.Version})
	in := request{Login: "ada@example.com", Password: secret, Client: "mobile"}
	signed := c.ask(2, "sign-in", in)
	read = c.ask(3, "settings", request{})
	read.Settings.Clients = read.Settings.Clients[:1]
	c.ask(3, "put-settings", request{Settings: read.Settings, Version: read.Version})
	for i, p := range c.nodes {
		if _, err := p.ask("sign-in", in); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("process %d lets a client in that is gone: %v", i, err)
		}
		if _, err := p.ask("refresh", request{Refresh: signed.Refresh, Client: "mobile"}); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("process %d refreshes for a client that is gone: %v", i, err)
		}
	}
}

// Of administrators who change the same settings at once one wins, and the others are told.
func TestSettingsAreChangedByOneAtATime(t *testing.T) {
	t.Parallel()
	c := run(t)
	read := c.ask(0, "settings", request{})
	_, errs := c.parallel(count, "put-settings", func(i int) request {
		s := read.Settings
		s.Branding.Name = fmt.Sprint("name ", i)
		return request{Settings: s, Version: read.Version}
	})
	if n := c.tally(errs); n[nil] != 1 || n[pool.ErrStale] != count-1 {
		t.Errorf("four changes of the same settings came to %v, want one success and %d ErrStale", n, count-1)
	}
	for i := range count {
		got := c.ask(i, "settings", request{}).Settings.Branding.Name
		for j, err := range errs {
			if err == nil && got != fmt.Sprint("name ", j) {
				t.Errorf("process %d has the name %q, want that of %d", i, got, j)
			}
		}
	}
}

// When a key is due, and all processes look at once, one is made, and all sign with it from the same
// moment on; tokens of either key are good at every process.
func TestKeysRotateAtEveryNode(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.person(0, "ada@example.com")
	in := request{Login: "ada@example.com", Password: secret}
	c.sent() // or what is being done is done without a lease, by the clock
	c.advance(91 * 24 * time.Hour)
	took := c.until("another key", 5*time.Second, func() bool { return c.keys(0) == 2 })
	for i := range count {
		c.until("the key at all", 5*time.Second, func() bool { return c.keys(i) == 2 })
	}
	t.Logf("all know the next key after %v", took)
	before := [count]answer{}
	for i := range count {
		before[i] = c.ask(i, "sign-in", in)
	}
	c.crossed(before)
	c.sent()                  // the notice of a sign-in at a new place
	c.advance(24 * time.Hour) // the new one signs
	after := [count]answer{}
	for i := range count {
		after[i] = c.ask(i, "sign-in", in)
	}
	c.crossed(after)
	stored := func() int { return c.count(`SELECT count(*) FROM userpool_documents WHERE kind = 'signing'`) }
	if n := stored(); n != 2 {
		t.Errorf("there are %d keys, want 2", n)
	}
	c.sent()
	c.advance(26 * time.Hour)
	c.until("the end of the first key", 5*time.Second, func() bool { return stored() == 1 })
	for i := range count {
		c.until("that all know", 5*time.Second, func() bool { return c.keys(i) == 1 })
	}
	if made := c.exclusive()["rotate/people"]; len(made) != 2 {
		t.Errorf("keys were rotated %d times, want twice: made, and erased", len(made))
	}
}

// keys returns how many keys a process publishes.
func (c *cluster) keys(i int) int {
	c.t.Helper()
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(c.ask(i, "jwks", request{}).JWKS, &set); err != nil {
		c.t.Fatal(err)
	}
	return len(set.Keys)
}

// crossed checks that tokens of each process, all of one key, are good at each.
func (c *cluster) crossed(of [count]answer) {
	c.t.Helper()
	for i, a := range of {
		if !bytes.Equal(header(a.Access), header(of[0].Access)) {
			c.t.Errorf("processes 0 and %d sign with two keys at once", i)
		}
		for j, p := range c.nodes {
			if _, err := p.ask("verify", request{Access: a.Access}); err != nil {
				c.t.Errorf("process %d does not take a token of %d: %v", j, i, err)
			}
		}
	}
}

func header(access string) []byte {
	head, _, _ := bytes.Cut([]byte(access), []byte("."))
	return head
}
