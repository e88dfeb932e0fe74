// Package interop lets foreign programs judge what this library hands out, such as Node's jose our
// tokens, and puts its middleware into routers that are not net/http's; package browser clicks through the
// pages and plugs an authenticator into the browser. It is a module of its own and is not published, so that nobody who imports the library pays for
// what such tests need.
//
// A test whose tool is missing is skipped; where USERPOOL_CI is set, as .ci/run does, it fails.
package interop

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Need skips a test where one of the programs is missing, and fails it in CI.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("USERPOOL_CI") != "" {
			t.Fatalf("%s is not installed, and may not be missing here", name)
		}
		t.Skipf("SKIPPED: %s is not installed, so nothing was tried", name)
	}
}

// Install returns a folder, away from the source, with the files of another one and the npm packages that
// its lock file names.
func Install(t testing.TB, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--prefer-offline")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// ReadQR returns the text of the QR code in a PNG, as zbar reads it.
func ReadQR(t testing.TB, png []byte) string {
	t.Helper()
	Need(t, "zbarimg")
	cmd := exec.CommandContext(t.Context(), "zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", "PNG:-")
	cmd.Stdin = bytes.NewReader(png)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Errorf("zbarimg: %v\n%s", err, &complaint)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
