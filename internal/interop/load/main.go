// Command load fills the three stores with a thousand users, a million, or more, and lets callers
// sign up, sign in, refresh, verify, find and list among them. Beside each of these, in turns of the
// same run, it does what nobody can go below: a bare password hash, a bare signature, bare
// statements on the same tables. It runs on Linux.
//
//	go run ./load -out figures.jsonl
//	go run ./load -users 10m -stores sqlite -only find,page -callers 1 -out more.jsonl
//	go run ./load report -in figures.jsonl,more.jsonl -page ../../docs/performance.md -plot ../../docs/performance.svg
//
// The first prints its figures, and writes them for the second, which puts them into the page.
//
// Processor time is what to compare: of this process as its kernel accounts it, and of the
// processes of the PostgreSQL server. Without -postgres a private server is started, whose commits
// reach the disk.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stores are what can be loaded.
var stores = []string{"memory", "sqlite", "postgres"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "report" {
		return report(args[1:])
	}
	f, err := parse(args)
	if err != nil {
		return err
	}
	return f.run(ctx, args, out)
}

// flags are what to do.
type flags struct {
	users    []int
	stores   []string
	callers  []int
	only     []string
	window   time.Duration
	rounds   int
	dir      string
	postgres string
	out      string
}

func parse(args []string) (*flags, error) {
	f := &flags{}
	set := flag.NewFlagSet("load", flag.ContinueOnError)
	users := set.String("users", "1k,1m", "how many users, such as 1k,1m,10m")
	which := set.String("stores", strings.Join(stores, ","), "which stores")
	callers := set.String("callers", "1,4,16,64", "how many callers at a time, at most 64")
	only := set.String("only", "", "operations whose names begin with one of these; empty means all")
	set.DurationVar(&f.window, "window", 100*time.Millisecond, "how long callers work in a turn; three times that where they hash")
	set.IntVar(&f.rounds, "rounds", 2, "how many turns there are of each")
	set.StringVar(&f.dir, "dir", "", "a folder where stores of 100k users and more stay, for the next run of the same version; empty means one that goes")
	set.StringVar(&f.postgres, "postgres", "", "URL of a server whose role may create databases; empty means a private one")
	set.StringVar(&f.out, "out", "", "a file to write figures to, a JSON value in a line")
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("what is %q? only flags are taken", set.Arg(0))
	}
	f.stores, f.only = split(*which), split(*only)
	for _, s := range f.stores {
		if !slices.Contains(stores, s) {
			return nil, fmt.Errorf("no store is named %q: %s are", s, strings.Join(stores, ", "))
		}
	}
	var err error
	if f.users, err = numbers(*users, 100, 100_000_000); err != nil {
		return nil, fmt.Errorf("-users: %w", err)
	}
	if f.callers, err = numbers(*callers, 1, maxCallers); err != nil {
		return nil, fmt.Errorf("-callers: %w", err)
	}
	if f.window <= 0 || f.rounds < 1 {
		return nil, fmt.Errorf("-window and -rounds must be above 0")
	}
	return f, nil
}

func split(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}

// numbers reads a list of numbers, of which k stands for a thousand and m for a million.
func numbers(list string, from, to int) (out []int, err error) {
	for _, text := range split(list) {
		times := 1
		if digits, ok := strings.CutSuffix(text, "k"); ok {
			text, times = digits, 1000
		} else if digits, ok := strings.CutSuffix(text, "m"); ok {
			text, times = digits, 1_000_000
		}
		n, err := strconv.Atoi(text)
		if err != nil || n > to/times || n*times < from {
			return nil, fmt.Errorf("%q must be a number from %d to %d, such as 1k", text, from, to)
		}
		out = append(out, n*times)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("at least one number is needed")
	}
	return out, nil
}

// wants reports whether an operation is to be run.
func (f *flags) wants(o operation) bool {
	return len(f.only) == 0 || slices.ContainsFunc(f.only, func(name string) bool { return strings.HasPrefix(o.name, name) })
}
