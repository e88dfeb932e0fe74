package main

import (
	"context"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// metrics are what is measured: requests, and what pools do. Pools are no label: there may be thousands.
type metrics struct {
	registry
	inFlight atomic.Int64
	requests func(values ...string)
	took     func(took time.Duration, values ...string)
}

func newMetrics(started time.Time) *metrics {
	m := new(metrics)
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
func (m *metrics) answered(route string, code int, took time.Duration) {
	m.requests(route, strconv.Itoa(code))
	m.took(took, route)
}

// observer returns what counts the work of all pools.
func (m *metrics) observer() pool.Observer {
	events := m.counter("userpool_events_total", "What happened in the pools, as in their histories.",
		"kind", "outcome", "reason")
	store := m.histogram("userpool_store_seconds", "How long the store took.", "operation", "outcome")
	waited := m.histogram("userpool_hash_waited_seconds", "How long passwords waited to be hashed.", "outcome")
	hooks := m.histogram("userpool_hook_seconds", "How long runs of hooks took.", "name", "outcome")
	messages := m.histogram("userpool_message_seconds", "How long it took to hand a message over.",
		"channel", "outcome")
	chores := m.histogram("userpool_chore_seconds", "How long rounds of chores took.", "name", "outcome")
	return pool.Observer{
		Event:   func(_ context.Context, e pool.ObservedEvent) { events(e.Kind, e.Outcome, e.Reason) },
		Store:   func(_ context.Context, c pool.StoreCall) { store(c.Took, c.Operation, c.Outcome) },
		Hash:    func(_ context.Context, h pool.HashRun) { waited(h.Waited, h.Outcome) },
		Hook:    func(_ context.Context, h pool.HookRun) { hooks(h.Took, h.Name, h.Outcome) },
		Message: func(_ context.Context, m pool.MessageTry) { messages(m.Took, string(m.Channel), m.Outcome) },
		Chore:   func(_ context.Context, c pool.ChoreRound) { chores(c.Took, c.Name, c.Outcome) },
	}
}

// gauges adds how the directory stands.
func (m *metrics) gauges(dir *pool.Directory) {
	for _, g := range []struct {
		name, help string
		read       func(pool.Stats) int
	}{
		{"userpool_hashes_running", "Passwords that are being hashed.", func(s pool.Stats) int { return s.HashesRunning }},
		{"userpool_hashes_waiting", "Passwords that wait to be hashed.", func(s pool.Stats) int { return s.HashesWaiting }},
		{"userpool_pools", "Pools that there are.", func(s pool.Stats) int { return s.Pools }},
		{"userpool_pools_loaded", "Pools that are in use.", func(s pool.Stats) int { return s.Loaded }},
		{"userpool_pools_failed", "Pools that could not be loaded.", func(s pool.Stats) int { return s.Failed }},
		{"userpool_messages_due", "Persons whose messages are due, some 256 at most.", func(s pool.Stats) int { return s.Due }},
	} {
		m.gauge(g.name, g.help, func() float64 { return float64(g.read(dir.Stats())) })
	}
	m.gauge("userpool_followed_timestamp_seconds", "When this process last heard of what others changed, in Unix time.",
		func() float64 { return float64(dir.Stats().Followed.UnixMilli()) / 1000 })
}
