package message

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Bounds: Cognito's, in code points, and what a store has room for beside a pool's other settings.
const (
	maxSubject   = 140
	minBody      = 6
	maxBody      = 20_000
	maxSMS       = 140
	maxTemplates = 192 << 10
	maxTag       = 35 // RFC 5646, 4.4.1
)

// Problems lists what is wrong with s, for the settings that hold it. Nil means nothing. It quotes
// no words, and says nothing of HTML that is not balanced: a reader may still show it well.
func (s Settings) Problems() (ps []string) {
	seen := map[string]bool{}
	for _, t := range s.Templates {
		name := fmt.Sprintf("template of %.40q in %.40q", t.Kind, t.Locale)
		for _, p := range t.problems() {
			ps = append(ps, name+": "+p)
		}
		if len(t.Locale) > maxTag { // to read it takes the square of its length
			continue
		}
		twin := string(t.Kind) + " " + language.Make(t.Locale).String()
		if seen[twin] {
			ps = append(ps, name+": it stands twice")
		}
		seen[twin] = true
	}
	if b, err := json.Marshal(s); err != nil || len(b) > maxTemplates {
		ps = append(ps, fmt.Sprintf("templates: together they have over %d bytes of JSON", maxTemplates))
	}
	return ps
}

func (t Template) problems() (ps []string) {
	may, ok := kinds[t.Kind]
	if !ok { // so what it may hold is not known either
		return []string{"there is no such kind of message"}
	}
	if t.Locale != "" && !isTag(t.Locale) {
		ps = append(ps, `the locale is a language tag such as "pt-BR", or empty for all languages`)
	}
	add := func(part string, lists ...[]string) {
		for _, p := range slices.Concat(lists...) {
			ps = append(ps, part+" "+p)
		}
	}
	if t.has(Email) {
		add("the subject", subjectProblems(t.Subject), anywhere(t.Subject, may))
		add("the text", bodyProblems(t.Text, maxBody, may), anywhere(t.Text, may))
	}
	if t.HTML != "" {
		add("the HTML", bodyProblems(t.HTML, maxBody, may), anywhere(t.HTML, may))
	}
	if t.SMS != "" && may.link && !may.texted {
		ps = append(ps, "the SMS cannot be sent: a message with a link goes by email only")
	} else if t.SMS != "" {
		add("the SMS", bodyProblems(t.SMS, maxSMS, may), anywhere(t.SMS, may))
	}
	return ps
}

// isTag reports whether s names a language.
func isTag(s string) bool {
	if len(s) > maxTag {
		return false
	}
	tag, err := language.Parse(s)
	base, _, _ := tag.Raw()
	return err == nil && base != language.Base{}
}

func subjectProblems(s string) (ps []string) {
	if n := utf8.RuneCountInString(s); n > maxSubject || strings.TrimSpace(s) == "" {
		ps = append(ps, fmt.Sprintf("has 1 to %d characters", maxSubject))
	}
	if strings.ContainsFunc(s, breaksLine) {
		ps = append(ps, "is one line, without control characters")
	}
	if strings.Contains(s, codeMark) {
		ps = append(ps, "holds no "+codeMark+": a locked phone shows it to whoever holds the phone")
	}
	if holdsLink(s) {
		ps = append(ps, "holds the placeholder of a link, which belongs into the text and the HTML")
	}
	return ps
}

func bodyProblems(s string, longest int, may may) (ps []string) {
	if n := utf8.RuneCountInString(s); n < minBody || n > longest {
		ps = append(ps, fmt.Sprintf("has %d to %d characters", minBody, longest))
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) }) {
		ps = append(ps, "holds a control character")
	}
	switch holds := strings.Contains(s, codeMark); {
	case may.code && !holds:
		ps = append(ps, "lacks "+codeMark+", the code of its kind")
	case !may.code && holds:
		ps = append(ps, "holds "+codeMark+", but its kind carries no code")
	}
	switch holds := holdsLink(s); {
	case may.link && !holds:
		ps = append(ps, "lacks {##text##}, the link of its kind")
	case !may.link && holds:
		ps = append(ps, "holds the placeholder of a link, but its kind carries none")
	}
	if may.link && blankLink(s) {
		ps = append(ps, "holds a link without a text to click on")
	}
	return ps
}

// holdsLink reports whether s holds the placeholder of a link, which one about a code is as well.
func holdsLink(s string) bool { return linkMark.MatchString(strings.ReplaceAll(s, codeMark, " ")) }

func blankLink(s string) bool {
	return slices.ContainsFunc(linkMark.FindAllStringSubmatch(s, -1), func(m []string) bool {
		return strings.TrimSpace(m[1]) == ""
	})
}

// anywhere lists what neither a subject nor a body may hold.
func anywhere(s string, may may) (ps []string) {
	if !utf8.ValidString(s) {
		ps = append(ps, "is not UTF-8")
	}
	if !may.username && strings.Contains(s, usernameMark) {
		ps = append(ps, "holds "+usernameMark+", but its kind would show what strangers have chosen")
	}
	return ps
}
