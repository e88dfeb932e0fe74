package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Between these lines of the page stands what the report writes; what is around them is not its own.
const (
	openingMark = "<!-- figures: written by go run ./load report -->\n"
	closingMark = "<!-- end of figures -->\n"
)

// report puts figures into the page and the plot.
func report(args []string) error {
	set := flag.NewFlagSet("load report", flag.ContinueOnError)
	in := set.String("in", "figures.jsonl", "files of figures; those of a later one replace their like of an earlier one")
	page := set.String("page", "", "the page whose tables are written anew")
	plot := set.String("plot", "", "the SVG file to write")
	if err := set.Parse(args); err != nil {
		return err
	}
	var b book
	for _, file := range split(*in) {
		if err := b.read(file); err != nil {
			return err
		}
	}
	if *page != "" {
		if err := rewrite(*page, b.tables()); err != nil {
			return err
		}
	}
	if *plot == "" {
		return nil
	}
	return os.WriteFile(*plot, b.plot(), 0o644)
}

// rewrite replaces what stands between the marks of a file.
func rewrite(file string, tables []byte) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(openingMark))
	_, after, closed := bytes.Cut(rest, []byte(closingMark))
	if !ok || !closed {
		return fmt.Errorf("%s has no lines %q and %q", file, openingMark, closingMark)
	}
	return os.WriteFile(file, slices.Concat(before, []byte(openingMark), tables, []byte(closingMark), after), 0o644)
}

// book is all figures of a report.
type book struct {
	runs    []runLine
	sizes   []sizeLine
	figures []figure
}

func (b *book) read(file string) error {
	text, err := os.Open(file)
	if err != nil {
		return err
	}
	defer text.Close()
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		switch {
		case l.Run != nil:
			b.runs = append(b.runs, *l.Run)
		case l.Size != nil:
			same := func(s sizeLine) bool { return s.Store == l.Size.Store && s.Users == l.Size.Users }
			b.sizes = append(slices.DeleteFunc(b.sizes, same), *l.Size)
		case l.Figure != nil:
			same := func(f figure) bool { return f.key() == l.Figure.key() }
			b.figures = append(slices.DeleteFunc(b.figures, same), *l.Figure)
		}
	}
	return errors.Join(lines.Err(), b.enough(file))
}

func (b *book) enough(file string) error {
	if len(b.runs) == 0 || len(b.figures) == 0 {
		return fmt.Errorf("%s has no figures", file)
	}
	return nil
}

func (f figure) key() string { return fmt.Sprint(f.Store, "/", f.Users, "/", f.Name, "/", f.Callers) }

// of returns the figures of an operation on a store with so many users, by callers.
func (b *book) of(store, name string, users int) (out []figure) {
	for _, f := range b.figures {
		if f.Store == store && f.Name == name && f.Users == users {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(x, y figure) int { return x.Callers - y.Callers })
	return out
}

// at returns one of them.
func (b *book) at(store, name string, users, callers int) (figure, bool) {
	for _, f := range b.of(store, name, users) {
		if f.Callers == callers {
			return f, true
		}
	}
	return figure{}, false
}

// each returns what is different among figures, in the order in which they were made.
func each[T comparable](b *book, what func(figure) T) (out []T) {
	for _, f := range b.figures {
		if v := what(f); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (b *book) stores() []string {
	there := each(b, func(f figure) string { return f.Store })
	return slices.DeleteFunc(slices.Clone(stores), func(s string) bool { return !slices.Contains(there, s) })
}

func (b *book) names() []string {
	return each(b, func(f figure) string { return f.Name })
}

func (b *book) users() []int {
	users := each(b, func(f figure) int { return f.Users })
	slices.Sort(users)
	return users
}

// growth is how much more processor time an operation takes with more users: the median over the
// numbers of callers.
func (b *book) growth(store, name string, from, to int) (float64, bool) {
	var all []float64
	for _, f := range b.of(store, name, to) {
		if was, ok := b.at(store, name, from, f.Callers); ok {
			all = append(all, f.Ours.cpu()/max(was.Ours.cpu(), 1e-3))
		}
	}
	return median(all)
}

// overBare is how much more processor time an operation takes than what is beside it, likewise.
func (b *book) overBare(store, name string, users int) (float64, bool) {
	var all []float64
	for _, f := range b.of(store, name, users) {
		all = append(all, f.ratio())
	}
	return median(all)
}

func median(all []float64) (float64, bool) {
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2, true
}

// table writes rows in the way of Markdown.
func table(out *strings.Builder, head []string, rows [][]string) {
	row := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	row(head)
	row(slices.Repeat([]string{"---"}, len(head)))
	for _, r := range rows {
		row(r)
	}
	out.WriteString("\n")
}
