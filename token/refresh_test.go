package token_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/token"
)

var family = bytes.Repeat([]byte{7}, 32)

func TestT4_RefreshRoundTrip(t *testing.T) {
	t.Parallel()
	for _, generation := range []int64{0, 1, 2, 1<<63 - 1} {
		text := token.FormatRefresh(family, "main", "ada", "s1", "web", generation)
		if again := token.FormatRefresh(family, "main", "ada", "s1", "web", generation); text.Reveal() != again.Reveal() {
			t.Errorf("generation %d is two texts", generation)
		}
		r, err := token.ParseRefresh(text.Reveal())
		if err != nil || r.User != "ada" || r.Session != "s1" || r.Generation != generation {
			t.Errorf("ParseRefresh = %v, %v", r, err)
		}
		if !r.Verify(family, "main", "web") {
			t.Errorf("generation %d does not verify", generation)
		}
		if strings.Trim(text.Reveal(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("%s does not go into a URL", text.Reveal())
		}
	}
}

// The text is a wire format: tokens live for a month. Made by a Python program with hmac.
func TestT4_RefreshWireFormat(t *testing.T) {
	t.Parallel()
	mac, err := hex.DecodeString("1be7be78deae117cc0bf27f04ef9919a69530882ee7198d145157ee935b73c01")
	if err != nil {
		t.Fatal(err)
	}
	want := "v1." + base64.RawURLEncoding.EncodeToString(append([]byte("\x03ada\x02s1\x00\x00\x00\x00\x00\x00\x00\x05"), mac...))
	if got := token.FormatRefresh(family, "main", "ada", "s1", "web", 5).Reveal(); got != want {
		t.Errorf("FormatRefresh = %s, want %s", got, want)
	}
}

func TestT4_RefreshIsBound(t *testing.T) {
	t.Parallel()
	r, err := token.ParseRefresh(token.FormatRefresh(family, "main", "ada", "s1", "web", 5).Reveal())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name         string
		key          []byte
		pool, client string
		change       func(*token.Refresh)
	}{
		{name: "other family", key: bytes.Repeat([]byte{8}, 32)},
		{name: "no key", key: []byte{}},
		{name: "cut key", key: family[:31]},
		{name: "key of zeros", key: make([]byte, 32)},
		{name: "other pool", pool: "other"},
		{name: "other client", client: "app"},
		{name: "no client", client: " "},
		{name: "letter moved from pool to user", pool: "mai", change: func(r *token.Refresh) { r.User = "nada" }},
		{name: "letter moved from user to session", change: func(r *token.Refresh) { r.User, r.Session = "ad", "as1" }},
		{name: "letter moved from session to client", client: "1web", change: func(r *token.Refresh) { r.Session = "s" }},
		{name: "other user", change: func(r *token.Refresh) { r.User = "eve" }},
		{name: "other session", change: func(r *token.Refresh) { r.Session = "s2" }},
		{name: "later generation", change: func(r *token.Refresh) { r.Generation++ }},
		{name: "earlier generation", change: func(r *token.Refresh) { r.Generation-- }},
		{name: "zero", change: func(r *token.Refresh) { *r = token.Refresh{} }},
		{name: "without its MAC", change: func(r *token.Refresh) { *r = token.Refresh{User: "ada", Session: "s1", Generation: 5} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key, pool, client, r := family, "main", "web", r
			if tt.key != nil {
				key = tt.key
			}
			if tt.pool != "" {
				pool = tt.pool
			}
			if tt.client != "" {
				client = tt.client
			}
			if tt.change != nil {
				tt.change(&r)
			}
			if r.Verify(key, pool, client) {
				t.Error("Verify = true")
			}
		})
	}
}

