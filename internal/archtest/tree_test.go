package archtest_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/archtest"
)

const root = "../.."

func report(t *testing.T, wrong []string) {
	t.Helper()
	for _, w := range wrong {
		t.Error(w)
	}
}

// TestT1_OnlyTheGateMakesSessions looks for sessions that are made, clocks that are read and calls
// that go out, in every file that is not a test.
func TestT1_OnlyTheGateMakesSessions(t *testing.T) {
	t.Parallel()
	files := 0
	walk(t, func(name string, src []byte) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		files++
		wrong, err := archtest.CheckSource(name, src)
		if err != nil {
			t.Error(err)
		}
		report(t, wrong)
	})
	if files < 50 {
		t.Errorf("only %d files were looked at", files)
	}
}

func TestImports(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Standard", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pkgs []archtest.Package
	dec := json.NewDecoder(out)
	for {
		var p struct {
			ImportPath string
			Imports    []string
			Standard   bool
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, archtest.Package{Path: p.ImportPath, Standard: p.Standard, Imports: p.Imports})
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go list: %v", err)
	}
	if len(pkgs) < 50 {
		t.Errorf("only %d packages were looked at", len(pkgs))
	}
	report(t, archtest.CheckImports(pkgs))
}

func TestFolders(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	report(t, archtest.CheckFolders(names))
}

func TestListing(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	walk(t, func(name string, src []byte) {
		if !strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			return
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				tests = append(tests, fn.Name.Name)
			}
		}
	})
	report(t, archtest.CheckListing(string(page), tests))
}

// walk calls f with every Go file of the repository, the nested module among them. That the test
// itself opens them is what makes go test run it again when one of them changes.
func walk(t *testing.T, f func(name string, src []byte)) {
	t.Helper()
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		src, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		f(name, src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
