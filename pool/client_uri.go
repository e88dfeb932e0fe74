package pool

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	maxScopes = 50   // Cognito's, like those that follow
	maxScope  = 256  // bytes
	maxURIs   = 100  // of each kind
	maxURI    = 1024 // bytes
)

// uriProblems returns what is wrong with scopes and with where browsers are sent.
func (c Client) uriProblems() (ps []string) {
	for i, s := range c.Scopes {
		if s == "" || len(s) > maxScope || strings.ContainsFunc(s, noScope) || slices.Contains(c.Scopes[:i], s) {
			ps = append(ps, fmt.Sprintf("scope %.40q: it is 1 to %d characters of RFC 6749, 3.3, and stands once", s, maxScope))
		}
	}
	if len(c.Scopes) > maxScopes {
		ps = append(ps, fmt.Sprintf("there are at most %d scopes", maxScopes))
	}
	for name, uris := range map[string][]string{"redirect": c.Redirects, "logout": c.Logouts} {
		for i, uri := range uris {
			if !returns(uri) || slices.Contains(uris[:i], uri) {
				const text = "%s URI %.80q: it is https, http on a loopback host or a scheme such as com.example.app, " +
					"without fragment, user and wildcard, spelled as it will be compared, and stands once"
				ps = append(ps, fmt.Sprintf(text, name, uri))
			}
		}
		if len(uris) > maxURIs {
			ps = append(ps, fmt.Sprintf("there are at most %d %s URIs", maxURIs, name))
		}
	}
	slices.Sort(ps)
	return ps
}

// privateScheme is a scheme of an app's own: a domain name backwards, so that it has a dot, which
// no scheme that runs or opens something has (RFC 8252, 7.1).
var privateScheme = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$`)

// returns reports whether browsers may be sent back to uri. It takes the one spelling of each that
// browsers leave as it is: one that they read otherwise than we do, by a backslash, a dot segment or
// capital letters, would lead elsewhere (CVE class 32).
func returns(uri string) bool {
	plain := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\#*\"<>^`{|}", r) }
	u, err := url.Parse(uri)
	if len(uri) > maxURI || strings.ContainsFunc(uri, plain) || err != nil || u.String() != uri || u.User != nil {
		return false
	}
	if slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." }) {
		return false
	}
	switch {
	case u.Scheme == "https":
		return host(u)
	case u.Scheme == "http":
		ip, err := netip.ParseAddr(u.Hostname())
		return host(u) && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback() && ip.Zone() == "")
	}
	return privateScheme.MatchString(u.Scheme) && strings.HasPrefix(uri[len(u.Scheme)+1:], "/")
}

// host reports whether a web URL names a host, as browsers spell it.
func host(u *url.URL) bool {
	return u.Opaque == "" && u.Hostname() != "" && u.Host == strings.ToLower(u.Host) &&
		!strings.HasSuffix(u.Host, ":") && u.Port() != "0" && !strings.Contains(u.Host, "%")
}
