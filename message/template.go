package message

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
)

// Settings are a pool's own words for its messages. The zero value is the built-in words, which are
// there in English and German.
type Settings struct {
	Templates []Template // at most one of a kind and locale, and 192 KiB of JSON together
}

// Template is the words of one kind of message in one language, in place of the built-in ones:
// those for email, those for SMS, or both. For the channel that it has no words for, it is as if it
// were not there. Its placeholders are those of Cognito:
//
//   - {####} is the code, or the password of an [Invitation]. Every body of a kind that carries one
//     must hold it, and no subject may.
//   - {##text##} is the link of [ConfirmSignUpLink], [AddressReplaced], [AddressAdded] or [FactorsLost],
//     behind a text that holds no braces. Every body of these must hold one, and nothing else may. HTML gets <a href="...">text</a>, so it
//     belongs neither into an attribute nor into another link; plain text gets the text and <...>,
//     in the brackets of RFC 3986, appendix C, so that no full stop after it becomes part of the
//     address; an SMS gets the text and a blank.
//   - {username} is the name by which the reader signs in. [ResetPassword], [PasswordChanged],
//     [SignInAttempts], [Invitation], [AddressReplaced], [AddressAdded], [AddressesChanged], [AccountDeleted],
//     [AddressRemoved], [Impersonated], [ForgotUsername], [SignInCode], [FactorCode] and what tells an [Occasion] may hold it. In HTML it is escaped for
//     text and for the values of attributes; it belongs into no script, no style and not at the
//     beginning of a link's address.
//   - {login-time}, {ip-address} and {device-name} are the [Occasion] of a notice that tells one, and
//     {factor} its Factor, in the language of the template or else in English. What is not known is "-".
//
// Other braces are words like any. The last line of an SMS may be "@shop.example #{####}", so that
// a browser offers the code to that site alone (WICG, Origin-bound one-time codes).
type Template struct {
	Kind Kind
	// Locale is a language tag of BCP 47, such as "pt-BR". "" means every language in which the
	// kind has no other template.
	Locale  string
	Subject string // one line of 1 to 140 characters
	Text    string // plain text of 6 to 20,000 characters
	HTML    string // a document of 6 to 20,000 characters; "" means that the message has none
	// SMS is plain text of 6 to 140 characters, counted before names and links are filled in; a gateway may
	// send a long one in parts. "" means that there are no words for SMS, also where Text is one's
	// own.
	SMS string
}

// The placeholders.
const (
	codeMark     = "{####}"
	usernameMark = "{username}"
)

// occasionMarks are the placeholders of an [Occasion], which only the kinds that tell one fill in.
func occasionMarks(locale string, o Occasion) []string {
	marks := []string{
		"{login-time}", o.when(), "{ip-address}", o.network(), "{device-name}", o.device(), "{factor}", o.Factor.in(locale),
	}
	for i := 1; i < len(marks); i += 2 {
		marks[i] = cmp.Or(marks[i], "-")
	}
	return marks
}

var linkMark = regexp.MustCompile(`\{##([^{}]+)##\}`)

// has reports whether t has words for a channel.
func (t *Template) has(by Channel) bool {
	if by == SMS {
		return t.SMS != ""
	}
	return t.SMS == "" || t.Subject+t.Text+t.HTML != ""
}

// render fills in the placeholders. A subject keeps those of code and link, and a line break of a
// template that nobody has checked opens no header line in it.
func (t *Template) render(locale string, d Data) Message {
	m := Message{Channel: d.Channel, Kind: t.Kind, Locale: locale}
	name := oneLine(d.Username, 254)
	marks := []string{usernameMark, name}
	if kinds[t.Kind].occasion {
		marks = append(marks, occasionMarks(locale, d.Occasion)...)
	}
	subject := strings.NewReplacer(marks...).Replace(t.Subject)
	if d.Code != "" {
		marks = append(marks, codeMark, d.Code)
	}
	plain := strings.NewReplacer(marks...)
	if d.Channel == SMS {
		m.Text = plain.Replace(linked(t.SMS, "$1 ", d.Link, ""))
		return m
	}
	for i := 1; i < len(marks); i += 2 {
		marks[i] = escapeHTML.Replace(marks[i])
	}
	m.Subject = strings.Map(unbroken, subject)
	m.Text = plain.Replace(linked(t.Text, "$1 <", d.Link, ">"))
	m.HTML = strings.NewReplacer(marks...).Replace(linked(t.HTML, `<a href="`, escapeHTML.Replace(d.Link), `">$1</a>`))
	return m
}

// linked fills in a link, which comes first: a name that is filled in later makes no placeholder.
func linked(body, before, link, after string) string {
	if link == "" {
		return body
	}
	return linkMark.ReplaceAllString(body, before+strings.ReplaceAll(link, "$", "$$")+after)
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
