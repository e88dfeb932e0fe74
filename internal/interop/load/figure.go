package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// line is one line of the figures: a run, a full store, or an operation.
type line struct {
	Run    *runLine  `json:"run,omitempty"`
	Size   *sizeLine `json:"size,omitempty"`
	Figure *figure   `json:"figure,omitempty"`
}

// runLine says where and how the figures were made.
type runLine struct {
	Date       string  `json:"date"`
	Command    string  `json:"command"`
	Processor  string  `json:"processor"`
	Processors int     `json:"processors"`
	Memory     int64   `json:"memory"`
	Busy       float64 `json:"busy"` // how many processes wanted a processor in the minute before
	Go         string  `json:"go"`
	SQLite     string  `json:"sqlite,omitempty"`
	Postgres   string  `json:"postgres,omitempty"`
}

// sizeLine is what a full store holds, in bytes.
type sizeLine struct {
	Store    string  `json:"store"`
	Users    int     `json:"users"`
	Disk     int64   `json:"disk"`     // 0 in memory
	Heap     int64   `json:"heap"`     // that the users took; in memory only
	Resident int64   `json:"resident"` // this process, after the load
	Server   int64   `json:"server"`   // the server's processes, after the load
	Filling  float64 `json:"filling"`  // seconds; 0 where the users were there
	Idle     float64 `json:"idle"`     // processor time of the pool's two handles and the server while nobody calls, in parts of a processor
}

// figure is one operation with so many callers, and what it is measured by.
type figure struct {
	Store   string `json:"store"`
	Users   int    `json:"users"`
	Name    string `json:"name"`
	Callers int    `json:"callers"`
	Ours    side   `json:"ours"`
	Bare    side   `json:"bare"`
}

// side is either of the two, times in microseconds.
type side struct {
	N      int     `json:"n"`
	Self   float64 `json:"self"`   // processor time of this process, for one
	Server float64 `json:"server"` // of the store's server
	Rate   float64 `json:"rate"`   // a second
	P50    float64 `json:"p50"`
	P99    float64 `json:"p99"`
}

func newSide(t *tally) side {
	n, micro := float64(max(1, t.n)), float64(time.Microsecond)
	return side{
		N: t.n, Self: float64(t.self) / n / micro, Server: float64(t.server) / n / micro, Rate: float64(t.n) / t.wall.Seconds(),
		P50: float64(t.latencies.quantile(0.5)) / micro, P99: float64(t.latencies.quantile(0.99)) / micro,
	}
}

// cpu is the processor time of both processes.
func (s side) cpu() float64 { return s.Self + s.Server }

// ratio is that of the processor times.
func (f figure) ratio() float64 { return f.Ours.cpu() / max(f.Bare.cpu(), 1e-3) }

// throughput is how many there are for each bare one.
func (f figure) throughput() float64 { return f.Ours.Rate / max(f.Bare.Rate, 1e-3) }

// printer writes figures for people and, where asked to, for the report.
type printer struct {
	text  io.Writer
	lines io.Writer // nil means nobody asked
}

func (p printer) write(l line) error {
	if p.lines != nil {
		if err := json.NewEncoder(p.lines).Encode(l); err != nil {
			return err
		}
	}
	var err error
	switch {
	case l.Run != nil:
		_, err = fmt.Fprintf(p.text, "%s, %d x %s, %.0f GB, %s, SQLite %s, PostgreSQL %s\n",
			l.Run.Date, l.Run.Processors, l.Run.Processor, float64(l.Run.Memory)/1e9, l.Run.Go, l.Run.SQLite, l.Run.Postgres)
	case l.Size != nil:
		s := l.Size
		_, err = fmt.Fprintf(p.text, "\n%s, %s users: filled in %.0f s, %.0f B/user on disk, %.0f B/user of heap, %.0f MB resident, server %.0f MB, idle %.2f %%\n%s",
			s.Store, short(s.Users), s.Filling, float64(s.Disk)/float64(s.Users), float64(s.Heap)/float64(s.Users),
			float64(s.Resident)/1e6, float64(s.Server)/1e6, 100*s.Idle, columns)
	case l.Figure != nil:
		f := l.Figure
		_, err = fmt.Fprintf(p.text, "%-21s %3d %7.2f %7.2f  %9s %9s %9s  %9.0f %9.0f  %9s %9s  %9s %9s\n", f.Name, f.Callers, f.ratio(), f.throughput(),
			micros(f.Ours.Self), micros(f.Ours.Server), micros(f.Bare.cpu()), f.Ours.Rate, f.Bare.Rate,
			micros(f.Ours.P50), micros(f.Bare.P50), micros(f.Ours.P99), micros(f.Bare.P99))
	}
	return err
}

var columns = fmt.Sprintf("%-21s %3s %7s %7s  %9s %9s %9s  %9s %9s  %9s %9s  %9s %9s\n", "", "at", "cpu/", "rate/", "our cpu", "server's", "bare cpu",
	"a second", "bare", "p50", "bare", "p99", "bare")

// micros writes microseconds with three figures.
func micros(us float64) string {
	switch {
	case us >= 9995:
		return fmt.Sprintf("%.3g ms", us/1000)
	case us >= 995:
		return fmt.Sprintf("%.2f ms", us/1000)
	}
	return fmt.Sprintf("%.3g µs", us)
}

// short writes a number of users as it is given.
func short(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%dm", n/1_000_000)
	case n >= 1000 && n%1000 == 0:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}

// heap returns how much memory is reachable.
func heap() int64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// commandLine is the command without what only this machine has.
func commandLine(args []string) string {
	out := []string{"go", "run", "./load"}
	for i := 0; i < len(args); i++ {
		name, _, whole := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if !strings.HasPrefix(args[i], "-") {
			name = ""
		}
		if name == "dir" || name == "postgres" || name == "out" {
			if !whole {
				i++
			}
			continue
		}
		out = append(out, args[i])
	}
	return strings.Join(out, " ")
}
