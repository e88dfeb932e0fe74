package seal_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/seal"
)

func key(id string, b byte) seal.Key {
	return seal.Key{ID: id, Secret: [32]byte(bytes.Repeat([]byte{b}, 32))}
}

func ring(t testing.TB, keys ...seal.Key) *seal.Keyring {
	t.Helper()
	k, err := seal.New(keys...)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return k
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		keys []seal.Key
		want []string // parts of the one error
	}{
		{"no key", nil, []string{"at least one key"}},
		{"empty id", []seal.Key{key("", 1)}, []string{"key id"}},
		{"long id", []seal.Key{key(strings.Repeat("a", 33), 1)}, []string{"key id"}},
		{"upper case", []seal.Key{key("Key", 1)}, []string{`"Key"`}},
		{"not ASCII", []seal.Key{key("schlüssel", 1)}, []string{"key id"}},
		{"line break", []seal.Key{key("a\nb", 1)}, []string{"key id"}},
		{"T8 no secret", []seal.Key{key("a", 0)}, []string{"all zero"}},
		{"same id", []seal.Key{key("a", 1), key("a", 2)}, []string{"stands twice"}},
		{"same secret", []seal.Key{key("a", 1), key("b", 1)}, []string{"secret of another"}},
		{"all at once", []seal.Key{key("A", 1), key("b", 0), key("c", 2), key("c", 3)}, []string{`"A"`, "all zero", "twice"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k, err := seal.New(tt.keys...)
			if err == nil || k != nil {
				t.Fatalf("New = %v, %v, want an error", k, err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("New: %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	a, b := seal.Generate(), seal.Generate()
	if a.ID == b.ID || a.Secret == b.Secret {
		t.Errorf("two generated keys are alike: %v, %v", a, b)
	}
	if mac := ring(t, b).MAC("p"); !ring(t, a, b).VerifyMAC(mac, "p") {
		t.Error("a ring of generated keys does not know its own MAC")
	}
}

// A ring that holds nothing must never look as if it protected something.
func TestT8_EmptyRingDoesNothing(t *testing.T) {
	t.Parallel()
	blob, mac := ring(t, key("a", 1)).Seal(seal.Label{}, nil), ring(t, key("a", 1)).MAC("p")
	for name, k := range map[string]*seal.Keyring{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := k.Open(seal.Label{}, blob); err == nil {
				t.Error("Open opened a blob")
			}
			if k.VerifyMAC(mac, "p") {
				t.Error("VerifyMAC says yes")
			}
			panics(t, "Seal", func() { k.Seal(seal.Label{}, []byte("x")) })
			panics(t, "MAC", func() { k.MAC("p") })
		})
	}
}

func panics(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s returned", name)
		}
	}()
	f()
}

func TestNothingPrinted(t *testing.T) {
	t.Parallel()
	k := key("a", 'S') // the secret is "SSSS..."
	r := ring(t, k)
	holder := struct {
		Key  seal.Key
		Ring *seal.Keyring
		ring *seal.Keyring
	}{k, r, r}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%c"} {
		fmt.Fprintf(&out, verb+"\n", k)
		fmt.Fprintf(&out, verb+"\n", &k)
		fmt.Fprintf(&out, verb+"\n", r)
		fmt.Fprintf(&out, verb+"\n", *r)
		fmt.Fprintf(&out, verb+"\n", holder)
		fmt.Fprintf(&out, verb+"\n", []seal.Key{k})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k, "ring", r, "holder", holder)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "ring", r, "holder", holder)
	if b, err := json.Marshal(k); err == nil {
		t.Errorf("json.Marshal(key) = %s, want an error", b)
	}
	for _, leak := range []string{"SSS", "83 83", "83, 83", "123 123", "5353", "0x53, 0x53", "U1NT"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printing shows the secret as %q:\n%s", leak, out.String())
		}
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	old, now := key("old", 1), key("new", 2)
	k := ring(t, now, old)
	b := func(parts ...string) (bs [][]byte) {
		for _, p := range parts {
			bs = append(bs, []byte(p))
		}
		return bs
	}
	mac := k.MAC("code", b("ab", "c")...)
	if id, ok := ring(t, key("a", 1)).KeyID(mac); id != "new" || !ok {
		t.Errorf("KeyID = %q, %v, want the first key", id, ok)
	}
	if again := k.MAC("code", b("ab", "c")...); !bytes.Equal(mac, again) {
		t.Errorf("MAC is not deterministic")
	}
	flipped := bytes.Clone(mac)
	flipped[len(flipped)-1] ^= 1
	tests := []struct {
		name    string
		ring    *seal.Keyring
		mac     []byte
		purpose string
		parts   [][]byte
		want    bool
	}{
		{"same", k, mac, "code", b("ab", "c"), true},
		{"made by the old key, which is now second", k, ring(t, old).MAC("code", b("x")...), "code", b("x"), true},
		{"made by the ring, key now second", ring(t, key("newest", 3), now), mac, "code", b("ab", "c"), true},
		{"key dropped", ring(t, old), mac, "code", b("ab", "c"), false},
		{"same id, other secret", ring(t, key("new", 9)), mac, "code", b("ab", "c"), false},
		{"other purpose", k, mac, "link", b("ab", "c"), false},
		{"parts shifted", k, mac, "code", b("a", "bc"), false},
		{"parts joined", k, mac, "code", b("abc"), false},
		{"part added", k, mac, "code", b("ab", "c", ""), false},
		{"parts swapped", k, mac, "code", b("c", "ab"), false},
		{"purpose and part shifted", k, k.MAC("co", b("de", "x")...), "code", b("x"), false},
		{"flipped", k, flipped, "code", b("ab", "c"), false},
		{"truncated", k, mac[:len(mac)-1], "code", b("ab", "c"), false},
		{"extended", k, append(bytes.Clone(mac), 0), "code", b("ab", "c"), false},
		{"without sum", k, mac[:5], "code", b("ab", "c"), false},
		{"empty", k, nil, "code", b("ab", "c"), false},
		{"a blob", k, k.Seal(seal.Label{}, nil), "code", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.ring.VerifyMAC(tt.mac, tt.purpose, tt.parts...); got != tt.want {
				t.Errorf("VerifyMAC = %v, want %v", got, tt.want)
			}
		})
	}
}

// A MAC and a blob are stored for years: their bytes are a wire format. The values were computed
// with another implementation of HKDF and HMAC (see wire_test.go).
func TestT8_WireFormat(t *testing.T) {
	t.Parallel()
	k := ring(t, key("a", 1))
	if got := hex.EncodeToString(k.MAC("code", []byte("ab"), []byte("c"))); got != wireMAC {
		t.Errorf("MAC = %s, want %s", got, wireMAC)
	}
	blob, err := hex.DecodeString(wireBlob)
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.Open(seal.Label{Pool: "main", Kind: "user", Owner: "ada", Field: "totp"}, blob)
	if err != nil || string(got) != "seed" {
		t.Errorf("Open = %q, %v, want the seed", got, err)
	}
}
