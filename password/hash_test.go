package password_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
)

// cheap is the least work that Argon2 is defined for.
var cheap = password.Params{Memory: 8, Time: 1, Threads: 1}

func hash(t testing.TB, s string) password.Hash {
	t.Helper()
	h, err := cheap.Hash(password.New(s))
	if err != nil {
		t.Fatalf("Hash(%q): %v", s, err)
	}
	return h
}

// Vectors of the reference implementation (github.com/P-H-C/phc-winner-argon2, src/test.c).
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ phc, secret string }{
		{"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
		{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password"},
		{"$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "password"},
	} {
		h, err := password.Parse(tt.phc)
		if err != nil {
			t.Errorf("Parse(%s): %v", tt.phc, err)
			continue
		}
		if !h.Verify(password.New(tt.secret), password.FormNFC) {
			t.Errorf("%s does not match %q", tt.phc, tt.secret)
		}
		if h.Verify(password.New(tt.secret+"x"), password.FormNFC) {
			t.Errorf("%s matches another password", tt.phc)
		}
	}
}

func TestT9_Verify(t *testing.T) {
	t.Parallel()
	const composed, decomposed = "zitrön-äpfel", "zitro\u0308n-a\u0308pfel"
	long := strings.Repeat("ä", password.MaxLength)
	raw := func(s string) password.Hash { // as another system made it, from the bytes as they came
		h := hash(t, "x")
		h.Digest = rawDigest(h, s)
		return h
	}
	tests := []struct {
		name  string
		hash  password.Hash
		typed string
		form  password.Form
		want  bool
	}{
		{"right", hash(t, "correct horse"), "correct horse", password.FormNFC, true},
		{"longest", hash(t, long), long, password.FormNFC, true},
		{"decomposed where composed was hashed", hash(t, composed), decomposed, password.FormNFC, true},
		{"composed where decomposed was typed", hash(t, decomposed), composed, password.FormNFC, true},
		{"raw, the same bytes", raw(decomposed), decomposed, password.FormRaw, true},
		{"raw, one further try in NFC", raw(composed), decomposed, password.FormRaw, true},
		{"raw, no try in other forms", raw(decomposed), composed, password.FormRaw, false},
		{"NFC, no try of the raw bytes", raw(decomposed), decomposed, password.FormNFC, false},
		{"unknown form is NFC", hash(t, composed), decomposed, "", true},
		{"wrong", hash(t, "correct horse"), "correct horsf", password.FormNFC, false},
		{"case", hash(t, "correct horse"), "Correct horse", password.FormNFC, false},
		{"blank behind", hash(t, "correct horse"), "correct horse ", password.FormNFC, false},
		{"empty", hash(t, "correct horse"), "", password.FormNFC, false},
		{"never truncated", hash(t, long), long[:len(long)-2], password.FormNFC, false},
		{"too long", hash(t, long), long + "x", password.FormNFC, false},
		{"a NUL does not end it", hash(t, "correct"), "correct\x00horse", password.FormNFC, false},
		{"72 bytes do not end it", hash(t, strings.Repeat("x", 72)), strings.Repeat("x", 73), password.FormNFC, false},
		{"compatibility form is another letter", hash(t, "ﬁsh"), "fish", password.FormNFC, false},
		{"invalid UTF-8", hash(t, "correct\uFFFD"), "correct\xff", password.FormNFC, false},
		{"zero hash", password.Hash{}, "correct horse", password.FormNFC, false},
		{"no digest", password.Hash{Scheme: password.Argon2id, Params: cheap, Salt: make([]byte, 16)}, "x", password.FormNFC, false},
		{"empty digest", password.Hash{Scheme: password.Argon2id, Params: cheap, Salt: make([]byte, 16), Digest: []byte{}}, "x", password.FormNFC, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.hash.Verify(password.New(tt.typed), tt.form); got != tt.want {
				t.Errorf("Verify(%+q, %s) = %v, want %v", tt.typed, tt.form, got, tt.want)
			}
		})
	}
}

func TestHashRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		params password.Params
		secret string
		want   error
	}{
		{"257 characters", cheap, strings.Repeat("x", 257), password.ErrTooLong},
		{"257 characters of 4 bytes", cheap, strings.Repeat("🐎", 257), password.ErrTooLong},
		{"a megabyte", cheap, strings.Repeat("\xff", 1<<20), password.ErrTooLong},
		{"not UTF-8", cheap, "correct\xff", password.ErrInvalid},
		{"a surrogate", cheap, "\xed\xa0\x80", password.ErrInvalid},
		{"empty", cheap, "", password.ErrInvalid},
		{"no parameters", password.Params{}, "x", password.ErrHash},
		{"no threads", password.Params{Memory: 8, Time: 1}, "x", password.ErrHash},
		{"no passes", password.Params{Memory: 8, Threads: 1}, "x", password.ErrHash},
		{"T9 too much memory", password.Params{Memory: 256<<10 + 1, Time: 1, Threads: 1}, "x", password.ErrHash},
		{"T9 too many passes", password.Params{Memory: 8, Time: 11, Threads: 1}, "x", password.ErrHash},
		{"T9 too many lanes", password.Params{Memory: 1 << 10, Time: 1, Threads: 17}, "x", password.ErrHash},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, err := tt.params.Hash(password.New(tt.secret))
			if !errors.Is(err, tt.want) {
				t.Errorf("Hash = %v, %v, want %v", h, err, tt.want)
			}
		})
	}
}