func TestT4_ParseRefreshRefuses(t *testing.T) {
	t.Parallel()
	good := token.FormatRefresh(family, "main", "ada", "s1", "web", 5).Reveal()
	encode := func(s string) string { return "v1." + base64.RawURLEncoding.EncodeToString([]byte(s)) }
	mac := strings.Repeat("m", 32)
	const five = "\x00\x00\x00\x00\x00\x00\x00\x05"
	tests := map[string]string{
		"empty":               "",
		"prefix alone":        "v1.",
		"no prefix":           good[3:],
		"other version":       "v2." + good[3:],
		"version in capitals": "V1." + good[3:],
		"blank in front":      " " + good,
		"blank behind":        good + " ",
		"line break behind":   good + "\n",
		"line break inside":   good[:20] + "\r\n" + good[20:],
		"padding":             good + "=",
		"letter behind":       good + "A",
		"part behind":         good + ".x",
		"spare bits":          spareBits(t, good),
		"no user":             encode("\x00" + "\x02s1" + five + mac),
		"no session":          encode("\x03ada" + "\x00" + five + mac),
		"user beyond the end": encode("\xffada" + "\x02s1" + five + mac),
		"short MAC":           encode("\x03ada" + "\x02s1" + five + mac[1:]),
		"long MAC":            encode("\x03ada" + "\x02s1" + five + mac + "m"),
		"no MAC":              encode("\x03ada" + "\x02s1" + five),
		"negative generation": encode("\x03ada" + "\x02s1" + "\xff\xff\xff\xff\xff\xff\xff\xff" + mac),
		"an access token":     "eyJhbGciOiJFUzI1NiJ9.e30.x",
		"a megabyte":          "v1." + strings.Repeat("A", 1<<20),
	}
	for i := range good {
		tests[fmt.Sprintf("first %d bytes", i)] = good[:i]
	}
	for name, text := range tests {
		if r, err := token.ParseRefresh(text); !errors.Is(err, token.ErrRefresh) {
			t.Errorf("%s: ParseRefresh(%.80q) = %v, %v, want ErrRefresh", name, text, r, err)
		}
	}
	if r, err := token.ParseRefresh(encode("\x03ada" + "\x02s1" + five + mac)); err != nil || r.Verify(family, "main", "web") {
		t.Errorf("a well formed forgery: %v, %v", r, err)
	}
}

// spareBits returns text with its last letter changed where the change means nothing.
func spareBits(t *testing.T, text string) string {
	t.Helper()
	body := text[3:]
	if len(body)%4 == 0 {
		t.Fatal("a text without spare bits")
	}
	b := []byte(text)
	b[len(b)-1]++
	return string(b)
}

func TestFormatRefreshRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for name, s := range map[string]token.Secret{
		"no key":              token.FormatRefresh(nil, "main", "ada", "s1", "web", 1),
		"short key":           token.FormatRefresh(family[1:], "main", "ada", "s1", "web", 1),
		"no user":             token.FormatRefresh(family, "main", "", "s1", "web", 1),
		"no session":          token.FormatRefresh(family, "main", "ada", "", "web", 1),
		"long user":           token.FormatRefresh(family, "main", long, "s1", "web", 1),
		"long session":        token.FormatRefresh(family, "main", "ada", long, "web", 1),
		"negative generation": token.FormatRefresh(family, "main", "ada", "s1", "web", -1),
	} {
		if !s.IsZero() {
			t.Errorf("%s: FormatRefresh = %s", name, s.Reveal())
		}
	}
}

func FuzzParseRefresh(f *testing.F) {
	f.Add(token.FormatRefresh(family, "main", "ada", "s1", "web", 5).Reveal())
	f.Add("v1.AXgBeA")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := token.ParseRefresh(text)
		if err != nil {
			if !errors.Is(err, token.ErrRefresh) {
				t.Errorf("ParseRefresh(%q): untyped error %v", text, err)
			}
			return
		}
		again := token.FormatRefresh(family, "main", r.User, r.Session, "web", r.Generation).Reveal()
		if same := again == text; same != r.Verify(family, "main", "web") || len(again) != len(text) {
			t.Errorf("ParseRefresh(%q) = %v, which is %q", text, r, again)
		}
	})
}
