package pool

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Branding is how the pages and the messages of a pool introduce themselves. Zero values leave them
// plain.
type Branding struct {
	// Name is whom people have their account with: one line of at most 64 characters.
	Name string
	// Logo is a "data:" URL, in base64, of a PNG, JPEG or WebP image of at most 32 KiB. An image
	// from elsewhere would tell its host who signs in and when, and could be changed there; SVG is
	// a document, which can hold scripts.
	Logo string
	// Color is the colour of buttons and links, as #rrggbb. Pages lighten or darken it where
	// letters in it could not be read (WCAG 2.2, 1.4.3).
	Color string
}

const (
	maxBrandName = 64       // characters
	maxLogo      = 32 << 10 // bytes of the image
)

var color = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// images are the media types of logos, with what their files begin with: a browser must not find
// something else in one.
var images = map[string]func([]byte) bool{
	"image/png":  func(b []byte) bool { return bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")) },
	"image/jpeg": func(b []byte) bool { return bytes.HasPrefix(b, []byte("\xff\xd8\xff")) },
	"image/webp": func(b []byte) bool {
		return len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP"
	},
}

// Image returns the logo's media type and its bytes. False means that there is none.
func (b Branding) Image() (mediaType string, image []byte, ok bool) {
	rest, isData := strings.CutPrefix(b.Logo, "data:")
	mediaType, text, isBase64 := strings.Cut(rest, ";base64,")
	begins, known := images[mediaType]
	if !isData || !isBase64 || !known || len(text) > base64.StdEncoding.EncodedLen(maxLogo) {
		return "", nil, false
	}
	image, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(image) > maxLogo || !begins(image) {
		return "", nil, false
	}
	return mediaType, image, true
}

// problems returns what is wrong with a branding.
func (b Branding) problems() (ps []string) {
	if !utf8.ValidString(b.Name) || utf8.RuneCountInString(b.Name) > maxBrandName ||
		strings.ContainsFunc(b.Name, unprintable) || strings.TrimSpace(b.Name) != b.Name {
		ps = append(ps, "branding: the name is one line of at most 64 characters, without spaces around it")
	}
	if _, _, ok := b.Image(); b.Logo != "" && !ok {
		ps = append(ps,
			`branding: the logo is a "data:image/png;base64," URL of at most 32 KiB, or one of image/jpeg or image/webp`)
	}
	if b.Color != "" && !color.MatchString(b.Color) {
		ps = append(ps, "branding: the color is #rrggbb")
	}
	return ps
}

// unprintable reports whether a name must not hold r: what ends a line, and what turns the order of
// the letters around it.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }
