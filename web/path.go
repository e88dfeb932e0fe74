package web

import (
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// ReturnTo is the name of the query parameter in which [Sessions.Require], and what guards like it,
// give the page that they send visitors to the path that these were on the way to. The page keeps
// it in its form, and goes there with [ReturnPath].
const ReturnTo = "return_to"

// maxReturn bounds a return path, in bytes: it goes into a URL.
const maxReturn = 2 << 10

// ReturnPath returns the path to go to after a sign-in: what was typed, if it is the path of a page
// of the same origin, with or without a query, and otherwise "/". It came through the visitor's
// hands, and anybody can make a link to the sign-in page: whatever a browser, a proxy or a
// framework could take for the name of another host is refused (CVE class 34).
func ReturnPath(typed string) string {
	if !local(typed) {
		return "/"
	}
	return typed
}

// local reports whether s is a path of the same origin, as we read it and as anybody else may.
func local(s string) bool {
	if len(s) > maxReturn || !strings.HasPrefix(s, "/") || !printable(s) || strings.ContainsAny(s, " #") {
		return false
	}
	typed, _, _ := strings.Cut(s, "?")
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return false
	}
	return !strings.Contains(typed, "//") && !strings.Contains(u.Path, "//") && printable(u.Path)
}

// printable reports whether s has no backslash, which browsers take for a slash, and no control
// character, which they leave out.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' })
}

// detour returns where a visitor goes first, to come back from there; ok is false where they are there
// already.
func detour(r *http.Request, page string, more url.Values) (to string, ok bool) {
	back := r.RequestURI // as the browser asked, whatever a router has made of r.URL
	if back == "" {
		back = r.URL.RequestURI()
	}
	back = ReturnPath(back)
	u, err := url.Parse(page)
	if err != nil {
		return "", false
	}
	asked, err := url.Parse(back)
	if err != nil || path.Clean(asked.Path) == path.Clean(u.Path) { // a circle
		return "", false
	}
	q := u.Query()
	maps.Copy(q, more)
	q.Set(ReturnTo, back)
	u.RawQuery = q.Encode()
	return u.String(), true
}
