package hosted

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/userpool-go/userpool/web"
)

// maxBody is the largest body that is read, in bytes: four times the longest form.
const maxBody = 16 << 10

// What a form carries beside its fields. In JSON the flow is called "ticket": it is a handle, and
// good for nothing without the cookie that it names.
const (
	tokenField = "form"
	onceField  = "once"
	flowField  = "flow"
	nextField  = web.ReturnTo
	ticketJSON = "ticket"
)

// readBody reads what was sent, by the names of the page's fields. It is strict: a name that nobody
// asked for, or that stands twice, is refused, since two who read the same body could see two
// forms.
func (v *visit) readBody() *refusal {
	kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	v.json = err == nil && kind == "application/json"
	if !v.json && (kind != "application/x-www-form-urlencoded" || err != nil || v.wantsJSON()) {
		return &refusal{http.StatusUnsupportedMediaType, "media_type"}
	}
	v.body, err = io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return &refusal{http.StatusRequestEntityTooLarge, "too_large"}
	} else if err != nil {
		return &refusal{http.StatusBadRequest, "malformed"}
	}
	ok := false
	if names := v.names(); v.json {
		v.in, ok = parseJSON(v.body, names)
	} else {
		v.in, ok = parseForm(v.body, names)
	}
	if !ok {
		return &refusal{http.StatusBadRequest, "malformed"}
	}
	return nil
}

// names are what a body may hold.
func (v *visit) names() (names []string) {
	for _, f := range v.page.fields(v.settings) {
		names = append(names, f.Name)
	}
	if v.json {
		return append(names, ticketJSON)
	}
	return append(names, tokenField, onceField, flowField, nextField)
}

// wantsJSON reports whether who asks would rather have JSON than a page.
func (v *visit) wantsJSON() bool {
	for part := range strings.SplitSeq(v.r.Header.Get("Accept"), ",") {
		kind, _, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		switch kind {
		case "application/json":
			return true
		case "text/html", "application/xhtml+xml", "*/*":
			return false
		}
	}
	return false
}

func parseForm(body []byte, names []string) (map[string]string, bool) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	in := map[string]string{}
	for name, all := range values {
		if len(all) != 1 || !slices.Contains(names, name) || !utf8.ValidString(all[0]) {
			return nil, false
		}
		in[name] = all[0]
	}
	return in, true
}

// parseJSON reads one object of texts, and nothing behind it.
func parseJSON(body []byte, names []string) (map[string]string, bool) {
	if !utf8.Valid(body) { // the decoder would replace it, and make other passwords of it
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	in := map[string]string{}
	for d.More() {
		name, err := text(d)
		if err != nil {
			return nil, false
		}
		value, err := text(d)
		if _, twice := in[name]; err != nil || twice || !slices.Contains(names, name) {
			return nil, false
		}
		in[name] = value
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, false
	}
	_, err := d.Token()
	return in, errors.Is(err, io.EOF)
}

var errNoText = errors.New("not a text")

func text(d *json.Decoder) (string, error) {
	t, err := d.Token()
	if s, ok := t.(string); ok && err == nil {
		return s, nil
	}
	return "", errNoText
}

// code returns a code as people paste it, without blanks and hyphens.
func code(typed string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' || r == '\t' {
			return -1
		}
		return r
	}, typed)
}
