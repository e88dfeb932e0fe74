package password_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/userpool-go/userpool/password"
)

const (
	salt   = "c29tZXNhbHQ"
	digest = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	good   = "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + digest
)

func rawDigest(h password.Hash, s string) []byte {
	return argon2.IDKey([]byte(s), h.Salt, h.Params.Time, h.Params.Memory, h.Params.Threads, 32)
}

func TestParse(t *testing.T) {
	t.Parallel()
	h, err := password.Parse(good)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	if h.Scheme != password.Argon2id || h.Params != password.Default() || string(h.Salt) != "somesalt" || len(h.Digest) != 32 {
		t.Errorf("Parse = %+v", h)
	}
	if h.String() != good {
		t.Errorf("String = %s, want %s", h, good)
	}
	bare, err := password.Parse(h.Bare())
	if err != nil || bare.Digest != nil || bare.String() != "$argon2id$v=19$m=19456,t=2,p=1$"+salt || !slices.Equal(bare.Salt, h.Salt) {
		t.Errorf("Parse(Bare) = %s, %v", bare, err)
	}
	for _, edge := range []string{"m=8,t=1,p=1", "m=262144,t=10,p=16", "m=128,t=1,p=16"} {
		if _, err := password.Parse("$argon2id$v=19$" + edge + "$" + salt + "$" + digest); err != nil {
			t.Errorf("Parse with %s: %v", edge, err)
		}
	}
}

func TestT9_ParseRefuses(t *testing.T) {
	t.Parallel()
	with := func(params string) string { return "$argon2id$v=19$" + params + "$" + salt + "$" + digest }
	parts := func(salt, digest string) string { return "$argon2id$v=19$m=8,t=1,p=1$" + salt + "$" + digest }
	tests := []struct{ name, phc string }{
		{"empty", ""},
		{"one dollar", "$"},
		{"only dollars", "$$$$$"},
		{"plain text", "correct horse"},
		{"argon2i", strings.Replace(good, "argon2id", "argon2i", 1)},
		{"bcrypt", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"},
		{"upper case", strings.Replace(good, "argon2id", "Argon2id", 1)},
		{"no version", strings.Replace(good, "v=19$", "", 1)},
		{"old version", strings.Replace(good, "v=19", "v=16", 1)},
		{"no first dollar", good[1:]},
		{"text in front", "x" + good},
		{"blank in front", " " + good},
		{"blank behind", good + " "},
		{"line break behind", good + "\n"},
		{"further part", good + "$x"},
		{"4 GiB", with("m=4194304,t=1,p=1")},
		{"256 MiB and one", with("m=262145,t=1,p=1")},
		{"11 passes", with("m=19456,t=11,p=1")},
		{"17 lanes", with("m=19456,t=2,p=17")},
		{"257 lanes, which is 1 in a byte", with("m=19456,t=2,p=257")},
		{"memory that is 8 in 32 bits", with("m=4294967304,t=2,p=1")},
		{"no passes", with("m=19456,t=0,p=1")},
		{"no lanes", with("m=19456,t=2,p=0")},
		{"less than 8 KiB a lane", with("m=15,t=2,p=2")},
		{"negative", with("m=19456,t=-2,p=1")},
		{"sign", with("m=+19456,t=2,p=1")},
		{"leading zero", with("m=019456,t=2,p=1")},
		{"hexadecimal", with("m=0x4c00,t=2,p=1")},
		{"underscore", with("m=19_456,t=2,p=1")},
		{"other order", with("t=2,m=19456,p=1")},
		{"twice", with("m=19456,t=2,p=1,p=1")},
		{"missing", with("m=19456,t=2")},
		{"further parameter", with("m=19456,t=2,p=1,keyid=Zm9v")},
		{"blank", with("m=19456, t=2,p=1")},
		{"empty parameters", with("")},
		{"padding", parts(salt+"=", digest)},
		{"padding of the digest", parts(salt, digest+"=")},
		{"URL alphabet", parts("c29tZXNh-_Q", digest)},
		{"not canonical", parts("c29tZXNhbHR", digest)},
		{"line break in the salt", parts("c29tZX\nNhbHQ", digest)},
		{"line break in the digest", parts(salt, digest[:5]+"\r\n"+digest[5:])},
		{"no salt", parts("", digest)},
		{"short salt", parts("c29tZXNhbA", digest)},
		{"salt of 65 bytes", parts(strings.Repeat("AAAA", 21)+"AAA", digest)},
		{"empty digest", parts(salt, "")},
		{"short digest", parts(salt, "AAAA")},
		{"digest of 65 bytes", parts(salt, strings.Repeat("AAAA", 21)+"AAA")},
		{"a megabyte", good + strings.Repeat("A", 1<<20)},
		{"a thousand parts", strings.Repeat("$a", 200)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if h, err := password.Parse(tt.phc); !errors.Is(err, password.ErrHash) {
				t.Errorf("Parse(%.80q) = %v, %v, want ErrHash", tt.phc, h, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add(strings.TrimSuffix(good, "$"+digest))
	f.Add("$argon2id$v=19$m=262144,t=10,p=16$" + salt)
	f.Add("$argon2id$v=19$m=8,t=1,p=257$c29tZXNhbHR$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := password.Parse(s)
		if err != nil {
			if !errors.Is(err, password.ErrHash) {
				t.Errorf("Parse(%q): untyped error %v", s, err)
			}
			return
		}
		if h.String() != s {
			t.Errorf("Parse(%q).String() = %q", s, h.String())
		}
		if bare, err := password.Parse(h.Bare()); err != nil || bare.Digest != nil {
			t.Errorf("Parse(Bare of %q) = %v, %v", s, bare, err)
		}
	})
}
