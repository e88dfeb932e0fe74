package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/interop"
)

// TestLoad lets the command measure a few users, so that it can be run when it is needed.
func TestLoad(t *testing.T) {
	stores := []string{"memory", "sqlite", "postgres"}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) == 0 && os.Getenv("USERPOOL_TEST_POSTGRES") == "" {
		interop.Need(t, "initdb")
	}
	dir := t.TempDir()
	load, figures, more := filepath.Join(dir, "load"), filepath.Join(dir, "figures.jsonl"), filepath.Join(dir, "more.jsonl")
	page, plot := filepath.Join(dir, "performance.md"), filepath.Join(dir, "performance.svg")
	do(t, "go", "build", "-o", load, ".")
	said := do(t, load, "-users", "200", "-window", "2ms", "-rounds", "1", "-callers", "16", "-out", figures,
		"-stores", strings.Join(stores, ","), "-postgres", os.Getenv("USERPOOL_TEST_POSTGRES"))
	for _, store := range stores {
		if !strings.Contains(said, "\n"+store+", 200 users") {
			t.Errorf("nothing is said of %s:\n%s", store, said)
		}
	}
	do(t, load, "-users", "100", "-window", "2ms", "-rounds", "1", "-callers", "1,16", "-out", more, "-stores", "memory", "-only", "find,page")
	if text, err := os.ReadFile("../../../docs/performance.md"); err != nil || os.WriteFile(page, text, 0o600) != nil {
		t.Fatalf("copy the page: %v", err)
	}
	do(t, load, "report", "-in", figures+","+more, "-page", page, "-plot", plot)
	text, _ := os.ReadFile(page)
	drawn, _ := os.ReadFile(plot)
	for _, operation := range []string{"find by login", "page by group", "commit of a sign-in", "refresh", "refresh at the store", "sign-in", "sign-up", "verify"} {
		if n := strings.Count(said, "\n"+operation); n < len(stores) {
			t.Errorf("%q is measured %d times:\n%s", operation, n, said)
		}
		if !bytes.Contains(text, []byte("| "+operation)) {
			t.Errorf("the page lacks %q", operation)
		}
	}
	if n := bytes.Count(drawn, []byte("<polyline")); n != 5*2*len(stores) {
		t.Errorf("the plot has %d lines", n)
	}
}

func do(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestRefused(t *testing.T) {
	load := filepath.Join(t.TempDir(), "load")
	do(t, "go", "build", "-o", load, ".")
	for _, args := range [][]string{
		{"-users", "0"},
		{"-users", "1b"},
		{"-users", ""},
		{"-users", "99999999999m"},
		{"-callers", "65"},
		{"-callers", "x"},
		{"-stores", "disk"},
		{"-rounds", "0"},
		{"-window", "0"},
		{"-unknown"},
		{"what"},
		{"report", "-in", "there is none"},
		{"report", "-in", "load_test.go"},
	} {
		if out, err := exec.CommandContext(t.Context(), load, args...).CombinedOutput(); err == nil {
			t.Errorf("load %s is not refused:\n%s", strings.Join(args, " "), out)
		}
	}
}
