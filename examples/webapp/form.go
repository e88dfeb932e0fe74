package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBody is the largest body that is read: there is no use for more, and reading costs memory.
const maxBody = 16 << 10

// form is a body: one JSON object of texts.
type form map[string]string

// badRequest is a body that is refused, with the HTTP status that says why.
type badRequest struct {
	status int
	reason string
}

func (e *badRequest) Error() string { return e.reason }

// readForm reads the body of a request, which must have exactly the named texts; a name that ends
// in "?" may be left out.
//
// It is strict where encoding/json is not: names are compared as they are, none may stand twice,
// and nothing may follow. Otherwise somebody in front of us who reads the same body could see
// another one.
func readForm(w http.ResponseWriter, r *http.Request, names []string) (form, error) {
	// A page of another origin can send a form or plain text without asking; for JSON the browser
	// asks first, and nobody here says yes.
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, &badRequest{http.StatusUnsupportedMediaType, "the Content-Type must be application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		reason := fmt.Sprintf("the body must be at most %d bytes", maxBody)
		return nil, &badRequest{http.StatusRequestEntityTooLarge, reason}
	} else if err != nil {
		return nil, &badRequest{http.StatusBadRequest, "the body could not be read"}
	}
	f, err := parseForm(body)
	if err != nil {
		return nil, &badRequest{http.StatusBadRequest, err.Error()}
	}
	return f, f.has(names)
}

var errForm = errors.New("the body must be one JSON object of texts, none of them twice")

func parseForm(body []byte) (form, error) {
	if !utf8.Valid(body) { // the decoder would replace it, and make other passwords of it
		return nil, errForm
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errForm
	}
	f := form{}
	for d.More() {
		name, err := d.Token() // of an object that goes on: a text
		if err != nil {
			return nil, errForm
		}
		value, err := d.Token()
		if err != nil {
			return nil, errForm
		}
		n, _ := name.(string)
		text, ok := value.(string)
		if _, twice := f[n]; twice || !ok {
			return nil, errForm
		}
		f[n] = text
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, errForm
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errForm
	}
	return f, nil
}

// has returns what is wrong with the names of f.
func (f form) has(names []string) error {
	for _, n := range names {
		if _, ok := f[strings.TrimSuffix(n, "?")]; !ok && !strings.HasSuffix(n, "?") {
			return &badRequest{http.StatusBadRequest, "the body lacks " + n}
		}
	}
	for n := range f {
		if !slices.Contains(names, n) && !slices.Contains(names, n+"?") {
			reason := "the body may have " + strings.Join(names, ", ") + " and nothing else"
			return &badRequest{http.StatusBadRequest, reason}
		}
	}
	return nil
}
