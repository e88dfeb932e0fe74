package nodes_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// Four processes that find an empty database, and no keyring file, make one pool of it.
func TestT8_FourNodesOpenAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	c := run(t) // all at once
	if n := c.count(`SELECT count(*) FROM userpool_pools`); n != 1 {
		t.Errorf("there are %d pools", n)
	}
	if n := c.count(`SELECT count(*) FROM userpool_documents WHERE kind = 'signing'`); n != 1 {
		t.Errorf("there are %d signing keys", n)
	}
	if n := c.count(`SELECT count(*) FROM userpool_schema`); n != 1 {
		t.Errorf("the tables were brought to %d versions", n)
	}
	a := c.person(0, "ada@example.com")
	for i := range count {
		c.ask(i, "verify", request{Access: a.Access})
		a = c.ask(i, "refresh", request{Refresh: a.Refresh})
	}
}

// Of two processes that make a pool each for one issuer, at once, one is refused: tokens of one issuer
// are never of two pools.
func TestS7_OneIssuerIsOneOfTwoNewPools(t *testing.T) {
	t.Parallel()
	c := prepare(t)
	errs := c.each(func(i int) error {
		s := c.setup
		s.Pool, s.Issuer = user.PoolID(fmt.Sprint("pool-", i)), "http://localhost/shop"
		_, err := c.begin(s)
		return err
	})
	opened := 0
	for _, err := range errs {
		if err == nil {
			opened++
		} else if !strings.Contains(err.Error(), "issuer") {
			t.Errorf("a process is refused with %q, which does not name the issuer", err)
		}
	}
	if opened != 1 {
		t.Errorf("%d of four processes have the issuer, want one", opened)
	}
}

// A process with another keyring refuses to start, and the others do not notice.
func TestT8_ANodeWithAnotherKeyring(t *testing.T) {
	t.Parallel()
	c := run(t)
	other := c.setup
	other.Keys = filepath.Join(t.TempDir(), "keys")
	_, err := c.begin(other)
	if err == nil || !strings.Contains(err.Error(), pool.ErrWrongKeyring.Error()) {
		t.Errorf("a process with another keyring: %v, want ErrWrongKeyring", err)
	}
	c.person(0, "ada@example.com")
}

// While a program with newer settings in code is rolled out, each process goes by its own, what is stored
// is what started last has brought, and an older process never writes its own over them while it runs.
func TestSettingsInCodeWhileTheyRollOut(t *testing.T) {
	t.Parallel()
	older := pool.Settings{Clients: []pool.Client{{ID: "web"}}, Branding: pool.Branding{Name: "older"}}
	newer := pool.Settings{Clients: []pool.Client{{ID: "web"}, {ID: "mobile"}}, Branding: pool.Branding{Name: "newer"}}
	c := run(t, func(s *setup) { s.Settings = &older })
	c.person(0, "ada@example.com")
	c.setup.Settings = &newer
	for i := range count {
		if err := c.nodes[i].stop(); err != nil {
			t.Fatal(err)
		}
		var err error
		if c.nodes[i], err = c.begin(c.setup); err != nil {
			t.Fatal(err)
		}
		for j := range count {
			in := request{Login: "ada@example.com", Password: secret, Client: "mobile"}
			if _, err := c.nodes[j].ask("sign-in", in); (err == nil) != (j <= i) {
				t.Errorf("with %d of four processes newer, process %d lets the new client in: %v", i+1, j, err)
			}
			in.Client = "web"
			a := c.ask(j, "sign-in", in)
			for k := range count {
				c.ask(k, "verify", request{Access: a.Access})
			}
			if got := c.ask(j, "settings", request{}).Settings.Branding.Name; got != "newer" {
				t.Errorf("process %d says that the settings %q are stored", j, got)
			}
		}
	}
}
