package password_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
)

func TestHasher(t *testing.T) {
	t.Parallel()
	door, ctx := password.NewHasher(0), t.Context()
	h, err := door.Hash(ctx, cheap, password.New("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]bool{"correct horse": true, "wrong": false} {
		if ok, err := door.Verify(ctx, h, password.New(typed), password.FormNFC); ok != want || err != nil {
			t.Errorf("Verify(%q) = %v, %v, want %v", typed, ok, err, want)
		}
	}
	if got := door.Count(); got != 3 {
		t.Errorf("Count = %d, want 3", got)
	}
	if _, err := door.Verify(ctx, h, password.New("a\u0308"), password.FormRaw); err != nil || door.Count() != 5 {
		t.Errorf("Count after a try in two forms = %d, %v, want 5", door.Count(), err)
	}
}

func TestHasherRefusesWithoutWork(t *testing.T) {
	t.Parallel()
	door, gone := password.NewHasher(1), t.Context()
	gone, cancel := context.WithCancel(gone)
	cancel()
	h, long := hash(t, "x"), password.New(strings.Repeat("x", 257))
	if _, err := door.Hash(t.Context(), cheap, long); !errors.Is(err, password.ErrTooLong) {
		t.Errorf("Hash of 257 characters: %v, want ErrTooLong", err)
	}
	if ok, err := door.Verify(t.Context(), h, long, password.FormNFC); ok || err != nil {
		t.Errorf("Verify of 257 characters = %v, %v, want a wrong password", ok, err)
	}
	bare := h
	bare.Digest = nil
	if ok, err := door.Verify(t.Context(), bare, password.New("x"), password.FormNFC); ok || !errors.Is(err, password.ErrHash) {
		t.Errorf("Verify without digest = %v, %v, want ErrHash", ok, err)
	}
	if _, err := door.Hash(gone, cheap, password.New("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash after the caller has gone: %v", err)
	}
	if ok, err := door.Verify(gone, h, password.New("x"), password.FormNFC); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Verify after the caller has gone = %v, %v", ok, err)
	}
	if door.Count() != 0 {
		t.Errorf("Count = %d, want 0", door.Count())
	}
}

func TestHasherHashesNothingBeyondTheLimits(t *testing.T) {
	t.Parallel()
	door := password.NewHasher(1)
	for _, p := range []password.Params{{}, {Memory: 8, Time: 1}, {Memory: 4 << 20, Time: 1, Threads: 1}, {Memory: 8, Time: 11, Threads: 1}} {
		if _, err := door.Hash(t.Context(), p, password.New("x")); !errors.Is(err, password.ErrHash) {
			t.Errorf("Hash with %+v: %v, want ErrHash", p, err)
		}
	}
	if n := password.Left(door); n != 0 || door.Count() != 0 {
		t.Errorf("%d left behind, %d hashes, want none", n, door.Count())
	}
}

func TestT9_HistoryIsBounded(t *testing.T) {
	t.Parallel()
	var old []password.Hash
	for i := range 26 {
		old = append(old, hash(t, strings.Repeat("x", i+1)))
	}
	broken := old[2]
	broken.Scheme = "md5" // cannot be judged, and is passed over
	old[2] = broken
	tests := []struct {
		name, typed string
		used        bool
		hashes      uint64
	}{
		{"the newest", "x", true, 1},
		{"the third cannot be judged", "xxx", false, 23},
		{"the 24th", strings.Repeat("x", 24), true, 23},
		{"the 25th", strings.Repeat("x", 25), false, 23},
		{"new", "y", false, 23},
	}
	for _, tt := range tests {
		door := password.NewHasher(1)
		used, err := door.Used(t.Context(), old, password.New(tt.typed))
		if err != nil || used != tt.used || door.Count() != tt.hashes {
			t.Errorf("%s: Used = %v, %v after %d hashes, want %v after %d", tt.name, used, err, door.Count(), tt.used, tt.hashes)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if used, err := password.NewHasher(1).Used(gone, old, password.New("y")); used || !errors.Is(err, context.Canceled) {
		t.Errorf("Used after the caller has gone = %v, %v", used, err)
	}
}
