package interop_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/interop"
	"github.com/userpool-go/userpool/mfa"
)

// TestZbarReadsPNG has a foreign reader read our pictures: exactly the URI, whatever the names in it.
func TestZbarReadsPNG(t *testing.T) {
	t.Parallel()
	seed := mfa.NewSeed()
	for _, tt := range []struct{ issuer, account string }{
		{"", "a"},
		{"Shop", "ada@example.com"},
		{"Ada & Söhne: Läden", "Žofie Ångström <zofie@example.com>"},
		{"株式会社ショップ", "エイダ@例え.jp"},
		{"🛒", "👩🏽‍🚀"},
		{strings.Repeat("A very long name of a shop ", 8), strings.Repeat("x", 64) + "@" + strings.Repeat("y", 180) + ".example"},
		{"long and wide", strings.Repeat("é", 256)},
	} {
		uri := seed.URI(tt.issuer, tt.account)
		p, err := mfa.QR(uri)
		if err != nil {
			t.Errorf("a URI of %d bytes: %v", len(uri), err)
			continue
		}
		for _, scale := range []int{0, 2, 7} {
			if got := interop.ReadQR(t, p.PNG(scale)); got != uri {
				t.Errorf("at %d pixels a module zbar reads %q, want %q", scale, got, uri)
			}
		}
	}
}

// TestZbarReadsEverySize reads pictures of each size that a QR code has.
func TestZbarReadsEverySize(t *testing.T) {
	t.Parallel()
	for n := 10; n <= 2300; n += 70 {
		text := fmt.Sprintf("otpauth://totp/%0*d", n, n)
		p, err := mfa.QR(text)
		if err != nil {
			t.Fatalf("%d bytes: %v", len(text), err)
		}
		if got := interop.ReadQR(t, p.PNG(3)); got != text {
			t.Errorf("zbar reads %q, want %q", got, text)
		}
	}
}
