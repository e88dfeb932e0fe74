package mfa_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/mfa"
)

func seedOf(t testing.TB, key string) mfa.Seed {
	t.Helper()
	s, err := mfa.ParseSeed([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The test vectors of RFC 6238, appendix B, for SHA-1: the last six of their eight digits.
func TestCodesOfTheRFC(t *testing.T) {
	t.Parallel()
	seed := seedOf(t, "12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		now := time.Unix(at, 0)
		if got := seed.Code(now); got != want {
			t.Errorf("the code at %d is %s, want %s", at, got, want)
		}
		if step, ok := seed.Accept(want, now, 0); !ok || step != at/30 {
			t.Errorf("Accept at %d = %d, %v, want step %d", at, step, ok, at/30)
		}
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	seed, now := seedOf(t, "12345678901234567890"), time.Unix(1111111109, 0)
	step := now.Unix() / 30
	code := seed.Code(now)
	for _, tt := range []struct {
		name string
		code string
		now  time.Time
		last int64
		want int64 // 0: refused
	}{
		{"now", code, now, 0, step},
		{"in groups, as apps show it", code[:3] + " " + code[3:], now, 0, step},
		{"a step late", code, now.Add(30 * time.Second), 0, step},
		{"a step early", code, now.Add(-30 * time.Second), 0, step},
		{"two steps late", code, now.Add(60 * time.Second), 0, 0},
		{"two steps early", code, now.Add(-60 * time.Second), 0, 0},
		{"after an older one", code, now, step - 1, step},
		{"as it is copied", "\t" + code + "\r\n", now, 0, step},
		{"after a megabyte of blanks", strings.Repeat(" ", 1<<20) + code, now, 0, 0},
		{"used, at the end of time", code, now, 1<<63 - 1, 0},
		{"used", code, now, step, 0},
		{"used, a step later", code, now.Add(30 * time.Second), step, 0},
		{"older than the one that was used", code, now.Add(30 * time.Second), step + 1, 0},
		{"one digit wrong", "081805", now, 0, 0},
		{"too short", code[1:], now, 0, 0},
		{"too long", "0" + code, now, 0, 0},
		{"none", "", now, 0, 0},
		{"no digits", "abcdef", now, 0, 0},
		{"digits of another script", "٠٨١٨٠٤", now, 0, 0},
		{"before 1970", code, time.Unix(-100, 0), 0, 0},
	} {
		got, ok := seed.Accept(tt.code, tt.now, tt.last)
		if ok != (tt.want != 0) || got != tt.want {
			t.Errorf("%s: Accept = %d, %v, want step %d", tt.name, got, ok, tt.want)
		}
	}
	if got := seed.Code(time.Unix(-100, 0)); got != "" {
		t.Errorf("the code of before 1970 is %s", got)
	}
	if _, ok := (mfa.Seed{}).Accept("", now, 0); ok {
		t.Error("the zero seed accepts the empty code")
	}
	if _, ok := mfa.NewSeed().Accept(code, now, 0); ok {
		t.Error("another seed accepts the code")
	}
}

// At the edge where two steps may be typed at once, the watermark takes the later one along.
func TestS17_StepsOnlyGrow(t *testing.T) {
	t.Parallel()
	seed, now, last := mfa.NewSeed(), time.Unix(1_800_000_000, 0), int64(0)
	used := map[string]int{}
	for range 40 { // every ten seconds whoever looks over the shoulder types all codes around
		for _, at := range []time.Duration{-30, 0, 30} {
			code := seed.Code(now.Add(at * time.Second))
			if step, ok := seed.Accept(code, now, last); ok {
				if step <= last {
					t.Fatalf("step %d after %d", step, last)
				}
				last = step
				used[fmt.Sprint(step)]++
			}
		}
		now = now.Add(10 * time.Second)
	}
	for step, n := range used {
		if n != 1 {
			t.Errorf("step %s was accepted %d times", step, n)
		}
	}
	if len(used) < 13 {
		t.Errorf("%d steps in 400 seconds", len(used))
	}
}

// Once in a million two steps beside each other have one code. It is used up for both: who looked over the shoulder
// may not use the other.
func TestS17_OneCodeOfTwoSteps(t *testing.T) {
	t.Parallel()
	seed := seedOf(t, "12345678901234567890")
	const later = 62_075_369
	now := time.Unix(later*30, 0)
	code := seed.Code(now)
	if before := seed.Code(now.Add(-30 * time.Second)); before != code {
		t.Fatalf("the codes are %s and %s, and should be one", before, code)
	}
	step, ok := seed.Accept(code, now, 0)
	if !ok || step != later {
		t.Errorf("Accept = %d, %v, want %d", step, ok, later)
	}
	if again, ok := seed.Accept(code, now, step); ok {
		t.Errorf("the code is good twice, as one of step %d", again)
	}
}

func TestParseSeed(t *testing.T) {
	t.Parallel()
	for n, ok := range map[int]bool{0: false, 15: false, 16: true, 20: true, 64: true, 65: false} {
		if _, err := mfa.ParseSeed(make([]byte, n)); (err == nil) != ok || err != nil && !errors.Is(err, mfa.ErrSeed) {
			t.Errorf("ParseSeed of %d bytes: %v", n, err)
		}
	}
	key := []byte("12345678901234567890")
	seed, err := mfa.ParseSeed(key)
	if err != nil {
		t.Fatal(err)
	}
	key[0], seed.Bytes()[1] = 'x', 'x'
	if got := string(seed.Bytes()); got != "12345678901234567890" {
		t.Errorf("the seed is %q after a change of what it was made of", got)
	}
	if a, b := mfa.NewSeed().Bytes(), mfa.NewSeed().Bytes(); len(a) != 20 || bytes.Equal(a, b) {
		t.Errorf("two new seeds: %x, %x", a, b)
	}
}

func TestURI(t *testing.T) {
	t.Parallel()
	seed := seedOf(t, "12345678901234567890")
	for _, tt := range []struct{ issuer, account, want string }{
		{"Shop", "ada@example.com", "Shop:ada@example.com"},
		{"Ada & Söhne", "ada lovelace", "Ada & Söhne:ada lovelace"},
		{"a:b", "c:d", "a b:c d"},
		{"a%3Ab", "c%3ad", "a b:c d"},
		{"", "ada", "ada"},
		{"A?secret=B#c/d", "e&issuer=f", "A?secret=B#c/d:e&issuer=f"},
		{"100%", "+49 30", "100%:+49 30"},
	} {
		u, err := url.Parse(seed.URI(tt.issuer, tt.account))
		if err != nil {
			t.Errorf("%q, %q: %v", tt.issuer, tt.account, err)
			continue
		}
		if label := strings.TrimPrefix(u.Path, "/"); u.Scheme != "otpauth" || u.Host != "totp" || label != tt.want {
			t.Errorf("%q, %q: label %q, want %q", tt.issuer, tt.account, label, tt.want)
		}
		q := u.Query()
		key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(q.Get("secret"))
		if err != nil || string(key) != "12345678901234567890" {
			t.Errorf("%q: the secret is %q, %v", tt.issuer, key, err)
		}
		wantIssuer, _, has := strings.Cut(tt.want, ":")
		if !has {
			wantIssuer = ""
		}
		if q.Get("issuer") != wantIssuer || q.Get("digits") != "6" || q.Get("period") != "30" || q.Get("algorithm") != "SHA1" {
			t.Errorf("%q: %v", tt.issuer, q)
		}
	}
}

// Names of any length and kind make a URI that is one, and whose picture can be drawn.
func FuzzURI(f *testing.F) {
	seed := seedOf(f, "12345678901234567890")
	f.Add("Shop", "ada@example.com")
	f.Add("a%3a:%253A", "+49 30&secret=x#?/")
	f.Add(strings.Repeat("株", 300), strings.Repeat("👩🏽‍🚀", 300))
	f.Fuzz(func(t *testing.T, issuer, account string) {
		uri := seed.URI(issuer, account)
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.User != nil || u.Fragment != "" {
			t.Fatalf("%q, %q: %s, %v", issuer, account, uri, err)
		}
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil || q.Get("secret") != seed.Text() || len(q["secret"]) != 1 || len(q["issuer"]) > 1 {
			t.Errorf("%q, %q: %s, %v", issuer, account, uri, err)
		}
		first, second, two := strings.Cut(strings.TrimPrefix(u.Path, "/"), ":")
		if two && first != q.Get("issuer") || strings.Contains(second, ":") || !two && q.Has("issuer") {
			t.Errorf("%q, %q: the label is %q, the issuer %q", issuer, account, u.Path, q.Get("issuer"))
		}
		if utf8.ValidString(issuer) && utf8.ValidString(account) && !utf8.ValidString(u.Path) {
			t.Errorf("%q, %q: a letter is cut in the label %q", issuer, account, u.Path)
		}
		if _, err := mfa.QR(uri); err != nil {
			t.Errorf("%q, %q: %v", issuer, account, err)
		}
	})
}

func TestSeedsAreNotShown(t *testing.T) {
	t.Parallel()
	seed := seedOf(t, "12345678901234567890")
	var log bytes.Buffer
	held := struct{ seed mfa.Seed }{seed}
	slog.New(slog.NewTextHandler(&log, nil)).Info("seed", "seed", seed, "held", held)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d", "%c", "%t", "%p"} { // for a verb that does not fit fmt follows a pointer
		for _, v := range []any{seed, &seed, []mfa.Seed{seed}, held, &held, []any{held}, map[string]any{"held": held}} {
			fmt.Fprintf(&log, verb, v)
		}
	}
	b, err := json.Marshal(seed)
	if err == nil {
		t.Errorf("a seed is marshalled: %s", b)
	}
	for _, shown := range []string{"12345678901234567890", seed.Text(), "31323334", "[49 50", "['1'", "0x31"} {
		if strings.Contains(log.String(), shown) {
			t.Errorf("%q is shown: %s", shown, &log)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("287082", int64(59), int64(0))
	f.Add("", int64(-1), int64(-1))
	f.Fuzz(func(t *testing.T, code string, at, last int64) {
		at %= 1 << 40
		seed := seedOf(t, "12345678901234567890")
		step, ok := seed.Accept(code, time.Unix(at, 0), last)
		if ok && (step <= last || step < at/30-1 || step > at/30+1) {
			t.Errorf("Accept(%q, %d, %d) = %d", code, at, last, step)
		}
	})
}

// BenchmarkAccept is beside the three bare HMACs that it takes, one a step.
func BenchmarkAccept(b *testing.B) {
	seed, now := mfa.NewSeed(), time.Unix(1_800_000_000, 0)
	code, key := seed.Code(now), seed.Bytes()
	b.Run("seed", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			seed.Accept(code, now, 0)
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for step := range int64(3) {
				mac := hmac.New(sha1.New, key)
				binary.Write(mac, binary.BigEndian, step)
				mac.Sum(nil)
			}
		}
	})
}
