package main

import (
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
)

// watch is what is measured.
type watch struct {
	metrics
	inFlight atomic.Int64
	requests func(values ...string)
	took     func(took time.Duration, values ...string)
}

func newWatch(started time.Time) *watch {
	m := new(watch)
	m.requests = m.counter("authserver_requests_total", "Requests that were answered.", "route", "code")
	m.took = m.histogram("authserver_request_seconds", "How long requests took.", "route")
	m.gauge("authserver_requests_in_flight", "Requests that are being served.",
		func() float64 { return float64(m.inFlight.Load()) })
	m.gauge("process_start_time_seconds", "When the process started, in Unix time.",
		func() float64 { return float64(started.Unix()) })
	m.gauge("go_goroutines", "Goroutines that there are.",
		func() float64 { return float64(runtime.NumGoroutine()) })
	return m
}

// answered counts a request that was answered.
func (m *watch) answered(route string, code int, took time.Duration) {
	m.requests(route, strconv.Itoa(code))
	m.took(took, route)
}
