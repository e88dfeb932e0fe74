// Package archtest holds the source to the plan of the house in ARCHITECTURE.md: which room may
// import which, which one owns a dependency, where a clock may be read, and where a session may be
// made. The checks are functions over values, so that its tests can show what each of them catches;
// one more test runs them over the tree.
package archtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Module is the path of the module that is checked.
const Module = "github.com/userpool-go/userpool"

// Package is one package of the build: one of ours, or one that ours depend on.
type Package struct {
	Path     string // import path
	Standard bool   // of the standard library
	Imports  []string
}

// room returns the path of one of our packages within the module, "." for its root; ok is false for
// a package of somebody else.
func room(path string) (r string, ok bool) {
	if path == Module {
		return ".", true
	}
	return strings.CutPrefix(path, Module+"/")
}

// CheckImports returns what is wrong with the imports of pkgs, one sentence each.
func CheckImports(pkgs []Package) []string {
	standard := map[string]bool{}
	for _, p := range pkgs {
		standard[p.Path] = p.Standard
	}
	var wrong []string
	for _, p := range pkgs {
		if slices.Contains(never, p.Path) {
			wrong = append(wrong, p.Path+" is in the build, which nothing may import")
		}
		from, ours := room(p.Path)
		if !ours {
			continue
		}
		may, known := rooms[from]
		if !known && !strings.HasPrefix(from, "examples/") {
			wrong = append(wrong, from+" is no room of the house: see rooms.go")
			continue
		}
		for _, path := range p.Imports {
			if why := checkImport(from, may, path, standard[path]); why != "" {
				wrong = append(wrong, why)
			}
		}
	}
	return wrong
}

func checkImport(from string, may []string, path string, standard bool) string {
	if to, ours := room(path); ours {
		if slices.Contains(may, to) || strings.HasPrefix(from, "examples/") && !slices.Contains(kits, to) {
			return ""
		}
		return fmt.Sprintf("%s imports %s, which is not below it", from, to)
	}
	owners, listed := owners[path]
	switch {
	case listed && !slices.ContainsFunc(owners, func(o string) bool { return within(from, o) }):
		return fmt.Sprintf("%s imports %s, which belongs to %s", from, path, cmp.Or(strings.Join(owners, ", "), "nobody"))
	case !listed && !standard:
		return fmt.Sprintf("%s imports %s, which no room owns: the default answer is no", from, path)
	}
	return ""
}

// within reports whether a room is another one or lies in it.
func within(r, outer string) bool { return r == outer || strings.HasPrefix(r, outer+"/") }

// CheckFolders returns which top-level folders are no rooms. Those with a leading dot are not
// looked at.
func CheckFolders(names []string) []string {
	var wrong []string
	for _, name := range names {
		isRoom := func(r string) bool { return within(r, name) }
		known := name == "examples" || name == "docs" // pictures of the README
		for r := range rooms {
			known = known || isRoom(r)
		}
		if !known && !strings.HasPrefix(name, ".") {
			wrong = append(wrong, name+" is no room of the house: see rooms.go")
		}
	}
	return wrong
}
