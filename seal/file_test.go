package seal_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/seal"
)

func TestT8_FileIsMadeOnceAndPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	first, err := seal.File(path)
	if err != nil {
		t.Fatalf("File: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
	again, err := seal.File(path)
	if err != nil {
		t.Fatalf("File again: %v", err)
	}
	if got, err := again.Open(place, first.Seal(place, []byte("seed"))); err != nil || string(got) != "seed" {
		t.Errorf("after a restart the seed opens to %q, %v", got, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v, want the key file alone", left, err)
	}
}

// Two processes that start at once must not each seal with a key of their own.
func TestT8_FileRace(t *testing.T) {
	t.Parallel()
	const n = 32
	path := filepath.Join(t.TempDir(), "keys")
	rings, gate := make([]*seal.Keyring, n), make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-gate
			k, err := seal.File(path)
			if err != nil {
				t.Errorf("File: %v", err)
			}
			rings[i] = k
		})
	}
	close(gate)
	wg.Wait()
	blob := rings[0].Seal(place, []byte("seed"))
	for i, k := range rings {
		if _, err := k.Open(place, blob); err != nil {
			t.Errorf("ring %d is another: %v", i, err)
		}
	}
}

func TestT8_FileOrder(t *testing.T) {
	t.Parallel()
	line := func(id string, b byte) string {
		k := key(id, b)
		return id + " " + base64.StdEncoding.EncodeToString(k.Secret[:])
	}
	path := filepath.Join(t.TempDir(), "keys")
	text := "# ours\r\n\n" + line("new", 2) + "\r\n" + line("old", 1) // an editor's line ends, none at the end
	if err := os.WriteFile(path, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	k, err := seal.File(path)
	if err != nil {
		t.Fatalf("File: %v", err)
	}
	if id, _ := ring(t, key("a", 1)).KeyID(k.Seal(place, nil)); id != "new" {
		t.Errorf("the file seals with %q, want its first key", id)
	}
	if _, err := k.Open(place, ring(t, key("old", 1)).Seal(place, nil)); err != nil {
		t.Errorf("the second key does not open: %v", err)
	}
}

func TestT8_FileRefuses(t *testing.T) {
	t.Parallel()
	good := "a " + strings.Repeat("A", 42) + "E=" // 32 bytes, the last of them 1
	tests := []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"readable by all", good, 0o644, "chmod 600"},
		{"readable by the group", good, 0o640, "chmod 600"},
		{"writable by others", good, 0o602, "chmod 600"},
		{"empty", "", 0o600, "no key"},
		{"only a comment", "# keys\n\n", 0o600, "no key"},
		{"garbled", "\x00\x01\x02", 0o600, "line 1"},
		{"garbled second line", good + "\nx", 0o600, "line 2"},
		{"no secret", "a", 0o600, "line 1"},
		{"short secret", "a AAAA", 0o600, "line 1"},
		{"long secret", "a " + strings.Repeat("A", 44), 0o600, "line 1"},
		{"base64 not canonical", "a " + strings.Repeat("A", 42) + "F=", 0o600, "line 1"},
		{"bad id", "A" + good[1:], 0o600, "line 1"},
		{"cut off", good[:30], 0o600, "line 1"},
		{"all zero", "a " + strings.Repeat("A", 43) + "=", 0o600, "all zero"},
		{"id twice", good + "\n" + good, 0o600, "twice"},
		{"too large", strings.Repeat("#", 65<<10), 0o600, "larger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && tt.mode != 0o600 {
				t.Skip("SKIPPED: this system has no file modes")
			}
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			k, err := seal.File(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("File = %v, %v, want an error with %q", k, err, tt.want)
			}
			if strings.Contains(err.Error(), strings.Repeat("A", 10)) {
				t.Errorf("the error shows the secret: %v", err)
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != tt.text {
				t.Errorf("a refused file was changed")
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		t.Parallel()
		if _, err := seal.File(t.TempDir()); err == nil {
			t.Error("File opened a folder")
		}
	})
	t.Run("in no folder", func(t *testing.T) {
		t.Parallel()
		if _, err := seal.File(filepath.Join(t.TempDir(), "none", "keys")); err == nil {
			t.Error("File made a file in a folder that is not there")
		}
	})
	t.Run("a link to nothing", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.Symlink("nowhere", path); err != nil {
			t.Skipf("SKIPPED: %v", err)
		}
		if _, err := seal.File(path); err == nil {
			t.Error("File followed a link to nothing")
		}
	})
}
