package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/web"
)

// BenchmarkLoad is what a page view costs beside the page, and of that the pool's part alone.
func BenchmarkLoad(b *testing.B) {
	k := pooltest.New(b)
	p := k.Person(ada)
	s := web.New(k.Pool, web.Config{})
	h := s.Load(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Run("session", func(b *testing.B) {
		r := p.Request("GET", "/")
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
	b.Run("pool alone", func(b *testing.B) {
		value := token.NewSecret(p.Cookie().Value)
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := k.Session(b.Context(), value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("nobody", func(b *testing.B) {
		r := httptest.NewRequest("GET", "/", nil)
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
}
