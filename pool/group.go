package pool

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/userpool-go/userpool/user"
)

// Group is what users may be in. Its name is all that is stored with a user, so a group means what
// the settings say of it today: taken out of them it gives nothing, to nobody.
//
// To be in a group should allow something, and never forbid: a token that has no room for groups
// tells none.
type Group struct {
	Name        string `json:",omitzero"` // see [user.ValidGroup]
	Description string `json:",omitzero"` // at most 2048 characters, for administrators
	// Precedence orders a user's groups: those of lower numbers come first, as in Cognito, and
	// those of the same number by name. It is 0 to 2147483647; nil is last of all.
	Precedence *int `json:",omitzero"`
	// May is what members may do as administrators ([Account.Admin]). Zero means nothing; who is in
	// several groups may do what each of them gives.
	May Role `json:",omitzero"`
	// RequireMFA asks every member for a second factor, whatever the pool does ([MFASettings]).
	RequireMFA bool `json:",omitzero"`
}

const (
	maxDescription = 2048      // code points
	maxGroups      = 128 << 10 // bytes of JSON: settings are stored in one document
)

// clone returns a copy that shares nothing.
func (g Group) clone() Group {
	if g.Precedence != nil {
		g.Precedence = new(*g.Precedence)
	}
	return g
}

// groupProblems returns what is wrong with the groups.
func (s Settings) groupProblems() (ps []string) {
	seen := map[string]bool{}
	for _, g := range s.Groups {
		if !user.ValidGroup(g.Name) {
			ps = append(ps, fmt.Sprintf("group %.40q: a name is 1 to 128 letters, marks, digits, symbols "+
				"or punctuation characters, in normal form C", g.Name))
			continue
		}
		if seen[g.Name] {
			ps = append(ps, fmt.Sprintf("group %q: a name stands once", g.Name))
		}
		seen[g.Name] = true
		d := g.Description
		if !utf8.ValidString(d) || strings.ContainsRune(d, 0) || utf8.RuneCountInString(d) > maxDescription {
			ps = append(ps, fmt.Sprintf("group %q: a description is at most %d characters of UTF-8 without NUL",
				g.Name, maxDescription))
		}
		if n := g.Precedence; n != nil && (*n < 0 || *n > math.MaxInt32) {
			ps = append(ps, fmt.Sprintf("group %q: precedence %d is not within 0 and %d", g.Name, *n, math.MaxInt32))
		}
		if g.May > MayEverything {
			ps = append(ps, fmt.Sprintf("group %q: %v has a permission that there is not", g.Name, g.May))
		}
	}
	if text, err := json.Marshal(s.Groups); err != nil || len(text) > maxGroups {
		ps = append(ps, fmt.Sprintf("groups: together they are at most %d bytes as JSON", maxGroups))
	}
	return ps
}

// byPrecedence returns the groups in their order.
func (s Settings) byPrecedence() []Group {
	return slices.SortedFunc(slices.Values(s.Groups), func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), strings.Compare(a.Name, b.Name))
	})
}

// places returns where each group stands in the order of precedence. Those that are gone have no
// place: a group of that name has members of the one before.
func (s Settings) places(gone []string) map[string]int {
	places := make(map[string]int, len(s.Groups))
	for i, g := range s.byPrecedence() {
		if !slices.Contains(gone, g.Name) {
			places[g.Name] = i
		}
	}
	return places
}

// roles returns what each group gives that gives something, and is not gone.
func (s Settings) roles(gone []string) map[string]Role {
	roles := map[string]Role{}
	for _, g := range s.Groups {
		if g.May != 0 && !slices.Contains(gone, g.Name) {
			roles[g.Name] = g.May
		}
	}
	return roles
}

// without returns the names of the groups of before that are not there any more.
func without(before, after []Group) (names []string) {
	for _, g := range before {
		if !slices.ContainsFunc(after, func(h Group) bool { return h.Name == g.Name }) {
			names = append(names, g.Name)
		}
	}
	return names
}

func (g Group) rank() int64 {
	if g.Precedence == nil {
		return math.MaxInt64
	}
	return int64(*g.Precedence)
}

// groupsOf returns the groups of u that there are, by precedence; nil means none.
func (s *state) groupsOf(u *user.User) (names []string) {
	for _, name := range u.Groups {
		if _, there := s.places[name]; there {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(s.places[a], s.places[b]) })
	return names
}
