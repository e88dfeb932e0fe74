package web

import (
	"net/http"
	"strings"
)

// mayAct tells why a request may not act for whoever's cookie it brings.
func (s *Sessions) mayAct(r *http.Request) error {
	if !s.Encrypted(r) {
		return ErrPlainHTTP
	}
	if !safe(r) && !s.sameOrigin(r) {
		return ErrCrossOrigin
	}
	return nil
}

// safe reports whether a request changes nothing (RFC 9110, 9.2.1). A WebSocket begins as a GET,
// and may do anything after that.
func safe(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.Header.Get("Upgrade") == ""
	}
	return false
}

// sameOrigin reports whether the browser says that the request comes from a page of the same origin
// (security.md S10). What says nothing, or two things, is not believed: all browsers say it, with
// scripts and without, and no page can make them say otherwise.
func (s *Sessions) sameOrigin(r *http.Request) bool {
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 && (len(site) > 1 || site[0] != "none") {
		return len(site) == 1 && site[0] == "same-origin"
	}
	origin := r.Header.Values("Origin")
	scheme := "http://"
	if s.names.Secure || r.TLS != nil { // a page over plain http may be anybody's on the way
		scheme = "https://"
	}
	return len(origin) == 1 && strings.EqualFold(origin[0], scheme+r.Host)
}

// navigation reports whether a browser is on its way to a page, and not a script to some data.
func navigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); !safe(r) || r.Method == http.MethodOptions || mode != "" && mode != "navigate" {
		return false
	}
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}
