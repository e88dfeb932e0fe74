package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/postgrestest"
)

// onStores runs a test on either store, by the flag that names it.
func onStores(t *testing.T, test func(t *testing.T, flags ...string)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, "-database="+postgrestest.Schema(t)) })
}

// exposition is a line of Prometheus' text format, as far as we need it.
var exposition = regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9.e+-]+)\n$`)

// The whole way: an operator makes a pool, a visitor signs up, confirms, signs in and out. Nothing
// secret of it is in the log, nor an address, and it was counted.
func TestJourney(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, flags ...string) {
		n := start(t, t.TempDir(), flags...)
		if a := n.operate(201, "POST", "/pools", `{"id":"acme","settings":{"Branding":{"Name":"Acme"},"Groups":[{"Name":"staff"}]}}`); a.ID != "acme" {
			t.Errorf("the pool is %s", a.body)
		}
		v := visit(t, n.public+"/acme", http.DefaultClient)
		if a := v.get(303, "/"); a.header.Get("Location") != "/acme/auth/account" {
			t.Errorf("the pool's path leads to %q", a.header.Get("Location"))
		}
		v.get(401, "/session")
		up := v.post(200, "/auth/sign-up", "username", ada, "password", secret)
		code := v.code()
		v.post(422, "/auth/confirm", "ticket", up.Ticket, "code", "000000x")
		need := v.post(200, "/auth/confirm", "ticket", up.Ticket, "code", code)
		v.post(200, "/auth/password", "ticket", need.Ticket, "password", secret)
		who := v.get(200, "/session")
		if who.Username != ada {
			t.Errorf("/session = %s", who.body)
		}
		n.operate(204, "PUT", "/pools/acme/users/"+who.Subject+"/groups/staff", "")
		if who = v.get(200, "/session"); len(who.Groups) != 1 || who.header.Get("Cache-Control") != "no-store" {
			t.Errorf("/session = %s with %v", who.body, who.header)
		}
		v.get(404, "/auth/"+secret[:7])
		secrets := []string{ada, "ada", secret, secret[:7], code, up.Ticket, need.Ticket, n.token}
		at, _ := url.Parse(n.public)
		for _, c := range v.client.Jar.Cookies(at) {
			secrets = append(secrets, c.Value)
		}
		v.post(200, "/auth/sign-out")
		v.get(401, "/session")
		v.post(401, "/auth/sign-in", "username", ada, "password", secret+"x")
		if a := n.operate(200, "GET", "/pools/acme/users?login="+ada, ""); a.ID != who.Subject {
			t.Errorf("?login = %s", a.body)
		}

		metrics := n.operate(200, "GET", "/metrics", "").body
		for _, line := range []string{
			`authserver_requests_total{route="/{pool}/auth/{page...}",code="401"} 1`,
			`authserver_requests_total{route="GET /{pool}/session",code="200"} 2`,
			`authserver_request_seconds_count{route="GET /{pool}/session"} 4`,
			`authserver_requests_in_flight 1`, `userpool_pools 1`, `userpool_hash_waited_seconds_count{outcome="ok"} 3`,
			`userpool_events_total{kind="sign_in",outcome="refused",reason="no_proof"} 1`,
		} {
			if !strings.Contains(metrics, line+"\n") {
				t.Errorf("no %s in the metrics", line)
			}
		}
		for line := range strings.Lines(metrics) {
			if !exposition.MatchString(line) {
				t.Errorf("Prometheus cannot read %q", line)
			}
		}
		n.end()
		if err := n.ended(); err != nil {
			t.Error(err)
		}
		for _, s := range secrets {
			if s != "" && (strings.Contains(n.log.String(), s) || strings.Contains(metrics, s)) {
				t.Errorf("%q is in the log or the metrics:\n%s", s, n.log)
			}
		}
		for _, want := range []string{
			`"method":"POST","route":"/{pool}/auth/{page...}","status":200,`, `"pool":"acme","page":"sign-up","request":"`,
			`"msg":"pool created","pool":"acme","actor":"operator","request":"`,
		} {
			if !strings.Contains(n.log.String(), want) {
				t.Errorf("no %s in the log:\n%s", want, n.log)
			}
		}
	})
}

