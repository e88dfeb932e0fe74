package main

import (
	"errors"
	"flag"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// Flags go before the environment, and that before what is standard.
func TestConfigure(t *testing.T) {
	t.Parallel()
	c, err := configure(nil, env())
	if err != nil || c.listen != "127.0.0.1:8080" || c.issuer.String() != "http://127.0.0.1:8080/{pool}" || c.drain != 5*time.Second {
		t.Errorf("the standard is %+v, %v", c, err)
	}
	c, err = configure([]string{"-listen=127.0.0.1:1", "-drain", "1s"}, env("LISTEN", "127.0.0.1:2", "DATABASE_URL", "postgres://x", "GRACE", "2s",
		"PROXIES", "10.0.0.0/8, 192.0.2.1 ::1"))
	if err != nil || c.listen != "127.0.0.1:1" || c.database != "postgres://x" || c.drain != time.Second || c.grace != 2*time.Second || len(c.proxies) != 3 {
		t.Errorf("configure = %+v, %v", c, err)
	}
	if _, err := configure([]string{"-h"}, env()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h = %v", err)
	}
	text := usage()
	for _, o := range options {
		if !strings.Contains(text, o.env) || o.flag != "" && !strings.Contains(text, "-"+o.flag+", ") {
			t.Errorf("-h does not name %s", o.env)
		}
	}
}

// What does not go together is told at the door, all of it at once.
func TestConfigureRefuses(t *testing.T) {
	t.Parallel()
	const https = "-issuer=https://id.example.com/{pool}"
	for _, tt := range []struct{ flags, say string }{
		{"-odd=1", "odd"},
		{"serve", "serve"},
		{https + " -smtp=mail:587", "-proxies"},
		{https + " -proxies=10.0.0.0/8", "-smtp"},
		{https, "-smtp"},
		{"-proxies=10.0.0.0/99", "-proxies"},
		{"-proxies=proxy.example.com", "-proxies"},
		{"-proxies=10.0.0.0/8,0.0.0.0/0", "-proxies"},
		{"-proxies=::/0", "-proxies"},
		{"-smtp-insecure=yes", "-smtp-insecure"},
		{"-operator=:8081", "-operator"},
		{"-operator=10.0.0.1:8081", "-operator"},
		{"-operator=localhost", "-operator"},
		{"-listen=:8080 -issuer=http://127.0.0.1:8080/{pool}", "-listen"},
		{"-listen=0.0.0.0:8080 -issuer=http://localhost:8080/{pool}", "-listen"},
		{"-listen=192.0.2.1:8080 -issuer=http://localhost:8080/{pool} -smtp=mail:587", "-listen"},
		{"-tls-cert=x", "-tls-key"},
		{"-migrate=1", "-migrate"},
		{"-drain=soon", "-drain"},
		{"-grace=-1s", "-grace"},
		{"-grace=90m", "-grace"},
		{"-issuer=https://id.example.com", "-issuer"},
		{"-issuer=https://id.example.com/{pool}/", "-issuer"},
		{"-issuer=https://id.example.com/x-{pool}", "-issuer"},
		{"-issuer=https://id.example.com/{pool}?x", "-issuer"},
		{"-issuer=https://a@id.example.com/{pool}", "-issuer"},
		{"-issuer=https://{pool}.x/{pool}", "-issuer"},
		{"-issuer=https://{pool}.example.com/x", "-issuer"},
		{"-issuer=https://x.{pool}.example.com", "-issuer"},
		{"-issuer=http://id.example.com/{pool}", "-issuer"},
		{"-issuer=http://{pool}.localhost:8080", "-issuer"},
		{"-issuer={pool}", "-issuer"},
		{"-issuer=https:///{pool}", "-issuer"},
		{"-issuer=https://id.example.com//{pool}", "-issuer"},
		{"-issuer=https://id.example.com/../{pool}", "-issuer"},
		{"-issuer=https://id.example.com/v1.0/{pool}", "-issuer"},
		{"-issuer=https://id.example.com:443/{pool}", "-issuer"},
		{"-issuer=https://id.example.com:/{pool}", "-issuer"},
		{"-issuer=https://ID.example.com/{pool}", "-issuer"},
		{"-issuer=https://{pool}.Example.com", "-issuer"},
		{"-issuer=https://{pool}.", "-issuer"},
		{"-issuer=ftp://127.0.0.1/{pool}", "-issuer"},
		{"-listen=:8080", "-issuer"}, // which has to be said then
		{"-drain=x -grace=x -issuer=x -operator=:1", "-grace"},
	} {
		if _, err := configure(strings.Fields(tt.flags), env()); err == nil || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v, want an error about %s", tt.flags, err, tt.say)
		}
	}
	for name, tt := range map[string]struct {
		flag, say string
	}{
		"a keyring that is none":  {"-keys=.", ""},
		"a database that is none": {"-database=.", ""},
		"no such database":        {"-database=postgres://user:of-the-database@127.0.0.1:1/none", ""},
		"no such address":         {"-listen=127.0.0.1:99999", "port"},
		"no such mail server":     {"-smtp=mail.example.com", "Addr"},
		"no such certificate":     {"-tls-cert=none -tls-key=none", "open none"},
	} {
		c, err := configure(append(files(t.TempDir()), strings.Fields(tt.flag)...), env())
		if err != nil {
			t.Fatal(err)
		}
		log := newLogged()
		err = run(t.Context(), c, log)
		if err == nil || !strings.Contains(err.Error(), tt.say) || strings.Contains(err.Error()+log.String(), "of-the-database") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A pool is named by one spelling of its path or host.
func TestSite(t *testing.T) {
	t.Parallel()
	byHost, err := parseSite("https://{pool}.example.com:8443")
	if err != nil || byHost.issuer("acme") != "https://acme.example.com:8443" || byHost.base("acme") != "" {
		t.Errorf("by host: %+v, %v", byHost, err)
	}
	deep, err := parseSite("http://localhost/id/{pool}")
	if err != nil || deep.issuer("acme") != "http://localhost/id/acme" || deep.path != "/id/{pool}" || deep.base("acme") != "/id/acme" {
		t.Errorf("by path: %+v, %v", deep, err)
	}
	for host, want := range map[string]string{
		"acme.example.com:8443": "acme", "ACME.Example.com:8443": "acme", "acme.example.com": "", ".example.com:8443": "",
		"a.b.example.com:8443": "", "example.com:8443": "", "acme": "", "": "",
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/session", nil)
		r.Host = host
		if got := byHost.pool(r); got != want {
			t.Errorf("%q is pool %q, want %q", host, got, want)
		}
	}
}
