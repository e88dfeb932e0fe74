package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const operator = "a-secret-of-the-operator-for-tests"

// program is the whole program, running, as its users see it.
type program struct {
	t               *testing.T
	public, private string
	log             *logged
}

// logged is the log, in which the mail of a trial is.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs the program on files in a directory until the returned function is called.
func start(t *testing.T, dir string) (*program, func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	log := new(logged)
	env := map[string]string{
		"ADDR": "127.0.0.1:0", "OPERATOR_ADDR": "127.0.0.1:0", "OPERATOR": operator,
		"DB": filepath.Join(dir, "tenants.db"), "KEYS": filepath.Join(dir, "tenants.keys"),
	}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, func(name string) string { return env[name] }, slog.New(slog.NewTextHandler(log, nil)))
	}()
	p := &program{t: t, log: log}
	urls := p.wait(`url=(\S+) operator=(\S+)`)
	p.public, p.private = urls[1], urls[2]
	return p, sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the program ends with %v", err)
		}
	})
}

// wait waits for something in the log.
func (p *program) wait(pattern string) []string {
	p.t.Helper()
	find := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found := find.FindStringSubmatch(p.log.String()); found != nil {
			return found
		}
	}
	p.t.Fatalf("the log never says %s:\n%s", pattern, p.log)
	return nil
}

// answer is all that the program may say.
type answer struct {
	Step, Ticket, Error, Issuer, Tenant, Email string
	Groups                                     []string
	Pools                                      []struct{ ID string }
	Tokens                                     struct {
		Access string `json:"access_token"`
	}
}

func (p *program) do(r *http.Request, want int) (a answer) {
	p.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if res.StatusCode != want {
		p.t.Errorf("%s %s of %s = %d %s, want %d", r.Method, r.URL.Path, r.Host, res.StatusCode, body, want)
	}
	if len(body) > 0 && json.Unmarshal(body, &a) != nil {
		p.t.Errorf("%s %s answers %q", r.Method, r.URL.Path, body)
	}
	return a
}

// ask is a visitor's request to a tenant.
func (p *program) ask(host, path, bearer string, body map[string]string, want int) answer {
	p.t.Helper()
	method, text := http.MethodGet, ""
	if body != nil {
		b, _ := json.Marshal(body)
		method, text = http.MethodPost, string(b)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.public+path, strings.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Host = host
	r.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return p.do(r, want)
}

// operate is the operator's request.
func (p *program) operate(method, path, bearer string, values url.Values, want int) answer {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.private+path, strings.NewReader(values.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+bearer)
	return p.do(r, want)
}

// Two tenants are made, people sign up and in at one, nothing of which is good at the other; the
// program is started anew; one tenant goes.
func TestTenants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, stop := start(t, dir)
	for _, id := range []string{"acme", "bolt", "acme"} { // the third is a retry
		made := p.operate("POST", "/tenants/"+id, operator, url.Values{"name": {id}, "owner": {"owner@" + id + ".example.com"}}, 201)
		if want := "https://" + id + ".id.example.com"; made.Issuer != want {
			t.Errorf("issuer = %q, want %q", made.Issuer, want)
		}
	}
	p.wait(`to=owner@bolt\.example\.com`)
	const acme, bolt = "ACME.id.example.com", "bolt.id.example.com"
	bob := map[string]string{"email": "bob@example.com", "password": "a long password of bob"}
	up := p.ask(acme, "/signup", "", bob, 200)
	code := p.wait(`tenant=acme to=bob@example\.com .*?(\d{6})`)[1]
	proof := map[string]string{"ticket": up.Ticket, "code": code}
	p.ask(bolt, "/confirm", "", proof, 410)
	p.ask(acme, "/confirm", "", proof, 200)
	p.ask(bolt, "/signin", "", bob, 401)
	in := p.ask(acme, "/signin", "", bob, 200)
	p.ask(bolt, "/me", in.Tokens.Access, nil, 401)
	p.ask(acme, "/me", "", nil, 401)
	if who := p.ask(acme, "/me", in.Tokens.Access, nil, 200); who.Tenant != "acme" || who.Email != "bob@example.com" {
		t.Errorf("/me = %+v", who)
	}
	stop()
	p, stop = start(t, dir)
	defer stop()
	p.ask(acme, "/me", in.Tokens.Access, nil, 200)
	if all := p.operate("GET", "/tenants", operator, nil, 200); len(all.Pools) != 2 {
		t.Errorf("tenants = %+v", all.Pools)
	}
	p.operate("DELETE", "/tenants/acme", operator, nil, 204)
	p.ask(acme, "/me", in.Tokens.Access, nil, 404)
	p.ask(bolt, "/signin", "", bob, 401)
	p.operate("POST", "/tenants/acme", operator, url.Values{"owner": {"new@example.com"}}, 404) // never again
}

// Who is not the operator, and hosts that nobody has, get nothing.
func TestStrangers(t *testing.T) {
	t.Parallel()
	p, stop := start(t, t.TempDir())
	defer stop()
	for _, bearer := range []string{"", "wrong", operator + "x", strings.ToUpper(operator)} {
		p.operate("POST", "/tenants/acme", bearer, url.Values{"owner": {"a@example.com"}}, 401)
		p.operate("GET", "/tenants", bearer, nil, 401)
	}
	p.operate("POST", "/tenants/a%2Fb", operator, url.Values{"owner": {"a@example.com"}}, 422)
	p.operate("DELETE", "/tenants/none", operator, nil, 404)
	for _, host := range []string{"acme.id.example.com", "localhost", "127.0.0.1:80", "id.example.com."} {
		p.ask(host, "/signin", "", map[string]string{"email": "a@example.com", "password": "x"}, 404)
	}
	p.operate("POST", "/tenants/acme", operator, url.Values{"owner": {"a@example.com"}}, 201)
	p.ask("acme.id.example.com", "/signup", "", map[string]string{"email": "bad", "password": "x"}, 422)
	p.ask("acme.id.example.com", "/signup", "", map[string]string{"odd": "field"}, 400)
}

func TestOperatorStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"no secret":      {},
		"short secret":   {"OPERATOR": "short"},
		"all interfaces": {"OPERATOR": operator, "OPERATOR_ADDR": ":8081"},
		"another one":    {"OPERATOR": operator, "OPERATOR_ADDR": "192.0.2.1:8081"},
	} {
		if err := run(t.Context(), func(name string) string { return env[name] }, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: the program runs", name)
		}
	}
}
