// Package telemetry feeds Prometheus and OpenTelemetry from a [pool.Observer]. It is there to be copied:
// each file stands alone, and a program takes the one it needs.
//
//	registry := prometheus.NewRegistry()
//	p, err := pool.Open(ctx, st, pool.Config{Observer: telemetry.Prometheus(registry)})
//	...
//	telemetry.Gauges(registry, p)
//	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{})) // for the scraper alone
//
// Labels are closed sets of words. Pool is left out of them; a program with a few pools may add it.
package telemetry
