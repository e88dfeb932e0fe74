package pool_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// Settings of a client that mean nothing, or something that there is not yet, are refused before a
// pool is opened with them.
func TestClientProblems(t *testing.T) {
	t.Parallel()
	many := make([]string, 101)
	for i := range many {
		many[i] = "https://app.example.com/" + strings.Repeat("x", i)
	}
	for name, tt := range map[string]struct {
		client pool.Client
		want   string // in the error; "" means that there is none
	}{
		"bare":                    {pool.Client{}, ""},
		"all":                     {pool.Client{Name: "Café", Confidential: true, Flows: []pool.Flow{pool.FlowPassword}, StepLifetime: 15 * time.Minute}, ""},
		"no flows":                {pool.Client{Flows: []pool.Flow{}}, ""},
		"a long name":             {pool.Client{Name: strings.Repeat("é", 129)}, "name"},
		"a name of bytes":         {pool.Client{Name: "\xff"}, "name"},
		"SRP":                     {pool.Client{Flows: []pool.Flow{"srp"}}, "flow"},
		"custom auth":             {pool.Client{Flows: []pool.Flow{pool.FlowPassword, "custom"}}, "flow"},
		"a flow twice":            {pool.Client{Flows: []pool.Flow{pool.FlowPassword, pool.FlowPassword}}, "flow"},
		"a step of no time":       {pool.Client{StepLifetime: 3*time.Minute - 1}, "step lifetime"},
		"a step of an hour":       {pool.Client{StepLifetime: time.Hour}, "step lifetime"},
		"a negative step":         {pool.Client{StepLifetime: -time.Minute}, "step lifetime"},
		"reads":                   {pool.Client{Read: []string{"email", "email_verified", "custom:plan"}}, ""},
		"reads nothing":           {pool.Client{Read: []string{}}, ""},
		"reads what is not":       {pool.Client{Read: []string{"custom:other"}}, "reads"},
		"reads the subject":       {pool.Client{Read: []string{"sub"}}, "reads"},
		"reads it twice":          {pool.Client{Read: []string{"email", "email"}}, "reads"},
		"writes":                  {pool.Client{Write: []string{"name", "custom:plan"}}, ""},
		"writes not what it must": {pool.Client{Write: []string{"custom:plan"}}, "required"},
		"writes nothing":          {pool.Client{Write: []string{}}, "required"},
		"writes what is proven":   {pool.Client{Write: []string{"name", "email_verified"}}, "writes"},
		"writes what is not":      {pool.Client{Write: []string{"name", "custom:other"}}, "writes"},
		"scopes":                  {pool.Client{Scopes: []string{"openid", "orders/read"}}, ""},
		"a scope of two":          {pool.Client{Scopes: []string{"openid email"}}, "scope"},
		"no scope":                {pool.Client{Scopes: []string{""}}, "scope"},
		"a scope twice":           {pool.Client{Scopes: []string{"openid", "openid"}}, "scope"},
		"51 scopes":               {pool.Client{Scopes: slices.Clone(many[:51])}, "50 scopes"},
		"101 redirects":           {pool.Client{Redirects: many}, "100 redirect"},
		"a redirect twice":        {pool.Client{Redirects: []string{many[0], many[0]}}, "redirect"},
		"a logout elsewhere":      {pool.Client{Logouts: []string{"http://app.example.com/"}}, "logout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.client.ID = "app"
			schema := user.Schema{{Name: "name", Required: true}, {Name: "custom:plan"}}
			s := pool.Settings{Clients: []pool.Client{tt.client}, Attributes: schema}
			p, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &s, InsecureHash: &cheap})
			if err == nil {
				defer p.Close(t.Context())
			}
			_, typed := errors.AsType[*pool.SettingsError](err)
			if (err == nil) != (tt.want == "") || err != nil && !(typed && strings.Contains(err.Error(), tt.want)) {
				t.Errorf("= %v, want %q", err, tt.want)
			}
		})
	}
}

