package hosted

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/mfa"
)

// flow is what a browser carries from one page to the next, in a short cookie of its own: the
// ticket of a step, which never stands in a URL or a form (security.md S1), and what a form was
// answered, so that a page is shown again without being sent again. The URL names the cookie. So
// each tab has its own, and a page that is reloaded or gone back to shows the same.
type flow struct {
	id     string
	size   int               // bytes of its cookie
	Page   string            `json:"p"`           // the one page that shows it
	Ticket string            `json:"t,omitempty"` // or what a link carried
	To     string            `json:"d,omitempty"` // where a code went, as it was typed
	Login  string            `json:"l,omitempty"` // by whom, as it was typed
	Next   string            `json:"n,omitempty"` // where the sign-in is to lead
	Notice string            `json:"i,omitempty"` // a key of words
	Slips  []slip            `json:"e,omitempty"`
	Typed  map[string]string `json:"v,omitempty"` // of the form, without its secrets

	// Of a step that asks for a factor.
	By    mfa.Kind   `json:"b,omitempty"` // the kind that is asked for; "" means that the visitor chooses
	Kinds []mfa.Kind `json:"k,omitempty"` // that it can be answered with besides
	Enrol bool       `json:"r,omitempty"` // it is to be set up
	First bool       `json:"f,omitempty"` // it begins the sign-in: nobody is known to be there
	App   string     `json:"s,omitempty"` // the otpauth URI of an app that is to be set up
	Asked []string   `json:"q,omitempty"` // what a challenge of the program's own shows

	Codes []string `json:"c,omitempty"` // recovery codes, until their owner has kept them
}

// slip is one thing that is wrong with what was typed. It is named, not worded: the words are the
// page's.
type slip struct {
	Field string `json:"f,omitempty"` // "" means the form as a whole
	Rule  string `json:"r"`
	Min   int64  `json:"a,omitempty"`
	Max   int64  `json:"z,omitempty"`
}

const (
	maxFlows = 8       // that one browser keeps: it sends them all, each time
	maxFlow  = 3 << 10 // bytes of one; browsers keep none over 4 KiB with its name
	maxSent  = 6 << 10 // bytes of all; common proxies refuse a request with 8 KiB of cookies
	maxAsked = 2 << 10 // bytes of one, for what a challenge shows: 1.5 KiB of text
)

var flowID = regexp.MustCompile(`^[A-Z2-7]{26}$`) // rand.Text

// lifetime is how long a browser keeps a flow. The ticket in it may end before. What holds none, or
// only what a link did, comes of any link to these pages, and goes before a step does.
func (f flow) lifetime() time.Duration {
	switch {
	case f.Ticket == "" || f.Page == linkPage:
		return 10 * time.Minute
	case f.Page == confirmPage:
		return 24 * time.Hour
	case f.Page == resetPage:
		return time.Hour
	}
	return 15 * time.Minute
}

// flow returns the flow of a page that a request names. The pages of a factor share theirs. The zero flow means that there is none,
// whatever else the browser sent.
func (h *Pages) flow(r *http.Request, id, page string) flow {
	if !flowID.MatchString(id) {
		return flow{}
	}
	c, err := r.Cookie(h.cookieName("flow." + id))
	if err != nil {
		return flow{}
	}
	f, ok := parseFlow(c.Value)
	if !ok || f.Page != page && !h.shares(f.Page, page) {
		return flow{}
	}
	if f.id = id; f.Page != page {
		f.Notice, f.Slips, f.Typed = "", nil, nil // of the other page
	}
	return f
}

// shares reports whether two pages are of one ticket.
func (h *Pages) shares(a, b string) bool {
	one, other := h.pages[a], h.pages[b]
	return one != nil && other != nil && one.factor && other.factor
}

// parseFlow reads a cookie. Only its own browser can have changed it, and gains nothing by it; what
// is odd is nevertheless refused, since it would be shown.
func parseFlow(value string) (f flow, ok bool) {
	if len(value) > maxFlow {
		return flow{}, false
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || !utf8.Valid(text) || json.Unmarshal(text, &f) != nil {
		return flow{}, false
	}
	return f, f.Next == local(f.Next)
}

// keep has the browser keep a flow, under a new id unless it has one, and lets others go where
// there would be too many: those that are to be kept shortest first, and of them the oldest.
func (h *Pages) keep(w http.ResponseWriter, r *http.Request, f flow) flow {
	if f.id == "" {
		f.id = rand.Text()
	}
	value := f.encode()
	if len(value) > maxFlow { // what was typed is longer than anything of use
		f.Typed, f.Slips = nil, f.Slips[:min(len(f.Slips), 8)]
		value = f.encode()
	}
	if len(value) > maxFlow { // the browser would not keep it, and the visitor could not go on
		f.Next = ""
		value = f.encode()
	}
	http.SetCookie(w, h.cookie("flow."+f.id, value, f.lifetime()))
	others, sent := slices.DeleteFunc(h.flows(r), func(o flow) bool { return o.id == f.id }), len(value)
	for _, o := range others {
		sent += o.size
	}
	slices.SortStableFunc(others, func(a, b flow) int { return cmp.Compare(a.lifetime(), b.lifetime()) })
	for len(others) >= maxFlows || len(others) > 0 && sent > maxSent {
		h.drop(w, others[0].id)
		sent -= others[0].size
		others = others[1:]
	}
	return f
}

// encode returns the value of a flow's cookie. Nobody reads it as HTML: escaped for that, the query
// of an address would be six times as long.
func (f flow) encode() string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	_ = e.Encode(f) // texts and numbers cannot fail
	return base64.RawURLEncoding.EncodeToString(text.Bytes())
}

// drop has the browser forget a flow.
func (h *Pages) drop(w http.ResponseWriter, id string) {
	if id != "" {
		http.SetCookie(w, h.cookie("flow."+id, "", -1))
	}
}

// flows returns the flows that a browser sent, the oldest first, as browsers do (RFC 6265, 5.4). Of
// more than it keeps it returns the newest: whoever sends thousands is no browser, and each may
// cost a read and a header.
func (h *Pages) flows(r *http.Request) (all []flow) {
	before, after, _ := strings.Cut(h.cookieName("flow.?"), "?")
	for _, c := range slices.Backward(r.Cookies()) {
		rest, ours := strings.CutPrefix(c.Name, before)
		if id, same := strings.CutSuffix(rest, after); ours && same && flowID.MatchString(id) {
			f, _ := parseFlow(c.Value)
			f.id, f.size = id, len(c.Value)
			if all = append(all, f); len(all) == 2*maxFlows {
				break
			}
		}
	}
	slices.Reverse(all)
	return all
}
