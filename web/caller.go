package web

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/userpool-go/userpool/pool"
)

// Caller says who makes a request, for all that is asked of the pool on its behalf: from which
// address, with which browser and language, and whether somebody has signed in from here before.
func (s *Sessions) Caller(r *http.Request) pool.Caller {
	device, _ := single(r, s.names.Device)
	remembered, _ := single(r, s.names.Remembered)
	return pool.Caller{
		IP: s.address(r), UserAgent: r.UserAgent(), Locale: r.Header.Get("Accept-Language"),
		Device: device, Remembered: remembered, Browser: true,
	}
}

// address returns where a request comes from. X-Forwarded-For is read from its end, where our own
// proxies have written, and only as far as they reach: what stands before the first address that is
// none of theirs was written by the visitor. Where a proxy of ours has written no address it is the
// peer's.
func (s *Sessions) address(r *http.Request) netip.Addr {
	peer := parseAddress(r.RemoteAddr)
	if !s.trusts(peer) {
		return peer
	}
	client, rest := peer, strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for rest != "" && s.trusts(client) {
		last := strings.LastIndexByte(rest, ',')
		client = parseAddress(strings.Trim(rest[last+1:], " \t"))
		if !client.IsValid() {
			return peer
		}
		rest = rest[:max(last, 0)]
	}
	return client
}

// Encrypted reports whether a request came over TLS, to us or to a proxy of ours. In development it
// need not. What did not is nobody's (see [ErrPlainHTTP]), and a password in it may have been read
// on the way.
func (s *Sessions) Encrypted(r *http.Request) bool {
	if !s.names.Secure || r.TLS != nil {
		return true
	}
	schemes := r.Header.Values("X-Forwarded-Proto")
	if len(schemes) == 0 || !s.trusts(parseAddress(r.RemoteAddr)) {
		return false
	}
	for scheme := range strings.SplitSeq(strings.Join(schemes, ","), ",") { // of each hop
		if !strings.EqualFold(strings.Trim(scheme, " \t"), "https") {
			return false
		}
	}
	return true
}

// trusts reports whether an address is that of a proxy of ours.
func (s *Sessions) trusts(a netip.Addr) bool {
	for _, network := range s.proxies {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddress reads an address with or without a port. The zero Addr means that it is none.
func parseAddress(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return plain(withPort.Addr())
	}
	if len(text) > 1 && text[0] == '[' && text[len(text)-1] == ']' {
		text = text[1 : len(text)-1]
	}
	a, _ := netip.ParseAddr(text)
	return plain(a)
}

// plain returns the one spelling of an address: an IPv4 one is not mapped to IPv6, and a zone,
// which means something on one machine alone, is left out.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// unmapped does the same for a network.
func unmapped(n netip.Prefix) netip.Prefix {
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		return netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	return n
}
