package pool_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
)

func networks(texts ...string) (ns []netip.Prefix) {
	for _, s := range texts {
		ns = append(ns, netip.MustParsePrefix(s))
	}
	return ns
}

// blocking lets a pool refuse some networks.
func blocking(texts ...string) func(*pool.Config) {
	return func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.Risk.Block = networks(texts...)
	}
}

func at(ip string) pool.Caller { return pool.Caller{IP: netip.MustParseAddr(ip)} }

// faces are what a program calls a pool by.
var faces = []reflect.Type{
	reflect.TypeFor[*pool.Pool](), reflect.TypeFor[*pool.Account](), reflect.TypeFor[*pool.App](),
	reflect.TypeFor[*pool.Admin](), reflect.TypeFor[*pool.Directory](),
}

// knocks are the methods that are told who calls other than in one input of theirs alone, or by the
// name of another.
var knocks = map[string]func(k *kit, d *pool.Done, from pool.Caller) error{
	"Pool.App": func(k *kit, _ *pool.Done, from pool.Caller) error {
		return expect(second(k.App(k.t.Context(), "", password.New("a secret that nobody has given out"), from)), pool.ErrUnknownClient)
	},
	"Account.Export": func(k *kit, d *pool.Done, from pool.Caller) error {
		in := pool.ExportInput{With: pool.Password{Value: right}, Caller: from}
		return k.account(d).Export(k.t.Context(), new(bytes.Buffer), in)
	},
	"Account.SignOut": func(k *kit, d *pool.Done, from pool.Caller) error {
		return k.account(d).SignOut(k.t.Context(), from)
	},
	"Account.SignOutEverywhere": func(k *kit, d *pool.Done, from pool.Caller) error {
		return k.account(d).SignOutEverywhere(k.t.Context(), from)
	},
}

// farewells are what is refused to no network.
var farewells = []string{"Pool.SignOut", "Account.SignOut", "Account.SignOutEverywhere"}

// saysWho reports whether a method is told who calls.
func saysWho(m reflect.Method) bool {
	for in := range m.Type.Ins() {
		if in == reflect.TypeFor[pool.Caller]() {
			return true
		}
		if in.Kind() == reflect.Struct && strings.HasSuffix(in.Name(), "Input") {
			if _, says := in.FieldByName("Caller"); says {
				return true
			}
		}
	}
	return false
}

// Whatever is asked from a blocked network is refused before any work and changes nothing: the same
// passes from elsewhere afterwards, but for a sign-out, which passes from anywhere.
func TestBlockedNetworks(t *testing.T) {
	t.Parallel()
	n := 0
	for _, face := range faces {
		for m := range face.Methods() {
			if !saysWho(m) {
				continue
			}
			n++
			name := face.Elem().Name() + "." + m.Name
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tryBlocked(t, m, name)
			})
		}
	}
	if n < 25 {
		t.Errorf("only %d methods are told who calls", n)
	}
}

func tryBlocked(t *testing.T, m reflect.Method, name string) {
	k := openFor(t, m, blocking("198.51.100.0/24"))
	k.confirmed(ada)
	d, bob := k.done(ada), k.signUp("bob@example.com")
	knock := func(from pool.Caller) error { return knocks[name](k, d, from) }
	if knocks[name] == nil {
		if inputs[methodName(m)] == nil {
			t.Fatal("it has no input: add one that would pass to inputs or knocks")
		}
		in := reflect.New(m.Type.In(2)).Elem()
		in.Set(reflect.ValueOf(inputs[methodName(m)](k, d, bob)))
		knock = func(from pool.Caller) error {
			in.FieldByName("Caller").Set(reflect.ValueOf(from))
			return call(t.Context(), k, d, m, in)
		}
	}
	for _, leave := range farewells {
		if name == leave {
			if err := knock(at("198.51.100.7")); err != nil {
				t.Errorf("from a blocked network = %v, want it done", err)
			}
			return
		}
	}
	for _, ip := range []string{"198.51.100.7", "::ffff:198.51.100.7"} {
		hashed := k.Hashes()
		k.store.reset()
		err := knock(at(ip))
		reads, commits := k.store.counted()
		if !errors.Is(err, pool.ErrNetworkBlocked) || reads != 0 || len(commits) != 0 || k.Hashes() != hashed {
			t.Errorf("%s = %v after %d reads and %d commits, want it refused before", ip, err, reads, len(commits))
		}
	}
	if err := knock(at("192.0.2.1")); err != nil {
		t.Errorf("from elsewhere, afterwards = %v", err)
	}
}

