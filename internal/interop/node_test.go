package interop_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/interop"
)

// result is what the quickstart prints with -json.
type result struct {
	Issuer      string          `json:"issuer"`
	Client      string          `json:"client"`
	JWKS        json.RawMessage `json:"jwks"`
	AccessToken string          `json:"access_token"`
}

// quickstart runs the example and returns what it says.
func quickstart(t *testing.T) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./examples/quickstart", "-json")
	cmd.Dir = filepath.Join("..", "..")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("quickstart: %v\n%s%s", err, &out, &complaint)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("quickstart -json: %v in %q", err, &out)
	}
	return r
}

func verify(t *testing.T, dir string, r result) (output string, err error) {
	t.Helper()
	in, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "verify.mjs")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestNodeJose has Node's jose verify the access token that the quickstart hands out, and refuse
// everything near it. The last cases show that the script itself can say no.
func TestNodeJose(t *testing.T) {
	t.Parallel()
	interop.Need(t, "node", "npm")
	good, dir := quickstart(t), interop.Install(t, "node")

	out, err := verify(t, dir, good)
	if err != nil {
		t.Fatalf("jose refuses our token: %v\n%s", err, out)
	}
	if got, want := strings.Count(out, "refused: "), 12; got != want {
		t.Errorf("%d refusals were tried, want %d:\n%s", got, want, out)
	}
	t.Log(out)

	for name, change := range map[string]func(*result){
		"another issuer": func(r *result) { r.Issuer += "x" },
		"another client": func(r *result) { r.Client += "x" },
		"no keys":        func(r *result) { r.JWKS = json.RawMessage(`{"keys":[]}`) },
		"no token":       func(r *result) { r.AccessToken = "" },
	} {
		bad := good
		change(&bad)
		if out, err := verify(t, dir, bad); err == nil {
			t.Errorf("%s: the script is content:\n%s", name, out)
		}
	}
}
