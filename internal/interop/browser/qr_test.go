package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"

	"github.com/userpool-go/userpool/internal/interop"
	"github.com/userpool-go/userpool/mfa"
)

// TestQRInAPage has Chromium draw our SVG, at sizes that modules do not divide and on dark ground, and zbar read it
// off the screen.
func TestQRInAPage(t *testing.T) {
	t.Parallel()
	interop.Need(t, "zbarimg")
	p := blank(t).visit(t)
	p.open("/")
	for _, issuer := range []string{"Shop", "Ada & Söhne: 株式会社", strings.Repeat("A very long name of a shop ", 8)} {
		uri := mfa.NewSeed().URI(issuer, "ada@example.com")
		picture, err := mfa.QR(uri)
		if err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{331, 500} {
			eval[bool](p, fmt.Sprintf(`(document.body.innerHTML = '<div style="background:#000;padding:9px;width:%dpx">' + %s + '</div>', true)`,
				width, text(picture.SVG(`scan <this> & "that"`))))
			shot := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{}).Data
			if got := interop.ReadQR(t, shot); got != uri {
				t.Errorf("%d wide: zbar reads %q, want %q", width, got, uri)
			}
		}
		if got := eval[string](p, "document.querySelector('svg').getAttribute('aria-label')"); got != `scan <this> & "that"` {
			t.Errorf("a screen reader says %q", got)
		}
	}
}
