package message

import (
	"net/netip"
	"net/url"
	"strings"
)

// maxLink bounds a link, in bytes: what every browser and mail client takes.
const maxLink = 2048

// validLink reports whether a message may carry s. It takes the characters of RFC 3986 alone, so
// that every reader ends it in the same place.
func validLink(s string) bool {
	if len(s) > maxLink || strings.ContainsFunc(s, notOfURL) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func notOfURL(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r)
}

// loopback reports whether a host is this machine, where no one listens on the way.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
