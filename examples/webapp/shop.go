package main

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/userpool-go/userpool/pool"
)

// shop is the program behind its handlers.
type shop struct {
	pool *pool.Pool
	db   *sql.DB
	log  *slog.Logger
}

// newShop makes the shop's tables, and returns its handler.
//
// Pages of other origins get nothing: there is no cookie that a browser would send along, no CORS
// header that would let them read an answer, and what a browser says comes from elsewhere is
// refused.
func newShop(ctx context.Context, p *pool.Pool, db *sql.DB, log *slog.Logger) (http.Handler, error) {
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, err
	}
	verifier, err := p.Verifier()
	if err != nil {
		return nil, err
	}
	s := &shop{pool: p, db: db, log: log}
	mux := http.NewServeMux()
	mux.Handle("POST /signup", s.form(s.signUp, "email", "password", "name?"))
	mux.Handle("POST /confirm", s.form(s.confirm, "ticket", "code"))
	mux.Handle("POST /resend", s.form(s.resend, "ticket"))
	mux.Handle("POST /signin", s.form(s.signIn, "email", "password", "device?"))
	mux.Handle("POST /respond", s.form(s.respond, "ticket", "password?", "code?", "device?"))
	mux.Handle("POST /refresh", s.form(s.refresh, "refresh_token"))
	mux.Handle("POST /signout", s.form(s.signOut, "refresh_token"))
	mux.Handle("POST /forgot", s.form(s.forgot, "email"))
	mux.Handle("POST /reset", s.form(s.reset, "ticket", "code", "password"))
	mux.Handle("GET /me", verifier.Middleware(http.HandlerFunc(s.me)))
	mux.Handle("POST /orders", verifier.Middleware(s.form(s.order, "item")))
	return http.NewCrossOriginProtection().Handler(mux), nil
}

// action answers one form, or says why not.
type action func(w http.ResponseWriter, r *http.Request, f form) error

// form makes a handler of an action and the names of its texts.
func (s *shop) form(do action, names ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := readForm(w, r, names)
		if err == nil {
			err = do(w, r, f)
		}
		if err != nil {
			refuse(w, r, s.log, err)
		}
	})
}

// caller says who asks, by the connection: a header may say anything. Behind a balancer all
// visitors would be one network to the pool, so take there the header that the balancer sets, and
// only from it.
func caller(r *http.Request, f form) pool.Caller {
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // none means one network for all of those
	locale, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	locale, _, _ = strings.Cut(locale, ";")
	return pool.Caller{
		IP: from.Addr(), UserAgent: r.UserAgent(), Locale: strings.TrimSpace(locale),
		Device: f["device"],
	}
}
