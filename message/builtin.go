package message

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// units are the built-in words for how long a code is valid: one minute, several, one hour,
// several, and several days. Every locale here has a folder of templates.
var units = map[string][5]string{
	"en": {"1 minute", "%d minutes", "1 hour", "%d hours", "%d days"},
	"de": {"1 Minute", "%d Minuten", "1 Stunde", "%d Stunden", "%d Tage"},
}

//go:embed templates
var files embed.FS

// languages are those of the built-in words, and builtin the words, by locale.
var languages, builtin = parseAll()

// words are the built-in words of a kind in a language.
type words struct {
	text *template.Template // with the templates "subject" and, unless it goes by email only, "sms" beside it
	html *htmltemplate.Template
}

// view is what a built-in template sees: code, link and user name only in the bodies of those kinds
// that may say them.
type view struct {
	Locale, Subject, Pool, Username, Code, Link, Expires string
	When, Network, Device, Factor                        string
}

// shortName is how long the name of a user in an SMS may be, and soughtName where the message is about
// it: one that is cut would be of no use.
const (
	shortName  = 24
	soughtName = 64
)

func parseAll() (languages []language.Tag, all map[string]map[Kind]words) {
	all = map[string]map[Kind]words{}
	for _, locale := range slices.Sorted(maps.Keys(units)) {
		all[locale] = map[Kind]words{}
		for kind := range kinds {
			all[locale][kind] = parse(locale, kind)
		}
		languages = append(languages, language.MustParse(locale))
	}
	return languages, all
}

// parse reads the embedded templates of a kind. They are part of the program, so a mistake in them
// cannot depend on input, and no test run would get past it.
func parse(locale string, kind Kind) words {
	name, occasion := "templates/"+locale+"/"+string(kind), "templates/"+locale+"/occasion"
	body, err := files.ReadFile(name + ".html")
	if err != nil {
		panic(err)
	}
	html := htmltemplate.Must(htmltemplate.ParseFS(files, "templates/layout.html", occasion+".html"))
	return words{
		text: template.Must(template.ParseFS(files, name+".txt", occasion+".txt")),
		html: htmltemplate.Must(html.New("body").Parse(string(body))),
	}
}

func (w words) render(kind Kind, locale string, d Data) (Message, error) {
	if d.Channel == SMS {
		return w.renderSMS(kind, locale, d)
	}
	v := view{Locale: locale, Pool: oneLine(d.Pool, 64)}
	var subject, text, html strings.Builder
	if err := w.text.ExecuteTemplate(&subject, "subject", v); err != nil {
		return Message{}, fmt.Errorf("render subject of %s: %w", kind, err)
	}
	v.Subject, v.Code, v.Link, v.Expires = subject.String(), d.Code, d.Link, inWords(d.Expires, units[locale])
	if kinds[kind].username {
		v.Username = oneLine(d.Username, 254)
	}
	o := d.Occasion
	v.When, v.Network, v.Device, v.Factor = o.when(), o.network(), o.device(), o.Factor.in(locale)
	if err := w.text.Execute(&text, v); err != nil {
		return Message{}, fmt.Errorf("render text of %s: %w", kind, err)
	}
	if err := w.html.ExecuteTemplate(&html, "layout", v); err != nil {
		return Message{}, fmt.Errorf("render HTML of %s: %w", kind, err)
	}
	return Message{
		Channel: Email, Kind: kind, Locale: locale, Subject: v.Subject, Text: text.String(), HTML: html.String(),
	}, nil
}

// renderSMS keeps the words within maxSMS: the name of a pool is cut shorter than in a mail.
func (w words) renderSMS(kind Kind, locale string, d Data) (Message, error) {
	v := view{Locale: locale, Pool: oneLine(d.Pool, 32), Code: d.Code, Link: d.Link, Expires: inWords(d.Expires, units[locale])}
	longest := shortName
	if kind == ForgotUsername {
		longest = soughtName
	}
	if name := oneLine(d.Username, 254); kinds[kind].username && utf8.RuneCountInString(name) <= longest {
		v.Username = name
	}
	var text strings.Builder
	if err := w.text.ExecuteTemplate(&text, "sms", v); err != nil {
		return Message{}, fmt.Errorf("render SMS of %s: %w", kind, err)
	}
	return Message{Channel: SMS, Kind: kind, Locale: locale, Text: text.String()}, nil
}

// inWords says a duration as people do: "1 minute", "90 minutes", "24 hours", "7 days".
func inWords(d time.Duration, units [5]string) string {
	switch {
	case d < time.Minute:
		return ""
	case d < 2*time.Minute:
		return units[0]
	case d == time.Hour:
		return units[2]
	case d < 2*time.Hour:
		return fmt.Sprintf(units[1], d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf(units[3], d/time.Hour)
	}
	return fmt.Sprintf(units[4], d/(24*time.Hour))
}
