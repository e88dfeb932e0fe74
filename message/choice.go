package message

import (
	"slices"

	"golang.org/x/text/language"
)

// maxLocale bounds what a reader may ask for, in bytes: it comes from a header, and takes time to
// read.
const maxLocale = 256

// choice is a language in which there are words, one's own or, where own is nil, built-in ones.
type choice struct {
	tag language.Tag
	own *Template
}

// locale returns the tag of the words, "" where their template tells none.
func (c choice) locale() string {
	if c.tag == language.Und {
		return ""
	}
	return c.tag.String()
}

// choose returns the words that suit a reader best.
func (s Settings) choose(kind Kind, by Channel, wanted string) choice {
	all := s.choices(kind, by)
	if wanted == "" || len(wanted) > maxLocale {
		return all[0]
	}
	readable, _, err := language.ParseAcceptLanguage(wanted)
	if err != nil {
		return all[0]
	}
	tags := make([]language.Tag, len(all))
	for i, c := range all {
		tags[i] = c.tag
	}
	_, i, confidence := language.NewMatcher(tags).Match(readable...)
	if confidence == language.No {
		return all[0]
	}
	return all[i]
}

// choices returns in which languages there are words for a kind by a channel; the first is for
// those who read none of them. Built-in words stand back in a language that has a template, and
// everywhere once there is a template for all.
func (s Settings) choices(kind Kind, by Channel) (all []choice) {
	taken := map[language.Base]bool{}
	general := false
	for _, t := range s.Templates {
		if t.Kind != kind || !t.has(by) {
			continue
		}
		tag := language.Make(t.Locale)
		base, _ := tag.Base()
		taken[base], general = true, general || tag == language.Und
		all = append(all, choice{tag, &t})
	}
	for _, tag := range languages {
		if base, _ := tag.Base(); !general && !taken[base] {
			all = append(all, choice{tag: tag})
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int { return a.rank() - b.rank() })
	return all
}

// rank orders what is given to readers of other languages: what is meant for all, then English.
func (c choice) rank() int {
	english, _ := language.English.Base()
	switch base, _ := c.tag.Base(); {
	case c.tag == language.Und:
		return 0
	case base == english:
		return 1
	}
	return 2
}
