package pool_test

import (
	"context"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// confirmPage names nobody and asks the pool nothing: mail scanners open it before people do.
var confirmPage = template.Must(template.New("").Parse(`<form method="post">
<input type="hidden" name="link" value="{{.}}">
Your password, if this is another browser than the one you signed up in: <input type="password" name="password">
<button>Confirm my email address</button></form>`))

// The page that links lead to. Its GET shows a form; its POST confirms, in the browser that signed
// up by the ticket in its cookie, and in any other by the password.
func ExamplePool_ConfirmLink() {
	ctx, box := context.Background(), mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{
		Sender: box, ConfirmURL: "http://localhost:8080/confirm",
		Settings: &pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /confirm", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "same-origin") // the link is a secret
		w.Header().Set("Cache-Control", "no-store")
		_ = confirmPage.Execute(w, r.FormValue("link"))
	})
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
		in := pool.LinkInput{Link: r.PostFormValue("link")}
		if c, err := r.Cookie("__Host-sign-up"); err == nil {
			in.Ticket = c.Value
		}
		step, err := p.ConfirmLink(r.Context(), in)
		if need, ok := step.(*pool.NeedPassword); ok && r.PostFormValue("password") != "" {
			answer := pool.Password{Value: password.New(r.PostFormValue("password"))}
			step, err = p.Respond(r.Context(), pool.RespondInput{Ticket: need.Ticket, With: answer})
		}
		switch step.(type) {
		case *pool.Done:
			fmt.Fprint(w, "Welcome.")
		case *pool.NeedPassword:
			fmt.Fprint(w, "Please enter your password.")
		default:
			http.Error(w, fmt.Sprint("That did not work: ", err), http.StatusUnauthorized)
		}
	})
	site := http.NewCrossOriginProtection().Handler(mux) // no other site may post a link of its own

	secret := password.New("correct horse battery staple")
	if _, err := p.SignUp(ctx, pool.SignUpInput{Username: "ada@example.com", Password: secret}); err != nil {
		log.Fatal(err)
	}
	if _, err := box.Wait(ctx, "ada@example.com", 1); err != nil {
		log.Fatal(err)
	}
	page := httptest.NewRecorder()
	site.ServeHTTP(page, httptest.NewRequest("GET", box.Link("ada@example.com"), nil))
	fmt.Println(page.Code, strings.Contains(page.Body.String(), "ada"))

	_, link, _ := strings.Cut(box.Link("ada@example.com"), "?link=")
	for _, typed := range []string{"", "a wrong one", secret.Reveal()} { // on another device, without the cookie
		form := strings.NewReader(url.Values{"link": {link}, "password": {typed}}.Encode())
		r := httptest.NewRequest("POST", "http://localhost:8080/confirm", form)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// 200 false
	// Please enter your password.
	// That did not work: pool: not authorized
	// Welcome.
}
