package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
)

// CheckSource returns what is wrong within one file of ours that is not a test. Name is its path
// from the root of the module.
func CheckSource(name string, src []byte) ([]string, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	s := source{file: f, room: path.Dir(name)}
	for _, i := range f.Imports {
		if i.Name != nil && i.Name.Name == "." {
			s.add(i, "a package is imported without its name, which hides what comes from it")
		}
	}
	s.walk(f)
	wrong := make([]string, 0, len(s.found))
	for _, x := range s.found {
		wrong = append(wrong, fmt.Sprintf("%s: %s", fset.Position(x.pos), x.why))
	}
	return wrong, nil
}

type source struct {
	file  *ast.File
	room  string
	found []finding
}

type finding struct {
	pos token.Pos
	why string
}

func (s *source) add(at ast.Node, why string) { s.found = append(s.found, finding{at.Pos(), why}) }

func (s *source) in(rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return within(s.room, r) })
}

func (s *source) walk(root ast.Node) {
	starred := map[ast.Expr]bool{} // what stands directly behind a star
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			starred[n.X] = true
		case *ast.CallExpr:
			s.call(n)
		case *ast.CompositeLit:
			s.elided(n)
		case *ast.SelectorExpr:
			s.selector(n, starred[n])
		}
		return true
	})
}

func (s *source) call(c *ast.CallExpr) {
	for _, name := range []string{"Now", "Since", "Until"} {
		if s.is(c.Fun, "time", name) && !s.in(clocks) {
			s.add(c, "time."+name+" is called: take the time as an argument, or from Config.Now")
		}
	}
}

func (s *source) selector(x *ast.SelectorExpr, starred bool) {
	if !starred && s.is(x, Module+"/token", "Session") && !s.in(sessions) {
		s.add(x, "a token.Session is made outside pool/internal/gate")
	}
	for _, name := range []string{
		"Client", "DefaultClient", "Transport", "DefaultTransport",
		"Get", "Head", "Post", "PostForm",
	} {
		if s.is(x, "net/http", name) && !s.in(callers) {
			s.add(x, "http."+name+" is used outside internal/egress")
		}
	}
}

// elided finds sessions in a list of pointers to them, whose elements may leave the type out.
func (s *source) elided(c *ast.CompositeLit) {
	var of ast.Expr
	switch t := c.Type.(type) {
	case *ast.ArrayType:
		of = t.Elt
	case *ast.MapType:
		of = t.Value
	}
	star, ok := of.(*ast.StarExpr)
	if !ok || !s.is(star.X, Module+"/token", "Session") || s.in(sessions) {
		return
	}
	for _, e := range c.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		if lit, ok := e.(*ast.CompositeLit); ok && lit.Type == nil {
			s.add(lit, "a token.Session is made outside pool/internal/gate")
		}
	}
}

// is reports whether x names something of a package, whatever the file calls the package.
func (s *source) is(x ast.Expr, pkg, name string) bool {
	sel, ok := x.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && s.imported(id.Name) == pkg
}

// imported returns the path that the file imports under a name.
func (s *source) imported(name string) string {
	for _, i := range s.file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		as := path.Base(p)
		if i.Name != nil {
			as = i.Name.Name
		}
		if as == name {
			return p
		}
	}
	return ""
}
