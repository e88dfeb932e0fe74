package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/userpool-go/userpool/pool"
)

// bounds are of the buckets of histograms. The default ones are for milliseconds.
var bounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}

// OpenTelemetry returns an observer that measures by m, and makes a span by t of each call of the store
// that belongs to a trace: below the span in the context of the call, such as that of an HTTP request.
// The error is that of a meter which refuses an instrument.
func OpenTelemetry(m metric.Meter, t trace.Tracer) (pool.Observer, error) {
	var failed error
	counter := func(name string) metric.Int64Counter {
		c, err := m.Int64Counter(name)
		if err != nil {
			failed = err
		}
		return c
	}
	events, messages, chores := counter("userpool.events"), counter("userpool.messages"), counter("userpool.chores")
	histogram := func(name string) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(bounds...))
		if err != nil {
			failed = err
		}
		return h
	}
	store, waits := histogram("userpool.store.duration"), histogram("userpool.hash.wait")
	hooks := histogram("userpool.hook.duration")
	with := func(pairs ...string) metric.MeasurementOption {
		var kv []attribute.KeyValue
		for i := 0; i < len(pairs); i += 2 {
			kv = append(kv, attribute.String(pairs[i], pairs[i+1]))
		}
		return metric.WithAttributes(kv...)
	}
	return pool.Observer{
		Event: func(ctx context.Context, e pool.ObservedEvent) {
			events.Add(ctx, 1, with("kind", e.Kind, "outcome", e.Outcome, "reason", e.Reason))
		},
		Store: func(ctx context.Context, c pool.StoreCall) {
			store.Record(ctx, c.Took.Seconds(), with("operation", c.Operation, "outcome", c.Outcome))
			span(ctx, t, "userpool.store "+c.Operation, c.Began, c.Took, c.Outcome)
		},
		Hash: func(ctx context.Context, h pool.HashRun) {
			waits.Record(ctx, h.Waited.Seconds(), with("outcome", h.Outcome))
		},
		Hook: func(ctx context.Context, h pool.HookRun) {
			hooks.Record(ctx, h.Took.Seconds(), with("name", h.Name, "outcome", h.Outcome))
		},
		Message: func(ctx context.Context, m pool.MessageTry) {
			messages.Add(ctx, 1, with("kind", string(m.Kind), "channel", string(m.Channel), "outcome", m.Outcome))
		},
		Chore: func(ctx context.Context, c pool.ChoreRound) {
			chores.Add(ctx, 1, with("name", c.Name, "outcome", c.Outcome))
		},
	}, failed
}

// span makes a span of what is over, where it is part of a trace: chores are of none.
func span(ctx context.Context, t trace.Tracer, name string, began time.Time, took time.Duration, outcome string) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return
	}
	_, s := t.Start(ctx, name, trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("outcome", outcome)))
	if outcome == "error" || outcome == "unknown" {
		s.SetStatus(codes.Error, outcome)
	}
	s.End(trace.WithTimestamp(began.Add(took)))
}
