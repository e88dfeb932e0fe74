package hosted

import (
	"maps"
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

// WordsOf returns what words are asked for with some settings: by pages and by fields.
func WordsOf(s pool.Settings) (names, fields []string) {
	for _, p := range pages() {
		names = append(names, p.key())
		for _, f := range p.fields(s) {
			fields = append(fields, f.words)
		}
	}
	return names, fields
}

// Failures names how errors of the pool are told.
func Failures() (names []string) {
	for _, f := range failures {
		names = append(names, f.name)
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

// TicketOf returns the ticket in a flow's cookie.
func TicketOf(value string) string {
	f, _ := parseFlow(value)
	return f.Ticket
}

// FieldsOf returns what the form of a page asks for.
func (h *Pages) FieldsOf(page string) (names []string) {
	for _, f := range h.pages[page].fields(h.pool.Settings()) {
		names = append(names, f.Name)
	}
	return names
}
