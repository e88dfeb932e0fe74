package message

import (
	"strings"
	"unicode"
)

// Settings are a pool's own words for its messages. The zero value is the built-in words, which are
// there in English and German.
type Settings struct {
	Templates []Template // at most one of a kind and locale, and 192 KiB of JSON together
}

// Template is the words of one kind of message in one language, in place of the built-in ones. Its
// placeholders are those of Cognito:
//
//   - {####} is the code. Every body of a kind that carries one must hold it, and no subject may.
//   - {username} is the name by which the reader signs in. [ResetPassword] and [PasswordChanged] may
//     hold it. In HTML it is escaped for text and for the values of attributes; it belongs into no
//     script, no style and not at the beginning of a link's address.
//
// The one of a link, {##text##}, is refused, because no message has a link yet. Other braces are
// words like any.
type Template struct {
	Kind Kind
	// Locale is a language tag of BCP 47, such as "pt-BR". "" means every language in which the kind
	// has no other template.
	Locale  string
	Subject string // one line of 1 to 140 characters
	Text    string // plain text of 6 to 20,000 characters
	HTML    string // a document of 6 to 20,000 characters; "" means that the message has none
}

// The placeholders.
const (
	codeMark     = "{####}"
	usernameMark = "{username}"
)

// render fills in the placeholders. A subject keeps that of a code, and a line break of a template that
// nobody has checked opens no header line in it.
func (t *Template) render(locale string, d Data) Message {
	name := oneLine(d.Username, 254)
	marks := []string{usernameMark, name}
	subject := strings.NewReplacer(marks...).Replace(t.Subject)
	if d.Code != "" {
		marks = append(marks, codeMark, d.Code)
	}
	text := strings.NewReplacer(marks...).Replace(t.Text)
	marks[1] = escapeHTML.Replace(name)
	return Message{
		Kind: t.Kind, Locale: locale, Subject: strings.Map(unbroken, subject),
		Text: text, HTML: strings.NewReplacer(marks...).Replace(t.HTML),
	}
}

// escapeHTML escapes a value for text and for attributes, quoted or not: an unquoted one ends at a
// blank, after which a name could add an attribute.
var escapeHTML = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;",
	"`", "&#96;", "=", "&#61;", " ", "&#32;")

// unbroken drops what ends a line.
func unbroken(r rune) rune {
	if breaksLine(r) {
		return -1
	}
	return r
}

func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
