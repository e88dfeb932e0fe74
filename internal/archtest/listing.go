package archtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	ruleID   = regexp.MustCompile(`^([TS]|CVE)[0-9]+$`)
	ruleTest = regexp.MustCompile(`\b(?:Test|Fuzz)((?:[TS]|CVE)[0-9]+)_\w+`)
)

// CheckListing holds the tables of rules and of CVE classes in a page to the tests that there are: a
// test that a row names exists and carries the row's id in its name, and an id that a test carries
// has a row. A row is "| T4 | `TestT4_CodesAreMACs`, ... |"; that of a class, "| CVE13 | ...", may
// name tests of rules beside its own, which hold it too.
func CheckListing(page string, tests []string) []string {
	var wrong, rows []string
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !ruleID.MatchString(strings.TrimSpace(cells[1])) {
			continue
		}
		rule := strings.TrimSpace(cells[1])
		if slices.Contains(rows, rule) {
			wrong = append(wrong, fmt.Sprintf("%s has two rows", rule))
		}
		rows = append(rows, rule)
		wrong = append(wrong, checkRow(rule, strings.Join(cells[2:], "|"), tests)...)
	}
	for _, t := range tests {
		if m := ruleTest.FindStringSubmatch(t); m != nil && !slices.Contains(rows, m[1]) {
			rows = append(rows, m[1])
			wrong = append(wrong, fmt.Sprintf("%s holds %s, which has no row", t, m[1]))
		}
	}
	return wrong
}

func checkRow(rule, row string, tests []string) (wrong []string) {
	own := false
	for _, m := range ruleTest.FindAllStringSubmatch(row, -1) {
		name, id := m[0], m[1]
		borrowed := strings.HasPrefix(rule, "CVE") && !strings.HasPrefix(id, "CVE")
		own = own || !borrowed
		switch {
		case id != rule && !borrowed:
			wrong = append(wrong, fmt.Sprintf("the row of %s names %s", rule, name))
		case !slices.Contains(tests, name):
			wrong = append(wrong, fmt.Sprintf("the row of %s names %s, which does not exist", rule, name))
		}
	}
	if !own {
		wrong = append(wrong, fmt.Sprintf("the row of %s names no test of its own", rule))
	}
	return wrong
}
