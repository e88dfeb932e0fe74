package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/web"
)

// A visitor writes what they like into X-Forwarded-For; only what our own proxies added counts (CVE class 9).
func TestT6_ForwardedAddresses(t *testing.T) {
	t.Parallel()
	const proxy = "10.0.0.1:443"
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"a stranger who forwards", "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"a stranger who names a proxy", "192.0.2.1:1234", []string{"10.0.0.1"}, "192.0.2.1"},
		{"one proxy", proxy, []string{"198.51.100.7"}, "198.51.100.7"},
		{"what the visitor wrote", proxy, []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"what the visitor wrote in another line", proxy, []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"rubbish that the visitor wrote", proxy, []string{"unknown, <script>, 198.51.100.7"}, "198.51.100.7"},
		{"a proxy that the visitor named", proxy, []string{"10.0.0.9, 198.51.100.7"}, "198.51.100.7"},
		{"two proxies", proxy, []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"two proxies, two lines", proxy, []string{"203.0.113.9,198.51.100.7", "10.0.0.2"}, "198.51.100.7"},
		{"a proxy within", proxy, []string{"10.9.9.9"}, "10.9.9.9"},
		{"proxies alone", proxy, []string{"10.9.9.9, 10.0.0.2"}, "10.9.9.9"},
		{"without blanks", proxy, []string{"203.0.113.9,198.51.100.7"}, "198.51.100.7"},
		{"tabs", proxy, []string{"\t198.51.100.7\t"}, "198.51.100.7"},
		{"with a port", proxy, []string{"198.51.100.7:4711"}, "198.51.100.7"},
		{"IPv6", proxy, []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", proxy, []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", proxy, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv6 with a zone", proxy, []string{"fe80::1%eth0"}, "fe80::1"},
		{"mapped", proxy, []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"a mapped proxy", "[::ffff:10.0.0.1]:443", []string{"198.51.100.7"}, "198.51.100.7"},
		{"a proxy that is mapped behind one", proxy, []string{"198.51.100.7, ::ffff:10.0.0.2"}, "198.51.100.7"},
		{"an IPv6 proxy", "[2001:db8:ffff::1]:443", []string{"198.51.100.7"}, "198.51.100.7"},
		{"an IPv6 proxy with a zone", "[2001:db8:ffff::1%eth0]:443", []string{"198.51.100.7"}, "198.51.100.7"},
		{"a proxy of a mapped network", "172.16.0.1:443", []string{"198.51.100.7"}, "198.51.100.7"},
		{"no header", proxy, nil, "10.0.0.1"},
		{"empty", proxy, []string{""}, "10.0.0.1"},
		{"no address in the end", proxy, []string{"198.51.100.7,"}, "10.0.0.1"},
		{"no address behind a proxy", proxy, []string{"unknown, 10.0.0.2"}, "10.0.0.1"},
		{"rubbish", proxy, []string{"unknown"}, "10.0.0.1"},
		{"a name", proxy, []string{"localhost"}, "10.0.0.1"},
		{"leading zeros", proxy, []string{"198.051.100.7"}, "10.0.0.1"},
		{"hex", proxy, []string{"0xc6336407"}, "10.0.0.1"},
		{"a short form", proxy, []string{"198.51.7"}, "10.0.0.1"},
		{"a network", proxy, []string{"198.51.100.0/24"}, "10.0.0.1"},
		{"RFC 7239", proxy, []string{"for=198.51.100.7"}, "10.0.0.1"},
		{"quoted", proxy, []string{`"198.51.100.7"`}, "10.0.0.1"},
		{"half a bracket", proxy, []string{"[2001:db8::1"}, "10.0.0.1"},
		{"NUL", proxy, []string{"198.51.100.7\x00"}, "10.0.0.1"},
		{"1 MB", proxy, []string{strings.Repeat("10.0.0.2,", 100_000)}, "10.0.0.1"},
		{"no peer", "", []string{"198.51.100.7"}, "invalid IP"},
		{"a peer of a Unix socket", "@", []string{"198.51.100.7"}, "invalid IP"},
		{"a peer without port", "192.0.2.1", nil, "192.0.2.1"},
	}
	k := pooltest.New(t)
	s := serve(t, k, "10.0.0.0/8", "2001:db8:ffff::/48", "::ffff:172.16.0.0/108")
	alone := web.New(k.Pool, web.Config{Proxies: []netip.Prefix{{}}})
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.peer, tt.forwarded
		r.Header.Set("X-Real-IP", "203.0.113.1")
		r.Header.Set("Forwarded", "for=203.0.113.1")
		if got := s.Caller(r).IP.String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if got, want := alone.Caller(r).IP, parsed(tt.peer); got != want {
			t.Errorf("%s, without proxies: %s, want the peer's %s", tt.name, got, want)
		}
	}
}

func parsed(peer string) netip.Addr {
	a, err := netip.ParseAddrPort(peer)
	if err != nil {
		ip, _ := netip.ParseAddr(peer)
		return ip
	}
	return a.Addr().Unmap().WithZone("")
}

func TestCaller(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	r := s.request("GET", "/")
	r.Header.Set("Accept-Language", "de-CH, en;q=0.5")
	r.Header.Set("User-Agent", "Mozilla/5.0")
	if c := s.Caller(r); c.Locale != "de-CH, en;q=0.5" || c.UserAgent != "Mozilla/5.0" || !c.Browser || c.Device != "" {
		t.Errorf("Caller = %+v", c)
	}
}

// No header of a request shows in anything that is sent, but the path it asked for (CVE class 17).
func TestNoHeaderMakesAURL(t *testing.T) {
	t.Parallel()
	s := open(t, production, "192.0.2.0/24")
	r := s.request("GET", "/me?a=b")
	for _, name := range []string{
		"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Port", "X-Original-URL", "X-Rewrite-URL", "X-Host",
		"Forwarded", "Referer", "X-Forwarded-Server", "X-HTTP-Host-Override",
	} {
		r.Header.Set(name, "evil.test")
	}
	r.Host = "evil.test"
	res := s.do(r)
	if got, want := res.Header().Get("Location"), "/login?return_to=%2Fme%3Fa%3Db"; res.Code != http.StatusSeeOther || got != want {
		t.Errorf("%d to %q, want %q", res.Code, got, want)
	}
}

func FuzzForwarded(f *testing.F) {
	k := pooltest.New(f)
	s := web.New(k.Pool, web.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	f.Add("10.0.0.1:1", "198.51.100.7, 10.0.0.2")
	f.Add("[::1%eth0]:1", "[::1]:2,::ffff:10.0.0.1")
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", forwarded)
		ip := s.Caller(r).IP
		if ip.Is4In6() || ip.Zone() != "" {
			t.Errorf("%q behind %q is %s", forwarded, peer, ip)
		}
		r.Header.Set("X-Forwarded-For", "203.0.113.9, "+forwarded) // what a visitor writes in front changes nothing
		if again := s.Caller(r).IP; again != ip && !strings.HasPrefix(ip.String(), "10.") {
			t.Errorf("%q behind %q is %s, and with more in front %s", forwarded, peer, ip, again)
		}
	})
}
