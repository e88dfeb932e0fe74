package message

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"text/template"
	"time"
	"unicode"
)

// Data is what the built-in words speak of.
type Data struct {
	// Code is the one-time code, ASCII letters and digits. Kinds that carry none ignore it.
	Code string
	// Pool is the name by which people know the pool, such as "Example Shop". It is shown on one
	// line, cut after 64 characters, without control characters; "" leaves the name out.
	Pool string
	// Expires is for how long the code is valid, rounded down to whole minutes or hours; under a
	// minute the sentence about it is left out.
	Expires time.Duration
}

// ErrKind means that there are no words for a kind of message.
var ErrKind = errors.New("message: no such kind")

// ErrCode means that a kind which carries a code was given none, or one that is not ASCII letters
// and digits only.
var ErrCode = errors.New("message: code must be ASCII letters and digits")

// Render returns the built-in English words of a message: its subject, and its body as plain text
// and as HTML. They are built from d alone, load nothing and link nowhere.
//
// No subject carries a code, because a locked phone shows subjects to whoever holds it. The name of
// a pool may be chosen by a tenant: it can open neither a header line nor an HTML element.
func Render(kind Kind, d Data) (subject, text, html string, err error) {
	w, ok := builtin[kind]
	if !ok {
		return "", "", "", fmt.Errorf("%w: %q", ErrKind, kind)
	}
	v := view{Pool: oneLine(d.Pool)}
	if subject, err = execute(w.text.Lookup("subject"), v); err != nil {
		return "", "", "", err
	}
	v.Subject = subject
	if w.carriesCode {
		if !validCode(d.Code) {
			return "", "", "", ErrCode
		}
		v.Code, v.Expires = d.Code, inWords(d.Expires)
	}
	if text, err = execute(w.text, v); err != nil {
		return "", "", "", err
	}
	var b strings.Builder
	if err = w.html.ExecuteTemplate(&b, "layout", v); err != nil {
		return "", "", "", fmt.Errorf("render %s: %w", kind, err)
	}
	return subject, text, b.String(), nil
}

// view is what a template sees: the code only in the bodies of those kinds that carry one.
type view struct{ Subject, Pool, Code, Expires string }

type words struct {
	carriesCode bool
	text        *template.Template // with the template "subject" beside it
	html        *htmltemplate.Template
}

//go:embed templates
var files embed.FS

var builtin = map[Kind]words{
	ConfirmSignUp:     parse(ConfirmSignUp, true),
	AlreadyRegistered: parse(AlreadyRegistered, false),
	ResetPassword:     parse(ResetPassword, true),
	PasswordChanged:   parse(PasswordChanged, false),
}

// parse reads the embedded templates of a kind. They are part of the program, so a mistake in them
// cannot depend on input, and no test run would get past it.
func parse(kind Kind, carriesCode bool) words {
	name := "templates/" + string(kind)
	body, err := files.ReadFile(name + ".html")
	if err != nil {
		panic(err)
	}
	html := htmltemplate.Must(htmltemplate.ParseFS(files, "templates/layout.html"))
	return words{
		carriesCode: carriesCode,
		text:        template.Must(template.ParseFS(files, name+".txt")),
		html:        htmltemplate.Must(html.New("body").Parse(string(body))),
	}
}

func execute(t *template.Template, v view) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, v); err != nil {
		return "", fmt.Errorf("render %s: %w", t.Name(), err)
	}
	return b.String(), nil
}

func validCode(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// oneLine makes a name fit for a header and a sentence: white space becomes single spaces, and what
// does not print is dropped, among it the marks that reverse the direction of what follows.
func oneLine(s string) string {
	const longest = 64
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longest {
		s = strings.TrimSpace(string(r[:longest]))
	}
	return s
}

// inWords says a duration as people do: "1 minute", "90 minutes", "24 hours".
func inWords(d time.Duration) string {
	switch {
	case d < time.Minute:
		return ""
	case d < 2*time.Minute:
		return "1 minute"
	case d == time.Hour:
		return "1 hour"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}
