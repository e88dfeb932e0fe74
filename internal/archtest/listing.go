package archtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	ruleID   = regexp.MustCompile(`^[TS][0-9]+$`)
	ruleTest = regexp.MustCompile(`\b(?:Test|Fuzz)([TS][0-9]+)_\w+`)
)

// CheckListing holds the table of rules in a page to the tests that there are: a test that a row
// names exists and carries the row's rule in its name, and a rule that a test carries has a row. A
// row is "| T4 | `TestT4_CodesAreMACs`, ... |".
func CheckListing(page string, tests []string) []string {
	var wrong, rows []string
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !ruleID.MatchString(strings.TrimSpace(cells[1])) {
			continue
		}
		rule := strings.TrimSpace(cells[1])
		rows = append(rows, rule)
		named := ruleTest.FindAllStringSubmatch(strings.Join(cells[2:], "|"), -1)
		if len(named) == 0 {
			wrong = append(wrong, fmt.Sprintf("the row of %s names no test", rule))
		}
		for _, m := range named {
			switch {
			case m[1] != rule:
				wrong = append(wrong, fmt.Sprintf("the row of %s names %s", rule, m[0]))
			case !slices.Contains(tests, m[0]):
				wrong = append(wrong, fmt.Sprintf("the row of %s names %s, which does not exist", rule, m[0]))
			}
		}
	}
	for _, t := range tests {
		if m := ruleTest.FindStringSubmatch(t); m != nil && !slices.Contains(rows, m[1]) {
			rows = append(rows, m[1])
			wrong = append(wrong, fmt.Sprintf("%s holds %s, which has no row", t, m[1]))
		}
	}
	return wrong
}
