// Package cookie names the cookies of a pool's browser sessions, for package web, which sets them,
// and for package pooltest, whose people bring them.
package cookie

import "strings"

// Names are what the cookies of one pool are called. Pools share a host without sharing a cookie:
// the name holds the pool's id, which has no dot (security.md S7).
type Names struct {
	Session    string // who is signed in
	Device     string // the known-device token, which outlives sessions
	Remembered string // the remembered-device token
	Secure     bool   // sent over TLS alone
}

// Of returns the names for a pool and its issuer. In production they begin with __Host-, which
// browsers take from the very host alone, over TLS, for all paths (RFC 6265bis, 4.1.3.2). A browser
// takes no such name over plain http, so in development they are others (security.md S11).
func Of(pool, issuer string) Names {
	if !strings.HasPrefix(issuer, "https:") {
		return Names{"userpool-dev.session." + pool, "userpool-dev.device." + pool, "userpool-dev.remembered." + pool, false}
	}
	return Names{"__Host-userpool.session." + pool, "__Host-userpool.device." + pool, "__Host-userpool.remembered." + pool, true}
}
