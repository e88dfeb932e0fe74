package hosted

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/pool"
)

// Config says where the pages are. The zero Config is good for a program that serves one pool, at
// the origin that its issuer names.
type Config struct {
	// Path is below which the pages are. "" means "/auth".
	Path string
	// Home is where a sign-in leads that no page asked for, and what the brand links to. "" means
	// "/".
	Home string
	// Origin is where browsers see the pages, such as "https://shop.example.com": requests that
	// name another one are refused. "" means the origin of the pool's issuer; in development, the
	// host that was asked. No URL is made of it: links in mails lead to [pool.Config].ConfirmURL,
	// which is to be Path + "/link" there.
	Origin string
	// Client is the app client that people sign in to. "" means the pool's only one.
	Client string
	// Proxies are whose X-Forwarded-For and X-Forwarded-Proto count, as in web.Config. None means
	// nobody's. In production what came over plain http, to us or to a proxy of these, is refused.
	Proxies []netip.Prefix
	// Logger takes what went wrong, with the number that the visitor was shown. Nil means nothing
	// is logged.
	Logger *slog.Logger
	// Dev is development mode, from package hosted/dev. Nil, as in production, means none.
	Dev Dev
}

// Dev is what development mode adds. It is made by package hosted/dev.
type Dev interface {
	// Mount returns a page for developers, and its path, or why the pool must not have it. Frame
	// writes a page in the look of the others.
	Mount(p *pool.Pool, frame Frame) (path string, page http.Handler, err error)
}

// ErrConfig is the class of what [Pages.Err] returns.
var ErrConfig = errors.New("hosted: the pages cannot be served")

var pathForm = regexp.MustCompile(`^(/[a-z0-9][a-z0-9_-]*)+$`)

// check returns c with its defaults written out, or all that is wrong with it.
func (c Config) check(p *pool.Pool) (Config, error) {
	var problems []string
	if c.Path == "" {
		c.Path = "/auth"
	}
	if !pathForm.MatchString(c.Path) {
		problems = append(problems, `Path is such as "/auth": small letters, digits, '-' and '_', without a slash at the end`)
	}
	if c.Home == "" {
		c.Home = "/"
	}
	if local(c.Home) == "" {
		problems = append(problems, `Home is a path on this host, such as "/"`)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if p == nil {
		return c, fmt.Errorf("%w: there is no pool", ErrConfig)
	}
	if c.Origin == "" && production(p) {
		c.Origin = origin(p.Issuer())
	} else if c.Origin != "" && (origin(c.Origin) != c.Origin || production(p) && !strings.HasPrefix(c.Origin, "https://")) {
		problems = append(problems, `Origin is such as "https://shop.example.com", without a path; https in production`)
	}
	clients := p.Settings().Clients
	own := slices.IndexFunc(clients, func(k pool.Client) bool { return k.ID == c.Client || c.Client == "" && len(clients) == 1 })
	if own < 0 {
		problems = append(problems, "Client names one of the pool's app clients; \"\" is for a pool of one")
	} else if k := clients[own]; k.Confidential || len(p.WaysIn(k.ID)) == 0 {
		problems = append(problems, "Client is a public one with pool.FlowPassword or pool.FlowChoice: the pages sign in by it, and show no secret")
	}
	if len(problems) > 0 {
		return c, fmt.Errorf("%w: %s", ErrConfig, strings.Join(problems, "; "))
	}
	return c, nil
}

// production reports whether a pool is one of production, which its issuer says.
func production(p *pool.Pool) bool { return strings.HasPrefix(p.Issuer(), "https://") }

// origin returns the origin of a URL, as browsers write it in the Origin header.
func origin(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}
