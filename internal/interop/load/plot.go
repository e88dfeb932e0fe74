package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// panel is one of the plots: an operation by the number of users, both axes logarithmic.
type panel struct {
	x, y              float64 // of its corner
	fewest, most      float64 // users
	quickest, slowest float64 // microseconds
}

const (
	panelWidth, panelHeight = 250.0, 190.0
	style                   = `
text { font: 12px system-ui, sans-serif; fill: #333 }
.title { font-weight: 600 }
.grid { stroke: #ddd }
.ours { fill: none; stroke-width: 2.5 }
.bare { fill: none; stroke-width: 1.5; stroke-dasharray: 4 4 }
.memory { stroke: #7a5cc9 } .sqlite { stroke: #0b7a75 } .postgres { stroke: #c2571a }
@media (prefers-color-scheme: dark) {
	text { fill: #ddd }
	.grid { stroke: #444 }
	.memory { stroke: #b39dfa } .sqlite { stroke: #4fd1c5 } .postgres { stroke: #f6a15b }
}
`
)

// plot draws the median latency of one caller by the number of users, a line for each store and a
// dashed one for what is beside it.
func (b *book) plot() []byte {
	out := &strings.Builder{}
	fmt.Fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 540\" role=\"img\" aria-labelledby=\"title\">\n"+
		"<title id=\"title\">Median latency by the number of users</title>\n<style>%s</style>\n", style)
	for i, name := range flat {
		b.panel(out, name, 60+float64(i%3)*310, 40+float64(i/3)*265)
	}
	legend(out, b.stores(), 690, 330)
	out.WriteString("</svg>\n")
	return []byte(out.String())
}

func (b *book) panel(out *strings.Builder, name string, x, y float64) {
	users := b.users()
	p := panel{x: x, y: y, fewest: float64(users[0]), most: float64(slices.Max(users)), quickest: math.Inf(1)}
	for _, f := range b.figures {
		if f.Name == name && f.Callers == 1 {
			p.quickest = min(p.quickest, f.Ours.P50, f.Bare.P50)
			p.slowest = max(p.slowest, f.Ours.P50, f.Bare.P50)
		}
	}
	if p.slowest <= 0 || p.quickest <= 0 {
		return
	}
	p.quickest = math.Pow(10, math.Floor(math.Log10(p.quickest)))
	p.slowest = math.Pow(10, math.Ceil(math.Log10(p.slowest*1.01)))
	fmt.Fprintf(out, "<text class=\"title\" x=\"%.0f\" y=\"%.0f\">%s</text>\n", x, y-12, name)
	p.grid(out, users)
	for _, store := range b.stores() {
		var ours, bare []string
		for _, n := range users {
			if f, ok := b.at(store, name, n, 1); ok {
				ours = append(ours, p.point(n, f.Ours.P50))
				bare = append(bare, p.point(n, f.Bare.P50))
			}
		}
		fmt.Fprintf(out, "<polyline class=\"bare %s\" points=\"%s\"/>\n", store, strings.Join(bare, " "))
		fmt.Fprintf(out, "<polyline class=\"ours %s\" points=\"%s\"/>\n", store, strings.Join(ours, " "))
	}
}

func (p panel) grid(out *strings.Builder, users []int) {
	for at := p.quickest; at < p.slowest*1.01; at *= 10 {
		y := p.down(at)
		fmt.Fprintf(out, "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", p.x, y, p.x+panelWidth, y)
		fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", p.x-6, y+4, decade(at))
	}
	for _, n := range users {
		fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", p.along(n), p.y+panelHeight+18, short(n))
	}
}

// decade writes a power of ten of microseconds.
func decade(us float64) string {
	switch {
	case us >= 1e6:
		return fmt.Sprintf("%.0f s", us/1e6)
	case us >= 1e3:
		return fmt.Sprintf("%.0f ms", us/1e3)
	}
	return fmt.Sprintf("%g µs", us)
}

func (p panel) along(users int) float64 {
	if p.most == p.fewest {
		return p.x + panelWidth/2
	}
	return p.x + panelWidth*math.Log(float64(users)/p.fewest)/math.Log(p.most/p.fewest)
}

func (p panel) down(us float64) float64 {
	return p.y + panelHeight*(1-math.Log(us/p.quickest)/math.Log(p.slowest/p.quickest))
}

func (p panel) point(users int, us float64) string {
	return fmt.Sprintf("%.1f,%.1f", p.along(users), p.down(us))
}

func legend(out *strings.Builder, stores []string, x, y float64) {
	for _, store := range stores {
		for _, kind := range []struct{ class, words string }{{"ours", store}, {"bare", store + ", bare"}} {
			fmt.Fprintf(out, "<line class=\"%s %s\" x1=\"%.0f\" y1=\"%.0f\" x2=\"%.0f\" y2=\"%.0f\"/>", kind.class, store, x, y, x+40, y)
			fmt.Fprintf(out, "<text x=\"%.0f\" y=\"%.0f\">%s</text>\n", x+50, y+4, kind.words)
			y += 24
		}
	}
	fmt.Fprintf(out, "<text x=\"%.0f\" y=\"%.0f\">p50 of one caller, by users</text>\n", x, y+10)
}
