package hosted_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// A page, from the request to its last byte, without the network. It asks the pool for nothing.
func BenchmarkPage(b *testing.B) {
	k := pooltest.New(b)
	pages := hosted.New(k.Pool, hosted.Config{})
	for _, path := range []string{"/auth/sign-in", "/auth/sign-up"} {
		b.Run(path[6:], func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
			r.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if pages.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
