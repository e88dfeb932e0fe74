package hosted_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// adding is a middleware with headers of its own, such as one that compresses.
type adding struct{ http.ResponseWriter }

func (a adding) WriteHeader(status int) {
	a.Header().Add("Set-Cookie", "late=1")
	a.Header().Add("Vary", "Accept-Encoding")
	a.ResponseWriter.WriteHeader(status)
}

// What a middleware adds stays, before and after; also where one answer is given to several clicks at once.
func TestHeadersOfOthersStay(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "early=1")
		w.Header().Add("Vary", "Origin")
		s.pages.ServeHTTP(adding{w}, r)
	}))
	defer srv.Close()
	s.url = srv.URL
	b := s.browser()
	p := b.open("/auth/sign-in")
	var wg sync.WaitGroup
	for range 10 {
		r := b.form(p, "submit", "username", ada, "password", secret)
		r.Header.Set("Cookie", b.cookies())
		wg.Go(func() {
			a := b.without(r)
			cookies, vary := a.header.Values("Set-Cookie"), a.header.Values("Vary")
			if a.status != http.StatusSeeOther || len(cookies) != 5 || cookies[0] != "early=1" || cookies[4] != "late=1" ||
				!slices.Contains(vary, "Origin") || !slices.Contains(vary, "Accept-Encoding") {
				t.Errorf("%d with cookies %q, Vary %q", a.status, cookies, vary)
			}
		})
	}
	wg.Wait()
}
