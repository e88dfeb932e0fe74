package mfa_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/mfa"
)

// modules reads a picture back from its PNG: true is dark.
func modules(t *testing.T, p mfa.Picture, scale int) [][]bool {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(p.PNG(scale)))
	if err != nil {
		t.Fatal(err)
	}
	n := img.Bounds().Dx() / scale
	rows := make([][]bool, n)
	for y := range rows {
		for x := range n {
			r, _, _, _ := img.At(x*scale+scale/2, y*scale+scale/2).RGBA()
			rows[y] = append(rows[y], r == 0)
		}
	}
	return rows
}

func TestQR(t *testing.T) {
	t.Parallel()
	p, err := mfa.QR(mfa.NewSeed().URI("Shop", "ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	rows := modules(t, p, 3)
	n := len(rows)
	for i := range n {
		for _, edge := range []int{0, 1, 2, 3, n - 4, n - 3, n - 2, n - 1} {
			if rows[edge][i] || rows[i][edge] {
				t.Fatalf("the quiet zone is not white at %d, %d", edge, i)
			}
		}
	}
	const finder = "#######" // the first row of each of three corners (ISO/IEC 18004, 6.3.3.1)
	for _, corner := range [][2]int{{4, 4}, {n - 11, 4}, {4, n - 11}} {
		var row strings.Builder
		for x := range 7 {
			if rows[corner[1]][corner[0]+x] {
				row.WriteByte('#')
			}
		}
		if row.String() != finder {
			t.Errorf("no finder pattern at %v", corner)
		}
	}
	if rows[n-11][n-11] && rows[n-11][n-10] && rows[n-11][n-9] && rows[n-11][n-5] && rows[n-5][n-5] {
		t.Error("a finder pattern in the fourth corner")
	}
	if got := modules(t, p, 1); fmt.Sprint(got) != fmt.Sprint(rows) {
		t.Error("the picture differs by its scale")
	}
	svg := p.SVG(`scan <this> & "that"`)
	if err := xml.Unmarshal([]byte(svg), new(struct{ XMLName xml.Name })); err != nil {
		t.Errorf("the SVG is no XML: %v", err)
	}
	dark := 0
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h1v1h-1z`).FindAllStringSubmatch(svg, -1) {
		var x, y int
		fmt.Sscan(m[1], &x)
		fmt.Sscan(m[2], &y)
		if !rows[y][x] {
			t.Fatalf("the SVG is dark at %d, %d, the PNG is not", x, y)
		}
		dark++
	}
	for _, row := range rows {
		for _, d := range row {
			if d {
				dark--
			}
		}
	}
	if dark != 0 {
		t.Errorf("the SVG has %d dark modules more than the PNG", dark)
	}
}

func TestQRHasLimits(t *testing.T) {
	t.Parallel()
	if _, err := mfa.QR(strings.Repeat("x", 10_000)); err == nil {
		t.Error("a QR code of 10,000 bytes")
	}
	p, err := mfa.QR("x")
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []int{-1, 0, 1 << 40} {
		if img, err := png.DecodeConfig(bytes.NewReader(p.PNG(scale))); err != nil || img.Width < 21 || img.Width > 64*40 {
			t.Errorf("a scale of %d makes %d pixels, %v", scale, img.Width, err)
		}
	}
	if svg := (mfa.Picture{}).SVG(""); !strings.HasPrefix(svg, "<svg") {
		t.Errorf("the zero picture: %s", svg)
	}
}
