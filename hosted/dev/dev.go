// Package dev is the development mode of the pages in package hosted: /dev/mailbox shows the mail
// that a pool has sent, so that a program that has no mail server can be clicked through.
//
//	box := mailbox.New()
//	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box})
//	...
//	pages := hosted.New(p, hosted.Config{Dev: dev.InsecureDev(box)})
//
// Whoever reads that page can confirm any address and set any password. So it answers on the
// developer's own machine alone (security.md S11): where the issuer of the pool, the address that
// the server listens on, the peer, and the Host that was asked for are all loopback, and no proxy
// has a hand in it. Everybody else is told that there is no such page. A pool with an https issuer
// is in production, and refuses all of it.
package dev

import (
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
)

// Path is where the mailbox is.
const Path = "/dev/mailbox"

// InsecureDev returns development mode with a page for the mailbox. It is insecure wherever anybody
// but the developer can reach it, which it does what it can to prevent.
func InsecureDev(box *mailbox.Mailbox) hosted.Dev { return development{box} }

type development struct{ box *mailbox.Mailbox }

// Mount refuses a pool of production.
func (d development) Mount(p *pool.Pool, frame hosted.Frame) (string, http.Handler, error) {
	issuer, err := url.Parse(p.Issuer())
	if err != nil || issuer.Scheme != "http" || !loopback(issuer.Hostname()) {
		return "", nil, fmt.Errorf("%w: development mode is for a pool whose issuer is http on a loopback host: leave Dev out", hosted.ErrConfig)
	}
	if d.box == nil {
		return "", nil, fmt.Errorf("%w: development mode needs the mailbox that the pool sends to", hosted.ErrConfig)
	}
	return Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !near(r):
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the mailbox is only for reading", http.StatusMethodNotAllowed)
		default:
			frame(w, r, "Mailbox", d.list())
		}
	}), nil
}

// forwarding are the headers by which proxies say that they stand in between.
var forwarding = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Host", "True-Client-Ip",
	"Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "X-Appengine-User-Ip", "X-Envoy-External-Address",
}

// near reports whether a request comes from the machine that we run on, and from a browser that was
// told to go there: not from a page elsewhere whose name was pointed at us (DNS rebinding), or past
// a proxy or tunnel that listens for others.
func near(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !loopbackAddr(local.String()) || !loopbackAddr(r.RemoteAddr) || !loopbackHost(r.Host) {
		return false
	}
	// An address that is named is the listener's, where the connection shows only by which it came.
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.Addr != "" && !loopbackHost(server.Addr) {
		return false
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return false
	}
	for name := range r.Header {
		if slices.Contains(forwarding, name) || strings.HasPrefix(name, "X-Forwarded") {
			return false
		}
	}
	return true
}

// loopbackAddr reports whether an address with a port is of this machine.
func loopbackAddr(s string) bool {
	a, err := netip.ParseAddrPort(s)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// loopbackHost reports whether a host, with a port or without, is this machine.
func loopbackHost(s string) bool {
	host, _, err := net.SplitHostPort(s)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	}
	return loopback(host)
}

// loopback takes names for what they are, not for what a resolver says.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && a.IsLoopback()
}

// letters are the mails, newest first.
var letters = template.Must(template.New("mailbox").Parse(`
{{- if not .}}<p id="empty" class="intro">Nothing was sent yet.</p>{{end}}
{{- range .}}<article class="mail">
<h2>{{or .Subject .Kind}}</h2>
<dl><dt>To</dt><dd>{{.To}}</dd><dt>By</dt><dd>{{.Channel}}</dd></dl>
<pre>{{range .Parts}}{{if .Link}}<a href="{{.Link}}">{{.Link}}</a>{{else if .Code}}<mark class="code">{{.Code}}</mark>{{else}}{{.Text}}{{end}}{{end}}</pre>
</article>
{{end}}`))

type letter struct {
	message.Message
	Parts []part
}

// part is a piece of a text: a link, a code, or neither.
type part struct{ Link, Code, Text string }

var telling = regexp.MustCompile(`\bhttps?://[^\s<>"]+|(?m:^[ \t]*[0-9]{6,8}[ \t]*$)|\b[0-9]{6,8}\b`)

// parts cuts a text where something is to be clicked or copied.
func parts(text string) (all []part) {
	at := 0
	for _, m := range telling.FindAllStringIndex(text, -1) {
		found := strings.TrimSpace(text[m[0]:m[1]])
		start := m[0] + strings.Index(text[m[0]:m[1]], found)
		all = append(all, part{Text: text[at:start]})
		if at = start + len(found); strings.HasPrefix(found, "http") {
			all = append(all, part{Link: found})
		} else {
			all = append(all, part{Code: found})
		}
	}
	return append(all, part{Text: text[at:]})
}

// list writes the mails as HTML. Their words are escaped: what people typed is in them.
func (d development) list() template.HTML {
	sent := d.box.All()
	slices.Reverse(sent)
	all := make([]letter, len(sent))
	for i, m := range sent {
		all[i] = letter{m, parts(m.Text)}
	}
	var b strings.Builder
	_ = letters.Execute(&b, all)     // of texts, into memory: what there is of it is shown
	return template.HTML(b.String()) //nolint:gosec // the template has escaped it
}