// A Hash is a plain struct, so what reached it past Parse is judged again.
func TestT9_CeilingsHoldAtVerify(t *testing.T) {
	t.Parallel()
	good := hash(t, "correct horse")
	for name, change := range map[string]func(*password.Hash){
		"memory":  func(h *password.Hash) { h.Params.Memory = 4 << 20 },
		"passes":  func(h *password.Hash) { h.Params.Time = 1 << 30 },
		"lanes":   func(h *password.Hash) { h.Params.Threads = 255 },
		"digest":  func(h *password.Hash) { h.Digest = make([]byte, 65) },
		"salt":    func(h *password.Hash) { h.Salt = make([]byte, 65) },
		"no salt": func(h *password.Hash) { h.Salt = nil },
		"scheme":  func(h *password.Hash) { h.Scheme = "md5" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := good
			change(&h)
			door := password.NewHasher(1)
			if ok, err := door.Verify(t.Context(), h, password.New("correct horse"), password.FormNFC); ok || !errors.Is(err, password.ErrHash) {
				t.Errorf("Hasher.Verify = %v, %v, want ErrHash", ok, err)
			}
			if door.Count() != 0 {
				t.Errorf("%d hashes were computed, want none", door.Count())
			}
			if h.Verify(password.New("correct horse"), password.FormNFC) {
				t.Error("Verify = true")
			}
		})
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	a, err := password.Default().Hash(password.New("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$"; !strings.HasPrefix(a.String(), want) {
		t.Errorf("Default makes %s, want %s...", a, want)
	}
	if len(a.Salt) != 16 || len(a.Digest) != 32 || a.NeedsRehash(password.Default()) {
		t.Errorf("Default makes %d bytes of salt, %d of digest, to be replaced: %v", len(a.Salt), len(a.Digest), a.NeedsRehash(password.Default()))
	}
	if b := hash(t, "correct horse"); bytes.Equal(b.Salt, hash(t, "correct horse").Salt) {
		t.Error("two hashes have one salt")
	}
}

func TestNeedsRehash(t *testing.T) {
	t.Parallel()
	good := hash(t, "x")
	short := good
	short.Salt = short.Salt[:8]
	cut := good
	cut.Digest = cut.Digest[:16]
	foreign := good
	foreign.Scheme = "bcrypt"
	for name, tt := range map[string]struct {
		hash   password.Hash
		params password.Params
		want   bool
	}{
		"same":         {good, cheap, false},
		"more memory":  {good, password.Params{Memory: 16, Time: 1, Threads: 1}, true},
		"less work":    {good, password.Params{Memory: 8, Time: 2, Threads: 1}, true},
		"short salt":   {short, cheap, true},
		"short digest": {cut, cheap, true},
		"other scheme": {foreign, cheap, true},
		"zero":         {password.Hash{}, cheap, true},
	} {
		if got := tt.hash.NeedsRehash(tt.params); got != tt.want {
			t.Errorf("%s: NeedsRehash = %v, want %v", name, got, tt.want)
		}
	}
}

func TestHashLogsNoDigest(t *testing.T) {
	t.Parallel()
	h := hash(t, "x")
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "hash", h)
	if digest := base64.RawStdEncoding.EncodeToString(h.Digest); strings.Contains(out.String(), digest) || !strings.Contains(out.String(), "argon2id") {
		t.Errorf("logged %s, want the hash without its digest", out.String())
	}
}

func ExampleParams_Hash() {
	h, err := password.Default().Hash(password.New("correct horse battery"))
	if err != nil {
		fmt.Println(err)
		return
	}
	kept := h.String()

	h, err = password.Parse(kept)
	fmt.Println(err, h.Verify(password.New("correct horse battery"), password.FormNFC), h.Verify(password.New("Tr0ub4dor&3"), password.FormNFC))
	// Output: <nil> true false
}
