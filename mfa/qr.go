package mfa

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is how many modules of white a reader needs on each side (ISO/IEC 18004, 6.3.8).
const quiet = 4

// Picture is a QR code, dark on light whatever is behind it: some apps read no other.
type Picture struct {
	size int // in modules, the quiet zone among them
	dark func(x, y int) bool
}

// QR returns the picture of a text, such as that of [Seed.URI]. It fails where the text is longer than
// about 2,300 bytes.
func QR(text string) (Picture, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return Picture{}, fmt.Errorf("draw a QR code of %d bytes: %w", len(text), err)
	}
	n := code.Bounds().Dx()
	dark := func(x, y int) bool {
		x, y = x-quiet, y-quiet
		return x >= 0 && y >= 0 && x < n && y < n && code.At(x, y) == color.Black
	}
	return Picture{size: n + 2*quiet, dark: dark}, nil
}

// PNG returns the picture with modules of so many pixels; less than 1 means 4.
func (p Picture) PNG(scale int) []byte {
	if scale < 1 {
		scale = 4
	}
	scale = min(scale, 64)
	img := image.NewPaletted(image.Rect(0, 0, p.size*scale, p.size*scale), color.Palette{color.White, color.Black})
	for y := range p.size * scale {
		for x := range p.size * scale {
			if p.dark != nil && p.dark(x/scale, y/scale) {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // writing to memory does not fail
	return b.Bytes()
}

// SVG returns the picture as an element that stands in a page and takes the size that the page gives
// it. The label is what a screen reader says.
func (p Picture) SVG(label string) string {
	var path strings.Builder
	for y := range p.size {
		for x := range p.size {
			if p.dark != nil && p.dark(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" role="img" aria-label="%[2]s" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="%[3]s"/></svg>`, p.size, html.EscapeString(label), path.String())
}
