package hosted

import (
	"embed"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"
)

//go:embed words/*.json
var wordFiles embed.FS

// catalogs are the words of the pages, by language, the one for all others first. A catalog is
// data: who translates it reads no code.
var catalogs = []catalog{readCatalog("en"), readCatalog("de")}

// languages chooses among the catalogs.
var languages = language.NewMatcher(tags(catalogs))

// catalog is the words of one language. What varies stands in braces.
type catalog struct {
	lang  string
	words map[string]string
}

// readCatalog reads embedded words. They are part of the program, so a mistake in them cannot
// depend on input, and no test run would get past it.
func readCatalog(lang string) catalog {
	text, err := wordFiles.ReadFile("words/" + lang + ".json")
	if err != nil {
		panic(err)
	}
	c := catalog{lang: lang}
	if err := json.Unmarshal(text, &c.words); err != nil {
		panic(err)
	}
	return c
}

func tags(cs []catalog) []language.Tag {
	tags := make([]language.Tag, len(cs))
	for i, c := range cs {
		tags[i] = language.MustParse(c.lang)
	}
	return tags
}

// maxLanguages bounds the Accept-Language that is read, in bytes: it takes time.
const maxLanguages = 256

// wordsFor returns the words that suit a reader best.
func wordsFor(acceptLanguage string) catalog {
	if acceptLanguage == "" || len(acceptLanguage) > maxLanguages {
		return catalogs[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return catalogs[0]
	}
	_, i, confidence := languages.Match(wanted...)
	if confidence == language.No {
		return catalogs[0]
	}
	return catalogs[i]
}

// say returns words, with what varies filled in: name, value, name, value. What is filled in is not
// looked at again.
func (c catalog) say(key string, vary ...string) string {
	if len(vary) == 0 {
		return c.words[key]
	}
	pairs := slices.Clone(vary)
	for i := 0; i < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(c.words[key])
}

// has reports whether there are words for a key.
func (c catalog) has(key string) bool { return c.words[key] != "" }

// first says the first of several keys that there are words for.
func (c catalog) first(keys []string, vary ...string) string {
	for _, k := range keys {
		if c.has(k) {
			return c.say(k, vary...)
		}
	}
	return ""
}

// slip says what is wrong with a field, or with the form as a whole where f is zero: in the words
// of its kind of field and rule, or in the next best.
func (c catalog) slip(s slip, f field) string {
	name, _, _ := strings.Cut(f.Name, ".")
	keys := []string{
		"error." + f.words + "." + s.Rule, "error." + name + "." + s.Rule,
		"error." + f.words, "error." + name, "error." + s.Rule, "error.invalid",
	}
	return c.first(keys, "min", strconv.FormatInt(s.Min, 10), "max", strconv.FormatInt(s.Max, 10))
}
