package hosted_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// An answer is remembered for a second click, and then no more: there are cookies in it.
func TestAnswersAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pages := hosted.New(pooltest.New(t).Pool, hosted.Config{})
		serve := func(r *http.Request) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, r)
			return w
		}
		asked := serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/forgot", nil))
		form := url.Values{"username": {ada}}
		for _, m := range hiddenHTML.FindAllStringSubmatch(asked.Body.String(), -1) {
			form.Set(m[1], m[2])
		}
		click := func() string {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/forgot", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			for _, c := range asked.Result().Cookies() {
				r.AddCookie(c)
			}
			return serve(r).Header().Get("Location")
		}
		first := click()
		time.Sleep(20 * time.Second)
		if again := click(); again != first || !strings.HasPrefix(first, "/auth/reset?") {
			t.Errorf("a second click leads to %s, want %s", again, first)
		}
		time.Sleep(20 * time.Second)
		if again := click(); again == first {
			t.Errorf("the answer is still remembered: %s", again)
		}
	})
}
