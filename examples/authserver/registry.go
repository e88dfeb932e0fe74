package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// registry keeps the metrics of the server, and shows them in the text format of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Values of labels are words of the
// program's own, never what a visitor sent: each of them costs memory.
type registry struct {
	mu       sync.Mutex
	families []*family
}

// family is a metric, with a series for each combination of its labels.
type family struct {
	name, kind, help string
	labels           []string
	series           map[string]*series // by its labels as text
	read             func() float64     // of a gauge
}

// series counts, and how long each time took where that is told.
type series struct {
	count   uint64
	sum     time.Duration
	buckets [len(bounds)]uint64 // up to each of the bounds
}

var bounds = [...]time.Duration{
	time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second,
}

// counter adds a metric that counts.
func (r *registry) counter(name, help string, labels ...string) func(values ...string) {
	f := r.add(&family{name: name, kind: "counter", help: help, labels: labels, series: map[string]*series{}})
	return func(values ...string) { r.observe(f, 0, values) }
}

// histogram adds a metric that counts times by how long they are.
func (r *registry) histogram(name, help string, labels ...string) func(took time.Duration, values ...string) {
	f := r.add(&family{name: name, kind: "histogram", help: help, labels: labels, series: map[string]*series{}})
	return func(took time.Duration, values ...string) { r.observe(f, took, values) }
}

// gauge adds a metric that is read when it is shown.
func (r *registry) gauge(name, help string, read func() float64) {
	r.add(&family{name: name, kind: "gauge", help: help, read: read})
}

func (r *registry) add(f *family) *family {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.families = append(r.families, f)
	return f
}

func (r *registry) observe(f *family, took time.Duration, values []string) {
	text := make([]string, len(values))
	for i, v := range values {
		text[i] = f.labels[i] + "=" + strconv.Quote(v)
	}
	key := strings.Join(text, ",")
	r.mu.Lock()
	defer r.mu.Unlock()
	s := f.series[key]
	if s == nil {
		s = new(series)
		f.series[key] = s
	}
	s.count++
	s.sum += took
	for i, bound := range bounds {
		if took <= bound {
			s.buckets[i]++
		}
	}
}

// ServeHTTP shows all metrics.
func (r *registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var text bytes.Buffer // who reads slowly holds up nobody
	r.mu.Lock()
	for _, f := range r.families {
		f.write(&text)
	}
	r.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(text.Bytes())
}

func (f *family) write(w io.Writer) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
	if f.read != nil {
		fmt.Fprintf(w, "%s %s\n", f.name, number(f.read()))
	}
	for _, labels := range slices.Sorted(maps.Keys(f.series)) {
		s := f.series[labels]
		if f.kind == "counter" {
			fmt.Fprintf(w, "%s{%s} %d\n", f.name, labels, s.count)
			continue
		}
		for i, bound := range bounds {
			fmt.Fprintf(w, "%s_bucket{%s,le=%q} %d\n", f.name, labels, number(bound.Seconds()), s.buckets[i])
		}
		fmt.Fprintf(w, "%s_bucket{%s,le=\"+Inf\"} %d\n", f.name, labels, s.count)
		fmt.Fprintf(w, "%s_sum{%s} %s\n", f.name, labels, number(s.sum.Seconds()))
		fmt.Fprintf(w, "%s_count{%s} %d\n", f.name, labels, s.count)
	}
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
