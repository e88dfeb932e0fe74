package main

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"runtime"
	"strings"
)

// operator is who may call: the digest of a token, and a name.
type operator struct {
	name   string
	digest [sha256.Size]byte
}

// collector is the name of who may ask for /metrics and nothing else, such as Prometheus.
const collector = "metrics"

// who returns whose token a request carries. All are compared, and digests at that: how long it takes
// says nothing of any of them.
func (o *operatorAPI) who(r *http.Request) (name string, ok bool) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	got := sha256.Sum256([]byte(token))
	for _, known := range o.operators {
		if subtle.ConstantTimeCompare(got[:], known.digest[:]) == 1 {
			name, ok = known.name, true
		}
	}
	return name, ok
}

// readOperators reads the file of operators. Where there is none it makes one, of one operator. A
// token is taken back by deleting its line and restarting.
func readOperators(path string) ([]operator, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeOperators(path); err == nil {
			text, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, errors.Join(err, fmt.Errorf("%s may be read by other users of this machine: chmod 600", path))
	}
	var all []operator
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) != 2 || len(words[1]) < 32 {
			return nil, fmt.Errorf("%s: each line is a name and a token of 32 characters at least", path)
		}
		all = append(all, operator{words[0], sha256.Sum256([]byte(words[1]))})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s names no operator: each line is a name and a token", path)
	}
	return all, nil
}

// makeOperators makes the file whole or not at all: of nodes that start at once one makes it.
func makeOperators(path string) error {
	draft := path + "." + rand.Text()
	if err := os.WriteFile(draft, []byte("operator "+rand.Text()+rand.Text()+"\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
