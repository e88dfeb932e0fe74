package web_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/web"
)

// A program with pages of its own: visitors sign in, and /orders is for those who have.
func Example() {
	ctx := context.Background()
	p, err := openShop(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	s := web.New(p, web.Config{SignInPath: "/login"})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a form") })
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		done, err := pool.Finished(p.SignIn(r.Context(), pool.SignInInput{
			Username: r.FormValue("email"), With: pool.Password{Value: password.New(r.FormValue("password"))},
			Caller: s.Caller(r),
		}))
		if err == nil {
			err = s.Start(w, r, done)
		}
		if err != nil {
			http.Error(w, "that did not work", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, web.ReturnPath(r.FormValue(web.ReturnTo)), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := s.End(w, r); err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("GET /orders", s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "the orders of %s", web.User(r.Context()).Username)
	})))
	srv := httptest.NewServer(s.Load(mux))
	defer srv.Close()

	b := newBrowser(srv.URL)
	fmt.Println(b.get("/orders"))
	fmt.Println(b.post("/login", url.Values{
		"email": {"ada@example.com"}, "password": {"correct horse battery staple"}, web.ReturnTo: {"/orders"},
	}))
	b.post("/logout", nil)
	fmt.Println(b.get("/orders"))
	// Output:
	// 200 /login?return_to=%2Forders: a form
	// 200 /orders: the orders of ada@example.com
	// 200 /login?return_to=%2Forders: a form
}

// The page with the keys is for who has signed in within five minutes. Others are asked to do it again,
// and come back.
func ExampleSessions_RequireFresh() {
	ctx := context.Background()
	var passed atomic.Int64
	p, err := openShopAt(ctx, func() time.Time { return time.Now().Add(time.Duration(passed.Load())) })
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	s := web.New(p, web.Config{StepUpPath: "/again"})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /again", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "a form for %s", web.User(r.Context()).Username)
	})
	mux.HandleFunc("POST /again", func(w http.ResponseWriter, r *http.Request) {
		done, err := pool.Finished(p.SignIn(r.Context(), pool.SignInInput{
			Username: "ada@example.com", With: pool.Password{Value: password.New(r.FormValue("password"))}, Caller: s.Caller(r),
		}))
		if err == nil {
			err = s.Start(w, r, done) // which ends the session of before
		}
		if err != nil {
			http.Error(w, "that did not work", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, web.ReturnPath(r.FormValue(web.ReturnTo)), http.StatusSeeOther)
	})
	mux.Handle("GET /keys", s.RequireFresh(5*time.Minute)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "the keys")
	})))
	srv := httptest.NewServer(s.Load(mux))
	defer srv.Close()

	b := newBrowser(srv.URL)
	form := url.Values{"password": {"correct horse battery staple"}, web.ReturnTo: {"/keys"}}
	fmt.Println(b.post("/again", form))
	passed.Store(int64(6 * time.Minute))
	fmt.Println(b.get("/keys"))
	fmt.Println(b.post("/again", form))
	// Output:
	// 200 /keys: the keys
	// 200 /again?max_age=300&return_to=%2Fkeys: a form for ada@example.com
	// 200 /keys: the keys
}

// Behind a balancer that ends TLS, visitors have their own addresses, and not the balancer's.
func ExampleSessions_Caller() {
	ctx := context.Background()
	p, err := openShop(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	s := web.New(p, web.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	r := httptest.NewRequest("POST", "/login", nil)
	r.RemoteAddr = "10.0.0.1:443"
	r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.7") // the first was written by the visitor
	fmt.Println(s.Caller(r).IP)
	// Output: 198.51.100.7
}

func ExampleReturnPath() {
	fmt.Println(web.ReturnPath("/orders?page=2"))
	fmt.Println(web.ReturnPath("//evil.example"))
	fmt.Println(web.ReturnPath(`/\evil.example`))
	// Output:
	// /orders?page=2
	// /
	// /
}

// openShop opens a pool whose only user is Ada.
func openShop(ctx context.Context) (*pool.Pool, error) { return openShopAt(ctx, nil) }

func openShopAt(ctx context.Context, now func() time.Time) (*pool.Pool, error) {
	box := mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box, Now: now})
	if err != nil {
		return nil, err
	}
	up, err := p.SignUp(ctx, pool.SignUpInput{Username: "ada@example.com", Password: password.New("correct horse battery staple")})
	if err != nil {
		return nil, err
	}
	if _, err := box.Wait(ctx, "ada@example.com", 1); err != nil {
		return nil, err
	}
	_, err = p.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: box.Code("ada@example.com")})
	return p, err
}

// browser is a client that keeps cookies and says where its requests come from.
type browser struct {
	http.Client
	at string
}

func newBrowser(at string) *browser {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &browser{http.Client{Jar: jar}, at}
}

func (b *browser) get(path string) string { return b.do("GET", path, nil) }

func (b *browser) post(path string, form url.Values) string { return b.do("POST", path, form) }

func (b *browser) do(method, path string, form url.Values) string {
	r, err := http.NewRequestWithContext(context.Background(), method, b.at+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := b.Do(r)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body := make([]byte, 1024)
	n, _ := res.Body.Read(body)
	return fmt.Sprintf("%d %s: %s", res.StatusCode, res.Request.URL.RequestURI(), body[:n])
}
