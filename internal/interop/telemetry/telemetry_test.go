package telemetry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/userpool-go/userpool/internal/interop/telemetry"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage/memory"
)

const ada = "ada@example.com"

var (
	right = password.New("correct horse battery staple")
	wrong = password.New("incorrect horse battery staple")
)

// journey signs ada up and in, once with a wrong password, and returns the pool.
func journey(ctx context.Context, t *testing.T, o pool.Observer) *pool.Pool {
	t.Helper()
	box := mailbox.New()
	cheap := password.Params{Memory: 8, Time: 1, Threads: 1}
	hooks := hook.Set{PreAuthentication: func(context.Context, hook.PreAuthentication) error { return nil }}
	p, err := pool.Open(t.Context(), memory.New(), pool.Config{Sender: box, InsecureHash: &cheap, Hooks: hooks, Observer: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	up, err := p.SignUp(ctx, pool.SignUpInput{Username: ada, Password: right})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Wait(t.Context(), ada, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: box.Code(ada)}); err != nil {
		t.Fatal(err)
	}
	for _, pw := range []password.Secret{wrong, right, right} {
		p.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Password{Value: pw}})
	}
	return p
}

// scrape asks for the metrics as Prometheus does.
func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// labels writes the labels of a metric by their order.
func labels(m *dto.Metric) string {
	var all []string
	for _, l := range m.Label {
		all = append(all, l.GetName()+"="+l.GetValue())
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	p := journey(t.Context(), t, telemetry.Prometheus(registry))
	telemetry.Gauges(registry, p)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	families := scrape(t, server.URL)
	got := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			got[name+"{"+labels(m)+"}"] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			if strings.Contains(labels(m), "ada") || strings.Contains(labels(m), "example") {
				t.Errorf("%s tells of a person: %s", name, labels(m))
			}
		}
	}
	for metric, want := range map[string]float64{
		"userpool_events_total{kind=sign_up outcome=step reason=}":            1,
		"userpool_events_total{kind=confirm_sign_up outcome=success reason=}": 1,
		"userpool_events_total{kind=sign_in outcome=refused reason=no_proof}": 1,
		"userpool_events_total{kind=sign_in outcome=success reason=}":         2,
		"userpool_hash_wait_seconds{outcome=ok}":                              4,
		"userpool_hook_seconds{name=PreAuthentication outcome=ok}":            3,
		"userpool_hashes_running{}":                                           0,
		"userpool_pools_failed{}":                                             0,
	} {
		if n, ok := got[metric]; !ok || n != want {
			t.Errorf("%s = %v, %v, want %v", metric, n, ok, want)
		}
	}
	if n := got["userpool_store_seconds{operation=commit outcome=ok}"]; n < 6 {
		t.Errorf("%v commits, want at least 6 in %v", n, got)
	}
	if at := got["userpool_followed_timestamp_seconds{}"]; at < 1.7e9 {
		t.Errorf("followed at %v", at)
	}
}

func TestOpenTelemetry(t *testing.T) {
	t.Parallel()
	reader, spans := metric.NewManualReader(), tracetest.NewInMemoryExporter()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	o, err := telemetry.OpenTelemetry(meters.Meter("userpool"), tracer)
	if err != nil {
		t.Fatal(err)
	}
	ctx, request := tracer.Start(t.Context(), "request")
	journey(ctx, t, o)
	request.End()

	var got metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, m := range got.ScopeMetrics[0].Metrics {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				counts[fmt.Sprint(m.Name, p.Attributes.ToSlice())] = p.Value
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				counts[fmt.Sprint(m.Name, " ", p.Attributes.Len())] += int64(p.Count)
				if last := p.Bounds[len(p.Bounds)-1]; last != 5 {
					t.Errorf("the last bucket of %s begins at %v s", m.Name, last)
				}
			}
		}
	}
	refused := 0
	for name, n := range counts {
		if strings.HasPrefix(name, "userpool.events") && strings.Contains(name, "no_proof") {
			refused += int(n)
		}
		if strings.Contains(name, ada) {
			t.Errorf("%s tells of a person", name)
		}
	}
	if refused != 1 || counts["userpool.hash.wait 1"] != 4 || counts["userpool.hook.duration 2"] != 3 || counts["userpool.store.duration 2"] < 12 {
		t.Errorf("%d refused; %v", refused, counts)
	}

	reads, commits := 0, 0
	for _, s := range spans.GetSpans() {
		if s.Name == "request" {
			continue
		}
		if s.Parent.SpanID() != request.SpanContext().SpanID() || s.EndTime.Before(s.StartTime) {
			t.Errorf("span %q of %v from %v to %v", s.Name, s.Parent, s.StartTime, s.EndTime)
		}
		switch s.Name {
		case "userpool.store read":
			reads++
		case "userpool.store commit":
			commits++
		}
	}
	if reads != 5 || commits != 5 { // as README's costs say: one of each use case
		t.Errorf("%d reads and %d commits in the trace, want 5 of each", reads, commits)
	}
}

func ExamplePrometheus() {
	registry := prometheus.NewRegistry()
	p, err := pool.Open(context.Background(), memory.New(), pool.Config{Observer: telemetry.Prometheus(registry)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close(context.Background())
	telemetry.Gauges(registry, p)
	mux := http.NewServeMux() // on a listener that only the scraper reaches
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	fmt.Println(strings.Contains(w.Body.String(), "userpool_hashes_waiting 0"))
	// Output: true
}