// The face of an app client is held by its network, too: one that was given out before, and one that
// shows a wrong secret, which is not looked at.
func TestBlockedNetworksOfApps(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.put(func(s *pool.Settings) { s.Clients = []pool.Client{server} })
	secret, ctx := k.secret("server"), t.Context()
	app, err := k.App(ctx, "server", secret, at("198.51.100.7"))
	if err != nil {
		t.Fatal(err)
	}
	k.put(func(s *pool.Settings) { s.Risk.Block = networks("198.51.100.7/32") })
	k.store.reset()
	for what, err := range map[string]error{
		"introspect":   second(app.Introspect(ctx, token.NewSecret("a token"))),
		"revoke":       app.Revoke(ctx, token.NewSecret("a token")),
		"a new face":   second(k.App(ctx, "server", secret, at("198.51.100.7"))),
		"wrong secret": second(k.App(ctx, "server", chosen, at("198.51.100.7"))),
	} {
		if !errors.Is(err, pool.ErrNetworkBlocked) {
			t.Errorf("%s = %v, want ErrNetworkBlocked", what, err)
		}
	}
	if reads, commits := k.store.counted(); reads != 0 || len(commits) != 0 {
		t.Errorf("they cost %d reads and %d commits", reads, len(commits))
	}
	for m := range reflect.TypeFor[*pool.App]().Methods() {
		if m.Name != "Introspect" && m.Name != "Revoke" {
			t.Errorf("App.%s is not tried here", m.Name)
		}
	}
}

// An address is in a network however either is written: mapped into IPv6, with a zone, or at the ends
// of the prefix. It is in none beside it, and who has no address is in none at all (CVE class 9).
func TestCVE9_SpellingsOfABlockedNetwork(t *testing.T) {
	t.Parallel()
	for block, tt := range map[string]struct{ in, out string }{
		"192.0.2.0/24":            {"192.0.2.0 192.0.2.255 ::ffff:192.0.2.1 ::ffff:c000:2ff", "192.0.1.255 192.0.3.0 ::ffff:192.0.3.0 ::192.0.2.1 64:ff9b::c000:201"},
		"::ffff:192.0.2.0/120":    {"192.0.2.0 192.0.2.255 ::ffff:192.0.2.1", "192.0.3.0 ::ffff:192.0.3.0 ::ff00"},
		"::ffff:198.51.100.7/128": {"198.51.100.7 ::ffff:198.51.100.7", "198.51.100.6 198.51.100.8"},
		"203.0.113.9/32":          {"203.0.113.9", "203.0.113.8 203.0.113.10"},
		"2001:db8::/64":           {"2001:db8:: 2001:db8::ffff:ffff:ffff:ffff 2001:db8::1%eth0", "2001:db8:0:1:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"},
		"2001:db8::1/128":         {"2001:db8::1 2001:0db8:0:0:0:0:0:1 2001:db8::1%7", "2001:db8::2 2001:db8::"},
		"fe80::/10":               {"fe80::1%eth0 febf::1", "fec0::1 fe7f::1%eth0"},
		"0.0.0.0/0":               {"1.2.3.4 255.255.255.255 ::ffff:1.2.3.4", "::1 2001:db8::1"},
		"::/0":                    {"::1 2001:db8::1 ::1.2.3.4", "1.2.3.4 ::ffff:1.2.3.4"},
	} {
		t.Run(strings.ReplaceAll(block, "/", "_"), func(t *testing.T) {
			t.Parallel()
			k := open(t, blocking(block))
			k.confirmed(ada)
			for ip := range strings.FieldsSeq(tt.in) {
				if _, err := k.signInFrom(at(ip), ada, right); !errors.Is(err, pool.ErrNetworkBlocked) {
					t.Errorf("%s = %v, want ErrNetworkBlocked", ip, err)
				}
			}
			for ip := range strings.FieldsSeq(tt.out) {
				if _, err := k.signInFrom(at(ip), ada, right); err != nil {
					t.Errorf("%s = %v, want it let in", ip, err)
				}
			}
			if _, err := k.signIn(ada, right); err != nil {
				t.Errorf("from nowhere = %v, want it let in", err)
			}
		})
	}
}

