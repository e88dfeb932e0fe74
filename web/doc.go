// Package web gives a program with pages of its own the sessions of a user pool: who is signed in
// stands in a cookie, and handlers ask for it.
//
//	s := web.New(p, web.Config{SignInPath: "/login"})
//	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
//		step, err := p.SignIn(r.Context(), pool.SignInInput{
//			Username: r.FormValue("email"), With: pool.Password{Value: password.New(r.FormValue("password"))},
//			Caller:   s.Caller(r),
//		})
//		if done, ok := step.(*pool.Done); ok {
//			err = s.Start(w, r, done)
//		}
//		...
//		http.Redirect(w, r, web.ReturnPath(r.FormValue(web.ReturnTo)), http.StatusSeeOther)
//	})
//	mux.Handle("GET /orders", s.Require(orders)) // whose web.User(r.Context()) says who asks
//	mux.Handle("GET /admin", s.RequireGroup("staff")(admin)) // a group of pool.Settings.Groups
//	mux.Handle("GET /keys", s.RequireFresh(5*time.Minute)(keys)) // or sign in again
//	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) { err := s.End(w, r); ... })
//	http.ListenAndServe(":8080", s.Load(mux))
//
// Everything that goes to the pool carries [Sessions.Caller], which tells it where a visitor comes
// from and that a browser asks: the sign-in then ends in a browser session, whose cookie
// [Sessions.Start] writes, and in no tokens.
//
// The cookie names the session, and holds nothing else. [Sessions.Load] reads the session at each
// request that brings one, so that signing out, a new password, a disabled user or a group that was
// left counts from the next request. The cookie is out of reach for scripts, other hosts and plain
// http.
//
// A browser sends it along with what other sites make it send. So a request that may change
// something (any but GET, HEAD and OPTIONS, and a WebSocket) is nobody's unless the browser says
// that it comes from a page of the same origin: Sec-Fetch-Site is same-origin, or Origin is that of
// the request. All browsers say one of the two; but those of before 2023, and all of them over
// plain http to another machine, do not where a page has "Referrer-Policy: no-referrer"
// ("same-origin" is as discreet). What is no browser has to say it, too. A handler that changes
// something at a GET is not protected. That Origin is compared with the Host of the request, so
// proxies must pass it on as it came; X-Forwarded-Host is not read, and no header makes a URL.
//
// Staff who act as a user ([pool.Admin.Impersonate]) have a cookie that opens what the user's does,
// groups included. The profile names them in its Actor: where only the user may act, look there.
//
// What must not be done by whoever finds a screen unlocked asks for a sign-in of just now
// ([Sessions.RequireFresh]), or for a stronger one ([Sessions.RequireACR]); who has not signed in so
// is sent to do it ([Config].StepUpPath), and comes back.
//
// It works with whatever takes net/http's middleware: chi's Use and With take Load, Require and
// RequireGroup("staff") as they are.
package web