// redirects are URIs that browsers may be sent back to, and those that they may not (RFC 9700,
// 4.1; RFC 8252; CVE class 32).
var redirects = map[string]bool{
	"https://app.example.com": true, "https://app.example.com/": true, "https://app.example.com:8443/cb?x=1&y=2": true,
	"https://[2001:db8::1]/cb": true, "http://127.0.0.1/cb": true, "http://127.0.0.1:8080/cb": true,
	"http://[::1]:8080/": true, "http://localhost:3000/cb": true,
	"com.example.app:/cb": true, "com.example.app://cb": true, "com.example.my-app:/": true,

	"": false, "/cb": false, "//app.example.com/cb": false, "app.example.com/cb": false, "https:": false,
	"https://": false, "https:///cb": false, "https:app.example.com": false, "https://:443/": false,
	"http://app.example.com/cb": false, "http://localhost.example.com/": false, "http://127.0.0.1.example.com/": false,
	"http://0.0.0.0/": false, "http://192.168.0.1/": false, "http://[::ffff:192.0.2.1]/": false, "http://[fe80::1%25lo]/": false,
	"https://app.example.com/cb#": false, "https://app.example.com/cb#x": false, "https://*.example.com/": false,
	"https://app.example.com/*": false, "https://user@app.example.com/": false, "https://user:pw@app.example.com/": false,
	"https://app.example.com@evil.example/": false, `https://app.example.com\@evil.example/`: false,
	"https://app.example.com/../x": false, "https://app.example.com/%2e%2e/x": false, "https://app.example.com/./x": false,
	"https://app.example.com/ x": false, "https://app.example.com/\n": false, "https://app.example.com/\x00": false,
	"https://APP.example.com/": false, "HTTPS://app.example.com/": false, "https://äpp.example.com/": false,
	"https://app.example.com:/": false, "https://app.example.com:0/": false, "https://app.example.com%2f.evil.example/": false,
	"javascript:alert(1)": false, "data:text/html,x": false, "file:///etc/passwd": false, "vbscript:x": false, "blob:https://x": false,
	"myapp:/cb": false, "myapp://cb": false, "com.example.app:cb": false, "com.example.app:": false, "a.0:": false, "Com.Example.App:/cb": false, ".app:/": false,
	"ftp://app.example.com/": false, "ws://127.0.0.1/": false, "intent://x#Intent;end": false, "about:blank": false,
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	for uri, good := range redirects {
		if err := redirect(t, uri); (err == nil) != good {
			t.Errorf("%q = %v, want it to be fine: %v", uri, err, good)
		}
	}
	if redirect(t, "https://app.example.com/"+strings.Repeat("x", 1000)) != nil || redirect(t, "https://app.example.com/"+strings.Repeat("x", 1001)) == nil {
		t.Error("a URI has at most 1024 bytes")
	}
}

// redirect opens a pool whose client has a redirect URI.
func redirect(t testing.TB, uri string) error {
	s := pool.Settings{Clients: []pool.Client{{ID: "app", Redirects: []string{uri}}}}
	p, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &s, InsecureHash: &cheap})
	if err == nil {
		err = p.Close(t.Context())
	}
	return err
}

// What is taken for a redirect leads to a host over https, to this machine, or to an app: never to
// what runs or opens something.
func FuzzRedirect(f *testing.F) {
	for uri := range redirects {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if redirect(t, uri) != nil {
			return
		}
		scheme, rest, _ := strings.Cut(uri, ":")
		authority, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		switch {
		case scheme == "https" && strings.HasPrefix(rest, "//") && authority != "":
		case scheme == "http" && (strings.HasPrefix(authority, "127.") || strings.HasPrefix(authority, "[") || strings.HasPrefix(authority, "localhost")):
		case strings.Contains(scheme, ".") && strings.HasPrefix(rest, "/"):
		default:
			t.Errorf("%q was taken", uri)
		}
		if strings.ContainsAny(uri, "#*\\ \r\n\x00") {
			t.Errorf("%q was taken", uri)
		}
	})
}

// A client that may not be signed in to by a password gets no step by one, whoever asks, and one
// that may not refresh is given nothing to refresh with; what is taken away counts at once (CVE
// class 39).
func TestFlows(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	ticket := k.signUp("bob@example.com")
	d := k.done(ada)
	allow := func(f ...pool.Flow) {
		t.Helper()
		k.put(func(s *pool.Settings) { s.Clients[0].Flows = append([]pool.Flow{}, f...) })
	}
	allow(pool.FlowPassword)
	if _, err := k.refresh(d); !errors.Is(err, pool.ErrFlowNotAllowed) {
		t.Errorf("refresh = %v, want ErrFlowNotAllowed", err)
	}
	if d := k.done(ada); !d.Tokens.Refresh.IsZero() || d.Tokens.Access.IsZero() {
		t.Error("there is a refresh token that is good for nothing")
	}
	allow(pool.FlowRefresh)
	if _, err := k.refresh(d); err != nil {
		t.Errorf("refresh of a session of before = %v", err)
	}
	for login, pw := range map[string]password.Secret{ada: right, "eve@example.com": wrong} {
		k.store.reset()
		before := k.Hashes()
		in := pool.SignInInput{Username: login, With: pool.Password{Value: pw}}
		if _, err := k.SignIn(t.Context(), in); !errors.Is(err, pool.ErrFlowNotAllowed) || k.Hashes() != before {
			t.Errorf("sign in as %s = %v, want ErrFlowNotAllowed and no hash", login, err)
		}
		if _, commits := k.store.counted(); len(commits) != 0 {
			t.Errorf("sign in as %s = %v", login, kinds(commits))
		}
	}
	step, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: ticket, Code: k.code("bob@example.com", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.respond(step.(*pool.NeedPassword).Ticket, right); !errors.Is(err, pool.ErrFlowNotAllowed) {
		t.Errorf("answer to a step = %v, want ErrFlowNotAllowed", err)
	}
	allow()
	if _, err := k.refresh(d); !errors.Is(err, pool.ErrFlowNotAllowed) {
		t.Errorf("refresh without flows = %v", err)
	}
}
