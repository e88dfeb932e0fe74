package main

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// site is how pools are told apart: what the issuer of each is like.
type site struct {
	before, after string // the id of a pool, in its issuer
	// path is the pattern of a pool's paths: "/{pool}", or "" where its host names the pool.
	path string
}

const poolMark = "{pool}"

// poolID is what pools are called here: something that may be the label of a host, and a part of a
// path in one spelling alone.
var poolID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// A host is as browsers write it, in lower case, and a path as the pages can have it.
var (
	siteHost = regexp.MustCompile(`^(\[[0-9a-f:.]+\]|[a-z0-9.-]*[a-z0-9])(:[0-9]+)?$`)
	sitePath = regexp.MustCompile(`^(/[a-z0-9][a-z0-9_-]*)*/pool$`)
)

var errSite = errors.New("-issuer is such as 'https://id.example.com/{pool}' or 'https://{pool}.example.com'; " +
	"with http it is 'http://127.0.0.1:8080/{pool}', for a trial on this machine")

// parseSite reads the issuer of all pools, in which {pool} stands for the id of each.
func parseSite(text string) (site, error) {
	before, after, found := strings.Cut(text, poolMark)
	u, err := url.Parse(before + "pool" + after)
	if err != nil || !found || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.String() != before+"pool"+after || !siteHost.MatchString(u.Host) ||
		u.Scheme == "https" && u.Port() == "443" { // which browsers leave out

		return site{}, errSite
	}
	s := site{before: before, after: after}
	schemeFits := u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
	switch {
	case before == "https://" && strings.HasPrefix(after, ".") && u.Path == "":
	case schemeFits && after == "" && sitePath.MatchString(u.Path):
		s.path = strings.TrimSuffix(u.Path, "pool") + poolMark
	default:
		return site{}, errSite
	}
	return s, nil
}

func (s site) String() string { return s.issuer(poolMark) }

// issuer returns the issuer of a pool.
func (s site) issuer(pool string) string { return s.before + pool + s.after }

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// onLoopback reports whether an address to listen at, with a port, is for this machine alone.
func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && loopback(host)
}

// base returns the path below which a pool is.
func (s site) base(pool string) string { return strings.Replace(s.path, poolMark, pool, 1) }

func (s site) production() bool { return strings.HasPrefix(s.before, "https:") }

// pool returns the id of the pool that a request is for, "" where it names none that could be. The
// visitor chooses path and host, and at worst is another pool's visitor then: what belongs to one
// pool is of no use at another.
func (s site) pool(r *http.Request) string {
	id, found := r.PathValue("pool"), true
	if s.path == "" {
		id, found = strings.CutSuffix(strings.ToLower(r.Host), s.after)
	}
	if !found || !poolID.MatchString(id) {
		return ""
	}
	return id
}
