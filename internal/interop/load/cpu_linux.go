package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// spent returns the processor time of this process: machines are shared, and the wall clock counts
// the neighbours.
func spent() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// processes are a server's: a postmaster and its children.
type processes struct {
	postmaster int
	seen       map[int]time.Duration // of each, as it was last read: what has ended stays counted
}

// serverOf returns the processes of the server of which one is a child of the postmaster.
func serverOf(child int) (*processes, error) {
	parent, err := parentOf(child)
	if err != nil {
		return nil, err
	}
	return &processes{postmaster: parent, seen: map[int]time.Duration{}}, nil
}

func parentOf(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name of the program stands in parentheses, and may have some itself.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return 0, fmt.Errorf("process %d has no parent", pid)
	}
	return strconv.Atoi(fields[1])
}

// all returns the ids of the processes that are there.
func (p *processes) all() []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.postmaster, p.postmaster))
	pids := []int{p.postmaster}
	for _, f := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(f); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// spent returns the processor time of all processes so far.
func (p *processes) spent() (sum time.Duration) {
	for _, pid := range p.all() {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		var ns int64
		if _, scan := fmt.Sscan(string(text), &ns); err == nil && scan == nil {
			p.seen[pid] = time.Duration(ns)
		}
	}
	for _, d := range p.seen {
		sum += d
	}
	return sum
}

// resident returns the memory of all processes, what they share counted once.
func (p *processes) resident() (sum int64) {
	for _, pid := range p.all() {
		sum += field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss")
	}
	return sum
}

// resident returns the memory of this process, now.
func resident() int64 { return field("/proc/self/status", "VmRSS") }

// field reads a line of a file of /proc, in bytes.
func field(file, name string) (n int64) {
	text, _ := os.ReadFile(file)
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	fmt.Sscan(rest, &n)
	return n << 10
}

// machine names the processor.
func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(text), "\nmodel name")
	line, _, _ := strings.Cut(rest, "\n")
	_, name, _ := strings.Cut(line, ":")
	return strings.TrimSpace(name)
}

// installed returns how much memory the machine has, in bytes.
func installed() int64 {
	text, _ := os.ReadFile("/proc/meminfo")
	var kb int64
	fmt.Sscanf(string(text), "MemTotal: %d", &kb)
	return kb << 10
}

// busy returns how many processes wanted a processor in the last minute.
func busy() (n float64) {
	text, _ := os.ReadFile("/proc/loadavg")
	fmt.Sscan(string(text), &n)
	return n
}
