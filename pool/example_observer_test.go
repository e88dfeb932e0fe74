package pool_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// A program counts what it likes. For Prometheus and OpenTelemetry see internal/interop/telemetry.
func ExampleObserver() {
	var refused atomic.Int64
	p, err := pool.Open(context.Background(), memory.New(), pool.Config{Observer: pool.Observer{
		Event: func(_ context.Context, e pool.ObservedEvent) {
			if e.Kind == "sign_in" && e.Outcome == "refused" {
				refused.Add(1)
			}
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close(context.Background())
	p.SignIn(context.Background(), pool.SignInInput{
		Username: "nobody@example.com", With: pool.Password{Value: password.New("correct horse battery staple")},
	})
	fmt.Println(refused.Load(), "sign-in was refused")
	// Output: 1 sign-in was refused
}

// What a load balancer asks whether visitors should be sent here.
func ExamplePool_Health() {
	p, err := pool.Open(context.Background(), memory.New(), pool.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ready := func(w http.ResponseWriter, r *http.Request) {
		if err := p.Health(r.Context()); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable) // and err to the log
			return
		}
		fmt.Fprint(w, "ready")
	}
	ask := func() {
		w := httptest.NewRecorder()
		ready(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		fmt.Println(w.Code)
	}
	ask()
	p.Close(context.Background())
	ask()
	// Output:
	// 200
	// 503
}
