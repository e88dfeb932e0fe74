package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/user"
	"github.com/userpool-go/userpool/web"
)

// acting returns what staff get who act as the user of an id in a browser.
func acting(t *testing.T, k *pooltest.Kit, id user.ID) *pool.Done {
	t.Helper()
	done, err := k.Admin(pool.Actor{Name: "helpdesk"}).Impersonate(t.Context(), pool.ImpersonateInput{ID: id, Reason: "ticket 4711", Browser: true})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// Staff who act as a user have a cookie like theirs, and the program sees who it is.
func TestS6_StaffInABrowser(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	s := web.New(k.Pool, web.Config{})
	id := k.Person(ada).ID()
	done := acting(t, k, id)
	page := func(change func(w http.ResponseWriter, r *http.Request)) http.Handler {
		return s.Load(http.HandlerFunc(change))
	}
	request := func(cookies []*http.Cookie) *http.Request {
		r := httptest.NewRequest("POST", "http://127.0.0.1/", nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return r
	}
	w := httptest.NewRecorder()
	page(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Start(w, r, done); err != nil {
			t.Error(err)
		}
	}).ServeHTTP(w, request(nil))
	given := w.Result().Cookies()
	look := func(cookies []*http.Cookie, then func(r *http.Request, who pool.Profile)) {
		t.Helper()
		page(func(_ http.ResponseWriter, r *http.Request) { then(r, web.User(r.Context())) }).ServeHTTP(httptest.NewRecorder(), request(cookies))
	}
	look(given, func(r *http.Request, who pool.Profile) {
		if who.ID != id || who.Actor != "helpdesk" {
			t.Errorf("the user is %+v", who)
		}
		a, err := s.Account(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.SignOutEverywhere(t.Context(), s.Caller(r)); !errors.Is(err, pool.ErrForbidden) {
			t.Errorf("SignOutEverywhere = %v, want ErrForbidden", err)
		}
	})
	k.Clock.Advance(30*time.Minute - time.Second)
	look(given, func(_ *http.Request, who pool.Profile) {
		if who.ID != id {
			t.Errorf("a second before its end: %+v", who)
		}
	})
	k.Clock.Advance(time.Second)
	look(given, func(_ *http.Request, who pool.Profile) {
		if who.ID != "" {
			t.Errorf("at its end: %+v", who)
		}
	})
}