// What is asked from a blocked network is counted against nobody: not the account, not the network.
// Guesses there are not judged, and a minute's are one event.
func TestBlockedGuessesAreNotJudged(t *testing.T) {
	t.Parallel()
	k := open(t, blocking("198.51.100.0/24"))
	k.confirmed(ada)
	before := k.Hashes()
	for n := range 120 {
		for _, pw := range []password.Secret{right, wrong} {
			login := []string{ada, "nobody@example.com"}[n%2]
			if _, err := k.signInFrom(at("198.51.100.7"), login, pw); !errors.Is(err, pool.ErrNetworkBlocked) {
				t.Fatalf("guess %d = %v", n, err)
			}
		}
	}
	if k.Hashes() != before {
		t.Error("a password was judged")
	}
	if _, err := k.signIn(ada, right); err != nil {
		t.Errorf("the owner, elsewhere: %v", err)
	}
	k.clock.advance(time.Minute)
	waitFor(t, func() bool { _, n := k.told("blocked"); return n == 240 })
	events, _ := k.told("blocked")
	if len(events) != 1 || events[0].User != "" || events[0].Kind != "visit" || events[0].IP != netip.MustParseAddr("198.51.100.7") {
		t.Errorf("it is told by %+v", events)
	}
}

// To be in an allowed network opens nothing: neither a lock nor a budget nor a blocked network.
func TestAllowedNetworksSkipNoLimit(t *testing.T) {
	t.Parallel()
	office := pool.RiskSettings{Allow: networks("192.0.2.0/24"), Block: networks("192.0.2.128/25")}
	k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{Risk: office} })
	k.confirmed(ada)
	if _, err := k.signInFrom(at("192.0.2.200"), ada, right); !errors.Is(err, pool.ErrNetworkBlocked) {
		t.Errorf("blocked within what is allowed = %v", err)
	}
	for range 5 {
		k.signInFrom(at("192.0.2.1"), ada, wrong)
	}
	if _, err := k.signInFrom(at("192.0.2.1"), ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("a locked account = %v, want ErrNotAuthorized", err)
	}
	for n := range 100 {
		k.signInFrom(at("192.0.2.2"), fmt.Sprintf("user%d@example.com", n), wrong)
	}
	if _, err := k.signInFrom(at("192.0.2.2"), "bob@example.com", wrong); !errors.Is(err, pool.ErrLimited) {
		t.Errorf("a hundred wrong answers of the office, and one more = %v", err)
	}
}

