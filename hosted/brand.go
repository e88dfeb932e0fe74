package hosted

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/userpool-go/userpool/pool"
)

//go:embed templates/style.css
var baseStyle string

// look is what a branding comes to: the style with its colours, and the logo as a file of this
// host, so that no page needs anything from elsewhere.
type look struct {
	name, initial string
	files         map[string]file // by URL
	style, logo   string          // URLs; "" means that there is none
	icon          string
	script        string
}

// file is a file of a look. Its URL names it by its digest, so that browsers may keep it for ever.
type file struct {
	mediaType string
	body      []byte
}

// accent is the colour of pages that have no other.
const accent = "#2f5bea"

// brand returns the look of a branding. It is made anew where settings have changed.
func (h *Pages) brand(b pool.Branding) *look {
	if l, ok := h.look.Load(b); ok {
		return l.(*look)
	}
	l := &look{name: b.Name, files: map[string]file{}}
	first, _ := utf8.DecodeRuneInString(b.Name)
	if b.Name != "" {
		l.initial = strings.ToUpper(string(first))
	}
	add := func(name, ending, mediaType string, body []byte) string {
		url := h.path(name + "-" + digest(body) + ending)
		l.files[url] = file{mediaType, body}
		return url
	}
	style := colors(cmp.Or(b.Color, accent)) + baseStyle
	l.style = add("style", ".css", "text/css; charset=utf-8", []byte(style))
	if kind, image, ok := b.Image(); ok {
		l.logo = add("logo", "", kind, image)
		l.icon = l.logo
	} else {
		l.icon = add("icon", ".svg", "image/svg+xml", icon(cmp.Or(b.Color, accent), l.initial))
	}
	l.script = add("script", ".js", "text/javascript; charset=utf-8", passkeyScript)
	h.look.Clear() // of earlier settings
	h.look.Store(b, l)
	return l
}

// icon returns a picture for the tab: the first letter of the name on the colour, or the colour
// alone.
func icon(color, letter string) []byte {
	c, _ := parseColor(color)
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="%s"/>`+
		`<text x="16" y="23" font-family="sans-serif" font-size="20" font-weight="700" text-anchor="middle" fill="%s">%s</text></svg>`,
		c, c.letters(), html.EscapeString(letter))
}

// asset serves the style, the logo, the icon and the script. It reports whether the request was for one.
func (h *Pages) asset(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || !strings.HasPrefix(r.URL.Path, h.path("")) {
		return false
	}
	l, a := h.brand(h.pool.Settings().Branding), newAnswer()
	f, ok := l.files[r.URL.Path]
	if ok {
		a.header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else if name, _, digested := strings.Cut(strings.TrimPrefix(r.URL.Path, h.path("")), "-"); digested {
		// A page of before a change, or of a node that is behind, names another digest: it gets
		// what there is.
		f, ok = l.files[map[string]string{"style": l.style, "logo": l.logo, "icon": l.icon, "script": l.script}[name]]
	}
	if !ok {
		return false
	}
	a.header.Set("Content-Type", f.mediaType)
	a.header.Del("Vary")
	a.body.Write(f.body)
	a.send(w, r)
	return true
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// What coloured letters stand on, as in the style: of each scheme that with the least contrast.
const (
	lightSurface = "#f3f5f9"
	darkSurface  = "#171b24"
)

// readable is the contrast that letters must have with what is behind them (WCAG 2.2, 1.4.3: 4.5),
// and some: thin letters on dark look fainter.
const readable = 5.5

// colors returns the custom properties of a colour, in both schemes: the colour of buttons, of
// letters on it, and of links, which is moved towards black or white until it can be read.
func colors(color string) string {
	c, ok := parseColor(color)
	if !ok {
		c, _ = parseColor(accent)
	}
	light, _ := parseColor(lightSurface)
	dark, _ := parseColor(darkSurface)
	scheme := func(surface rgb) string {
		link := c.until(surface)
		return fmt.Sprintf("--accent:%s;--on-accent:%s;--link:%s", c, c.letters(), link)
	}
	return ":root{" + scheme(light) + "}@media (prefers-color-scheme:dark){:root{" + scheme(dark) + "}}\n"
}

// rgb is a colour of sRGB, from 0 to 1.
type rgb [3]float64

func parseColor(s string) (c rgb, ok bool) {
	hexes, sharp := strings.CutPrefix(s, "#")
	n, err := strconv.ParseUint(hexes, 16, 32)
	if !sharp || len(hexes) != 6 || err != nil {
		return c, false
	}
	return rgb{float64(n >> 16), float64(n >> 8 & 255), float64(n & 255)}.times(1.0 / 255), true
}

func (c rgb) times(f float64) rgb { return rgb{c[0] * f, c[1] * f, c[2] * f} }

// String returns #rrggbb.
func (c rgb) String() string {
	return fmt.Sprintf("#%02x%02x%02x", round(c[0]), round(c[1]), round(c[2]))
}

func round(f float64) int { return int(math.Round(f * 255)) }

// luminance is the relative luminance of WCAG 2.2.
func (c rgb) luminance() float64 {
	l := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v := c[i]
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		l += weight * v
	}
	return l
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func (c rgb) contrast(d rgb) float64 {
	a, b := c.luminance(), d.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// letters returns black or white, whichever can be read better on c. One of them has 4.5 to 1 on
// any colour.
func (c rgb) letters() rgb {
	black, white := rgb{}, rgb{1, 1, 1}
	if c.contrast(white) >= c.contrast(black) || c.contrast(white) >= 4.5 {
		return white
	}
	return black
}

// until returns c, moved away from a surface until letters of it can be read there.
func (c rgb) until(surface rgb) rgb {
	towards := rgb{}
	if surface.luminance() < 0.2 {
		towards = rgb{1, 1, 1}
	}
	for i := 0; i <= 50; i++ {
		f := float64(i) / 50
		moved := rgb{c[0] + (towards[0]-c[0])*f, c[1] + (towards[1]-c[1])*f, c[2] + (towards[2]-c[2])*f}
		if moved.contrast(surface) >= readable {
			return moved
		}
	}
	return towards
}