// A pool is found again by another run, until it is deleted; from then on it is nowhere.
func TestPoolsStayUntilDeleted(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, flags ...string) {
		dir := t.TempDir()
		n := start(t, dir, flags...)
		n.operate(201, "POST", "/pools", `{"id":"acme"}`)
		n.operate(201, "POST", "/pools", `{"id":"bolt"}`)
		n.operate(409, "POST", "/pools", `{"id":"acme"}`)
		n.end()
		if err := n.ended(); err != nil {
			t.Fatal(err)
		}
		n = start(t, dir, flags...)
		if a := n.operate(200, "GET", "/pools", ""); len(a.Pools) != 2 {
			t.Errorf("pools = %s", a.body)
		}
		get := func(path string, header ...string) answer {
			return ask(t, http.DefaultClient, "GET", n.public+path, "", header...)
		}
		keys := get("/acme/.well-known/jwks.json")
		if keys.status != 200 || !strings.Contains(keys.body, `"kty"`) || keys.header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("keys = %d %s with %v", keys.status, keys.body, keys.header)
		}
		if a := get("/acme/.well-known/jwks.json", "If-None-Match", keys.header.Get("ETag")); a.status != 304 || a.body != "" {
			t.Errorf("keys that are known = %d %s", a.status, a.body)
		}
		if a := get("/bolt/.well-known/jwks.json", "If-None-Match", keys.header.Get("ETag")); a.status != 200 {
			t.Errorf("keys of another pool = %d", a.status)
		}
		n.operate(204, "DELETE", "/pools/acme", "")
		n.operate(404, "DELETE", "/pools/acme", "")
		for _, path := range []string{
			"/acme/.well-known/jwks.json", "/acme/session", "/acme/auth/sign-in", "/acme/", "/acme/dev/mailbox", "/Bolt/session",
			"/bolt%2Fx/session", "/bolt/nothing", "/", "/-/session", "/pools", "/metrics",
		} {
			if a := get(path); a.status != 404 {
				t.Errorf("%s = %d %s", path, a.status, a.body)
			}
		}
		n.operate(409, "POST", "/pools", `{"id":"acme"}`) // never again
	})
}

// What belongs to one pool is of no use at another, though they share a host.
func TestPoolsAreApart(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	v := visit(t, n.public+"/acme", http.DefaultClient)
	for _, id := range []string{"acme", "bolt"} {
		n.operate(201, "POST", "/pools", `{"id":"`+id+`"}`)
		n.operate(201, "POST", "/pools/"+id+"/users", `{"username":"`+ada+`","emailVerified":true,"suppress":true}`)
	}
	up := v.post(200, "/auth/sign-up", "username", "bob@example.com", "password", secret)
	need := v.post(200, "/auth/confirm", "ticket", up.Ticket, "code", v.code())
	v.base = n.public + "/bolt"
	v.post(410, "/auth/password", "ticket", need.Ticket, "password", secret)
	if box := v.get(200, "/dev/mailbox").body; strings.Contains(box, "bob") {
		t.Errorf("the mailbox of another pool shows\n%s", box)
	}
	v.base = n.public + "/acme"
	v.post(200, "/auth/password", "ticket", need.Ticket, "password", secret)
	v.get(200, "/session")
	v.base = n.public + "/bolt"
	v.get(401, "/session")
	v.post(401, "/auth/sign-in", "username", "bob@example.com", "password", secret)

	// Who has an account at each of many pools is let in at all of them.
	cookies := strings.Repeat("__Host-userpool.device.tenant-of-many="+strings.Repeat("x", 244)+"; ", 180)
	if a := ask(t, http.DefaultClient, "GET", v.base+"/auth/sign-in", "", "Cookie", cookies); a.status != 200 {
		t.Errorf("with the cookies of many pools the page is %d", a.status)
	}
}
