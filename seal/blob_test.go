package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/userpool-go/userpool/seal"
)

var place = seal.Label{Pool: "main", Kind: "user", Owner: "ada", Field: "totp"}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	k := ring(t, key("a", 1))
	for _, plaintext := range [][]byte{nil, {0}, []byte("seed"), bytes.Repeat([]byte("x"), 1<<20)} {
		blob := k.Seal(place, plaintext)
		if bytes.Equal(blob, k.Seal(place, plaintext)) {
			t.Errorf("sealing %d bytes twice gives the same blob", len(plaintext))
		}
		got, err := k.Open(place, blob)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("Open of %d bytes = %d bytes, %v", len(plaintext), len(got), err)
		}
	}
}

func TestT8_Rotation(t *testing.T) {
	t.Parallel()
	old, now := key("old", 1), key("new", 2)
	before, after := ring(t, old), ring(t, now, old)
	blob := before.Seal(place, []byte("seed"))
	if got, err := after.Open(place, blob); err != nil || string(got) != "seed" {
		t.Errorf("after rotation an old blob opens to %q, %v", got, err)
	}
	blob = after.Seal(place, []byte("seed"))
	if id, ok := ring(t, key("a", 1)).KeyID(blob); id != "new" || !ok {
		t.Errorf("KeyID of a new blob = %q, %v, want the first key", id, ok)
	}
	if _, err := ring(t, now).Open(place, blob); err != nil {
		t.Errorf("a new blob needs more than the new key: %v", err)
	}
	_, err := before.Open(place, blob)
	missing, ok := errors.AsType[*seal.UnknownKeyError](err)
	if !ok || missing.ID != "new" || !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("Open by a ring without the key = %v, want one that names it", err)
	}
}

// Someone who can write to the database moves a blob to another place.
func TestT8_BlobIsBoundToItsPlace(t *testing.T) {
	t.Parallel()
	k := ring(t, key("a", 1))
	blob := k.Seal(place, []byte("seed"))
	tests := []struct {
		name  string
		label seal.Label
	}{
		{"other pool", seal.Label{"other", "user", "ada", "totp"}},
		{"other kind", seal.Label{"main", "session", "ada", "totp"}},
		{"other owner", seal.Label{"main", "user", "bob", "totp"}},
		{"other field", seal.Label{"main", "user", "ada", "password"}},
		{"owner and field swapped", seal.Label{"main", "user", "totp", "ada"}},
		{"pool and kind swapped", seal.Label{"user", "main", "ada", "totp"}},
		{"letter moved from pool to kind", seal.Label{"mai", "nuser", "ada", "totp"}},
		{"letter moved from owner to field", seal.Label{"main", "user", "ad", "atotp"}},
		{"all in one", seal.Label{Pool: "mainuseradatotp"}},
		{"empty", seal.Label{}},
		{"other case", seal.Label{"main", "user", "Ada", "totp"}},
		{"NUL behind", seal.Label{"main", "user", "ada", "totp\x00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := k.Open(tt.label, blob); !errors.Is(err, seal.ErrOpen) {
				t.Errorf("Open(%+v) = %q, %v, want ErrOpen", tt.label, got, err)
			}
		})
	}
}

func TestT8_TamperedBlob(t *testing.T) {
	t.Parallel()
	k := ring(t, key("a1", 1), key("b2", 2))
	blob := k.Seal(place, []byte("seed"))
	refused := func(what string, at int, b []byte) {
		t.Helper()
		got, err := k.Open(place, b)
		if !errors.Is(err, seal.ErrOpen) && !errors.Is(err, seal.ErrUnknownKey) {
			t.Errorf("%s at %d: Open = %q, %v, want an error of its class", what, at, got, err)
		}
	}
	for i := range blob {
		for bit := range 8 {
			b := bytes.Clone(blob)
			b[i] ^= 1 << bit
			refused("flipped", i, b)
		}
		refused("truncated", i, blob[:i])
		refused("cut in front", i+1, blob[i+1:])
		refused("byte inserted", i, append(append(bytes.Clone(blob[:i]), 0), blob[i:]...))
	}
	refused("extended", len(blob), append(bytes.Clone(blob), 0))
	renamed := bytes.Clone(blob)
	copy(renamed[2:], "b2")
	refused("named another key of the ring", 2, renamed)
	refused("a MAC", 0, k.MAC("p", []byte("x")))

	foreign := ring(t, key("a1", 9))
	if got, err := foreign.Open(place, blob); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("a foreign ring with the same id: Open = %q, %v, want ErrOpen", got, err)
	}
}

func TestKeyID(t *testing.T) {
	t.Parallel()
	for _, blob := range []string{"", "\x01", "\x01\x00", "\x01\x00rest", "\x01\x05ab", "\x02\x01a", "\x01\x01A", "\x01\x02a\n", "\x00\x01a"} {
		if id, ok := ring(t, key("a", 1)).KeyID([]byte(blob)); ok {
			t.Errorf("KeyID(%q) = %q, want none", blob, id)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k := ring(f, key("a", 1))
	blob, err := hex.DecodeString(wireBlob) // the one blob under this key that anybody has seen
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob)
	f.Add(blob[:20])
	f.Add([]byte("\x01\x01a"))
	f.Add([]byte("\x01\xffa"))
	f.Add(k.MAC("p"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := k.Open(place, b)
		if err == nil && (!bytes.Equal(b, blob) || string(got) != "seed") {
			t.Errorf("Open(%x) = %q: forged", b, got)
		}
		if err != nil && !errors.Is(err, seal.ErrOpen) && !errors.Is(err, seal.ErrUnknownKey) {
			t.Errorf("Open(%x): untyped error %v", b, err)
		}
		k.VerifyMAC(b, "p", b)
	})
}
