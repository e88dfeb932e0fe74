package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The goals, and what they are about.
const (
	flatTo1m, flatTo10m = 1.5, 2
	leastCommits        = 0.9
	mostRefresh         = 1.3
)

// flat are the operations that must not care how many users there are.
var flat = []string{"find by login", "find by id", "page by creation", "page by name prefix", "page by group"}

// tables is the part of the page that figures make.
func (b *book) tables() []byte {
	out := &strings.Builder{}
	for _, r := range b.runs {
		fmt.Fprintf(out, "%s: %d processors (%s), %.0f GB, %s", r.Date, r.Processors, r.Processor, float64(r.Memory)/1e9, r.Go)
		for _, v := range []struct{ name, version string }{{"SQLite", r.SQLite}, {"PostgreSQL", r.Postgres}} {
			if v.version != "" {
				fmt.Fprintf(out, ", %s %s", v.name, v.version)
			}
		}
		fmt.Fprintf(out, "; load average %.1f before it. `%s`\n\n", r.Busy, r.Command)
	}
	b.goals(out)
	b.ratios(out)
	b.growths(out)
	b.sized(out)
	b.whole(out)
	return []byte(out.String())
}

// most returns the largest number of users of a store up to a million, on which most tables are.
func (b *book) most() (users int) {
	for _, n := range b.users() {
		if n <= 1_000_000 {
			users = max(users, n)
		}
	}
	return users
}

func verdict(ok bool) string {
	if ok {
		return "kept"
	}
	return "**missed**"
}

func (b *book) goals(out *strings.Builder) {
	var rows [][]string
	from, to := b.users()[0], b.most()
	for _, store := range b.stores() {
		grown := func(to int, most float64) {
			worst, which := 0.0, ""
			for _, name := range flat {
				if g, ok := b.growth(store, name, from, to); ok && g > worst {
					worst, which = g, name
				}
			}
			if which != "" && to != from {
				rows = append(rows, []string{
					fmt.Sprintf("%s, find and page, %s to %s users: at most %.1fx", store, short(from), short(to), most),
					fmt.Sprintf("%.2fx (%s)", worst, which), verdict(worst <= most),
				})
			}
		}
		if store != "memory" {
			grown(to, flatTo1m)
			grown(10_000_000, flatTo10m)
		}
	}
	if f, ok := b.at("postgres", "commit of a sign-in", to, 16); ok {
		rows = append(rows, []string{
			fmt.Sprintf("postgres, a commit at 16 callers: at least %.1fx the bare statements", leastCommits),
			fmt.Sprintf("%.2fx as many a second", f.throughput()), verdict(f.throughput() >= leastCommits),
		})
	}
	if r, ok := b.overBare("postgres", "refresh at the store", to); ok {
		rows = append(rows, []string{
			fmt.Sprintf("postgres, a refresh at the store: at most %.1fx the bare statements", mostRefresh),
			fmt.Sprintf("%.2fx the processor time", r), verdict(r <= mostRefresh),
		})
	}
	out.WriteString("### Goals\n\n")
	table(out, []string{"goal", "measured", ""}, rows)
}

// ratios is what each operation costs beside what nobody can go below.
func (b *book) ratios(out *strings.Builder) {
	to := b.most()
	fmt.Fprintf(out, "### Beside the bare primitive, %s users\n\n", short(to))
	out.WriteString("Processor time, ours to bare, the median over all numbers of callers; in parentheses operations a second at 16 callers, ours to bare.\n\n")
	head := []string{""}
	var rows [][]string
	head = append(head, b.stores()...)
	for _, name := range b.names() {
		row := []string{name}
		for _, store := range b.stores() {
			cell := ""
			if r, ok := b.overBare(store, name, to); ok {
				cell = fmt.Sprintf("%.2fx", r)
			}
			if f, ok := b.at(store, name, to, 16); ok {
				cell += fmt.Sprintf(" (%.2fx)", f.throughput())
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	table(out, head, rows)
}

// growths is what more users cost.
func (b *book) growths(out *strings.Builder) {
	users := b.users()
	if len(users) < 2 {
		return
	}
	out.WriteString("### With the number of users\n\n")
	fmt.Fprintf(out, "Processor time, to that with %s users, the median over all numbers of callers.\n\n", short(users[0]))
	head := []string{""}
	for _, store := range b.stores() {
		for _, n := range users[1:] {
			head = append(head, fmt.Sprintf("%s %s", store, short(n)))
		}
	}
	var rows [][]string
	for _, name := range b.names() {
		row := []string{name}
		for _, store := range b.stores() {
			for _, n := range users[1:] {
				cell := ""
				if g, ok := b.growth(store, name, users[0], n); ok {
					cell = fmt.Sprintf("%.2fx", g)
				}
				row = append(row, cell)
			}
		}
		rows = append(rows, row)
	}
	table(out, head, rows)
}

// sized is what users take.
func (b *book) sized(out *strings.Builder) {
	var rows [][]string
	slices.SortFunc(b.sizes, func(x, y sizeLine) int {
		return cmp.Or(cmp.Compare(slices.Index(stores, x.Store), slices.Index(stores, y.Store)), cmp.Compare(x.Users, y.Users))
	})
	for _, s := range b.sizes {
		each := func(bytes int64) string {
			if bytes == 0 {
				return ""
			}
			return fmt.Sprintf("%.0f", float64(bytes)/float64(s.Users))
		}
		server := ""
		if s.Server > 0 {
			server = fmt.Sprintf("%.0f", float64(s.Server)/1e6)
		}
		rows = append(rows, []string{
			s.Store, short(s.Users), each(s.Disk), each(s.Heap), fmt.Sprintf("%.0f", float64(s.Resident)/1e6), server,
		})
	}
	out.WriteString("### Memory and disk\n\n")
	table(out, []string{"store", "users", "bytes on disk, each", "bytes of heap, each", "MB resident", "MB resident, server"}, rows)
}

// whole is every figure of the largest number of users.
func (b *book) whole(out *strings.Builder) {
	to := b.most()
	head := []string{
		"", "callers", "processor", "of it the server's", "bare", "a second", "bare", "p50", "bare", "p99", "bare",
	}
	for _, store := range b.stores() {
		var rows [][]string
		for _, name := range b.names() {
			for _, f := range b.of(store, name, to) {
				server := ""
				if f.Ours.Server > 0 {
					server = micros(f.Ours.Server)
				}
				rows = append(rows, []string{
					f.Name, fmt.Sprint(f.Callers), micros(f.Ours.cpu()), server, micros(f.Bare.cpu()),
					fmt.Sprintf("%.0f", f.Ours.Rate), fmt.Sprintf("%.0f", f.Bare.Rate),
					micros(f.Ours.P50), micros(f.Bare.P50), micros(f.Ours.P99), micros(f.Bare.P99),
				})
			}
		}
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(out, "### All of %s, %s users\n\n", store, short(to))
		table(out, head, rows)
	}
}
