package password_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
)

func TestRepeat(t *testing.T) {
	t.Parallel()
	door := password.NewHasher(1)
	cheap := password.Params{Memory: 8, Time: 1, Threads: 1}
	h, err := cheap.Hash(password.New("pässwörd one"))
	if err != nil {
		t.Fatal(err)
	}
	bare, err := password.Parse(h.Bare())
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]bool{
		"pässwörd one": true, "pa\u0308sswo\u0308rd one": true, "pässwörd two": false, "pässwörd one ": false,
	} {
		before := door.Count()
		for _, like := range []password.Hash{h, bare} {
			again, err := door.Repeat(t.Context(), like, password.New(typed))
			if err != nil || again.Equal(h) != want || h.Equal(again) != want || !again.SameSalt(h) {
				t.Errorf("Repeat(%q) = %v, %v, want equal %v", typed, again, err, want)
			}
		}
		if n := door.Count() - before; n != 2 {
			t.Errorf("%d hashes, want one a call", n)
		}
	}
	other, err := cheap.Hash(password.New("pässwörd one"))
	if err != nil {
		t.Fatal(err)
	}
	if other.Equal(h) || other.SameSalt(h) || bare.Equal(bare) || (password.Hash{}).Equal(password.Hash{}) {
		t.Error("hashes of other salts, or without a digest, are equal")
	}
}

func TestRepeatRefuses(t *testing.T) {
	t.Parallel()
	door := password.NewHasher(1)
	h, err := password.Params{Memory: 8, Time: 1, Threads: 1}.Hash(password.New("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	huge := h
	huge.Params.Memory = 1 << 30
	for name, tt := range map[string]struct {
		like  password.Hash
		typed string
		want  error
	}{
		"too long":    {h, strings.Repeat("a", 257), password.ErrTooLong},
		"not UTF-8":   {h, "\xff", password.ErrInvalid},
		"empty":       {h, "", password.ErrInvalid},
		"zero hash":   {password.Hash{}, "correct horse", password.ErrHash},
		"huge memory": {huge, "correct horse", password.ErrHash},
	} {
		if got, err := door.Repeat(t.Context(), tt.like, password.New(tt.typed)); !errors.Is(err, tt.want) || got.Digest != nil {
			t.Errorf("%s: Repeat = %v, %v, want %v", name, got, err, tt.want)
		}
	}
	if door.Count() != 0 {
		t.Errorf("%d hashes for nothing", door.Count())
	}
}
