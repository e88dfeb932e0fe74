package hosted

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/pool"
)

// Routes lists all routes with their guards.
func (h *Pages) Routes() []string {
	var all []string
	for _, r := range h.routes {
		names := make([]string, len(r.guards))
		for i, g := range r.guards {
			names[i] = g.name
		}
		all = append(all, strings.TrimSuffix(r.method+" "+r.page.name+": "+strings.Join(names, ", "), ": "))
	}
	slices.Sort(all)
	return all
}

// Catalogs returns the words by language and key.
func Catalogs() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, c := range catalogs {
		all[c.lang] = maps.Clone(c.words)
	}
	return all
}

// Templates returns the text of the templates.
func Templates() string {
	text, _ := templateFiles.ReadFile("templates/page.html")
	return string(text)
}

// Pages_ returns what words are asked for by the pages of some settings: name of the page and keys of fields.
func WordsOf(s pool.Settings) (pages []string, fields []string) {
	for _, p := range pages_() {
		pages = append(pages, p.key())
		for _, f := range p.fields(s) {
			fields = append(fields, f.words)
		}
	}
	return pages, fields
}

func pages_() map[string]*page { return pages() }

// Failures names the errors of the pool that the pages have words for.
func Failures() (names []string) {
	for _, f := range failures {
		names = append(names, regexp.MustCompile(`\W+`).ReplaceAllString(f.is.Error(), " "))
	}
	return names
}

// FailureOf says how an error is told.
func FailureOf(err error) (status int, name string) {
	f := failed(err)
	return f.status, f.name
}

// Contrast returns the contrast of two colors.
func Contrast(a, b string) float64 {
	c, _ := parseColor(a)
	d, _ := parseColor(b)
	return c.contrast(d)
}

// The colors of a branding.
var Colors = colors

// MaxFlows is how many flows a browser keeps.
const MaxFlows = maxFlows

// ParseFlow returns where the flow in a cookie leads.
func ParseFlow(value, page string) string {
	f, ok := parseFlow(value)
	if !ok || f.Page != page {
		return ""
	}
	return f.Next
}
