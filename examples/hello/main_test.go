package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// The program is as short as it says, and the one that package hosted shows.
func TestHelloIsTwelveLines(t *testing.T) {
	t.Parallel()
	hello, shown := body(t, "main.go", "main"), body(t, "../../hosted/example_test.go", "Example")
	if n := strings.Count(hello, "\n") + 1; n > 12 {
		t.Errorf("main has %d lines, want at most 12", n)
	}
	if hello != shown {
		t.Errorf("main is not the Example:\n%s\n%s", hello, shown)
	}
}

// body returns the body of a function, braces and all.
func body(t *testing.T, file, name string) string {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
			return string(src[files.Position(f.Body.Pos()).Offset:files.Position(f.Body.End()).Offset])
		}
	}
	t.Fatalf("%s has no %s", file, name)
	return ""
}