// Lists that cannot mean what they say are refused, all that is wrong with them at once.
func TestNetworkSettings(t *testing.T) {
	t.Parallel()
	many := make([]netip.Prefix, 201)
	for i := range many {
		many[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)
	}
	for name, tt := range map[string]struct {
		risk pool.RiskSettings
		bad  int // problems
	}{
		"none":                    {pool.RiskSettings{Block: []netip.Prefix{}}, 0},
		"200 of each":             {pool.RiskSettings{Block: many[:100], Allow: many[100:200]}, 0},
		"mapped":                  {pool.RiskSettings{Block: networks("::ffff:10.0.0.0/104")}, 0},
		"blocked within allowed":  {pool.RiskSettings{Block: networks("10.0.0.0/9"), Allow: networks("10.0.0.0/8")}, 0},
		"mapped beside IPv6":      {pool.RiskSettings{Block: networks("::/0"), Allow: networks("::ffff:10.0.0.0/104")}, 0},
		"201 blocked":             {pool.RiskSettings{Block: many}, 1},
		"201 allowed":             {pool.RiskSettings{Allow: many}, 1},
		"zero":                    {pool.RiskSettings{Block: make([]netip.Prefix, 1), Allow: make([]netip.Prefix, 1)}, 2},
		"too long":                {pool.RiskSettings{Block: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), 33)}}, 1},
		"negative":                {pool.RiskSettings{Allow: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), -1)}}, 1},
		"an address of a network": {pool.RiskSettings{Block: networks("10.0.0.1/8"), Allow: networks("2001:db8::1/64")}, 2},
		"mapped, of a network":    {pool.RiskSettings{Block: networks("::ffff:10.0.0.1/104")}, 1},
		"mapped, and wider":       {pool.RiskSettings{Block: networks("::ffff:10.0.0.0/95")}, 1},
		"allowed and blocked":     {pool.RiskSettings{Block: networks("10.0.0.0/8"), Allow: networks("10.0.0.0/8")}, 1},
		"allowed within blocked":  {pool.RiskSettings{Block: networks("10.0.0.0/8"), Allow: networks("11.0.0.0/8", "10.1.0.0/16")}, 1},
		"the same, mapped":        {pool.RiskSettings{Block: networks("::ffff:10.0.0.0/104"), Allow: networks("10.1.0.0/16")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			s, v := k.policy()
			s.Risk = tt.risk
			err := k.admin().PutSettings(t.Context(), s, v)
			wrong, _ := errors.AsType[*pool.SettingsError](err)
			if tt.bad == 0 && err != nil || tt.bad > 0 && (wrong == nil || len(wrong.Problems) != tt.bad) {
				t.Fatalf("PutSettings = %v, want %d problems", err, tt.bad)
			}
			_, err = pool.Open(t.Context(), memory.New(), pool.Config{Settings: &pool.Settings{Risk: tt.risk}, Sender: k.box})
			if _, refused := errors.AsType[*pool.SettingsError](err); refused != (tt.bad > 0) {
				t.Errorf("Open = %v, want %d problems", err, tt.bad)
			}
		})
	}
	var s pool.Settings // a zone names an interface of one machine
	if json.Unmarshal([]byte(`{"Risk":{"Block":["fe80::%eth0/64"]}}`), &s) == nil {
		t.Error("a network with a zone is read")
	}
}

// What stands in the settings is one spelling of each network, and shares no list with who gave it.
func TestNetworksAreKeptInOneForm(t *testing.T) {
	t.Parallel()
	given := &pool.Settings{Risk: pool.RiskSettings{Block: networks("::ffff:10.0.0.0/104"), Allow: networks("2001:0db8::/32")}}
	k := open(t, func(c *pool.Config) { c.Settings = given })
	want := pool.RiskSettings{Block: networks("10.0.0.0/8"), Allow: networks("2001:db8::/32")}
	want.Low, want.Medium, want.High = pool.RiskAllow, pool.RiskAllow, pool.RiskAsk // by default
	if got := k.Settings().Risk; !reflect.DeepEqual(got, want) {
		t.Errorf("Settings = %v, want %v", got, want)
	}
	if !reflect.DeepEqual(given.Risk.Block, networks("::ffff:10.0.0.0/104")) {
		t.Errorf("what was given is %v by now", given.Risk.Block)
	}
	given.Risk.Block[0] = netip.Prefix{}
	if got := k.Settings().Risk; !reflect.DeepEqual(got, want) {
		t.Errorf("Settings were changed from outside: %v", got)
	}
}
