package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/userpool-go/userpool/pool"
)

// Prometheus returns an observer whose metrics are in r. Gauges of [pool.Stats] are added once there is
// something to ask: see [Gauges].
func Prometheus(r prometheus.Registerer) pool.Observer {
	f := promauto.With(r)
	seconds := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return f.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: seconds}, labels)
	}
	events := f.NewCounterVec(prometheus.CounterOpts{
		Name: "userpool_events_total", Help: "What visitors, owners and administrators did, and refusals.",
	}, []string{"kind", "outcome", "reason"})
	messages := f.NewCounterVec(prometheus.CounterOpts{
		Name: "userpool_messages_total", Help: "Attempts to send a message.",
	}, []string{"kind", "channel", "outcome"})
	store := histogram("userpool_store_seconds", "Calls of the store.", "operation", "outcome")
	waits := histogram("userpool_hash_wait_seconds", "Waiting at the password door.", "outcome")
	hooks := histogram("userpool_hook_seconds", "Runs of hooks.", "name", "outcome")
	chores := histogram("userpool_chore_seconds", "Rounds of chores.", "name", "outcome")
	return pool.Observer{
		Event: func(_ context.Context, e pool.ObservedEvent) {
			events.WithLabelValues(e.Kind, e.Outcome, e.Reason).Inc()
		},
		Store: func(_ context.Context, c pool.StoreCall) {
			store.WithLabelValues(c.Operation, c.Outcome).Observe(c.Took.Seconds())
		},
		Hash: func(_ context.Context, h pool.HashRun) { waits.WithLabelValues(h.Outcome).Observe(h.Waited.Seconds()) },
		Hook: func(_ context.Context, h pool.HookRun) {
			hooks.WithLabelValues(h.Name, h.Outcome).Observe(h.Took.Seconds())
		},
		Message: func(_ context.Context, m pool.MessageTry) {
			messages.WithLabelValues(string(m.Kind), string(m.Channel), m.Outcome).Inc()
		},
		Chore: func(_ context.Context, c pool.ChoreRound) {
			chores.WithLabelValues(c.Name, c.Outcome).Observe(c.Took.Seconds())
		},
	}
}

// Gauges adds to r how the process stands, asked at each scrape. P is a [pool.Pool] or a
// [pool.Directory].
func Gauges(r prometheus.Registerer, p interface{ Stats() pool.Stats }) {
	f := promauto.With(r)
	gauge := func(name, help string, value func(pool.Stats) float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(p.Stats()) })
	}
	gauge("userpool_hashes_running", "Passwords being hashed.", func(s pool.Stats) float64 { return float64(s.HashesRunning) })
	gauge("userpool_hashes_waiting", "Hashes waiting at the door.", func(s pool.Stats) float64 { return float64(s.HashesWaiting) })
	gauge("userpool_messages_due", "Persons whose messages are due.", func(s pool.Stats) float64 { return float64(s.Due) })
	gauge("userpool_pools_failed", "Pools that could not be loaded.", func(s pool.Stats) float64 { return float64(s.Failed) })
	gauge("userpool_followed_timestamp_seconds", "When changes of other processes were last heard of.",
		func(s pool.Stats) float64 { return float64(s.Followed.UnixMilli()) / 1000 })
}
