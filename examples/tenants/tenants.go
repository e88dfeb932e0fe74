package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"strings"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// tenants serves the pools of a directory.
type tenants struct {
	dir      *pool.Directory
	domain   string
	operator string // bearer token
	log      *slog.Logger
}

// public is what visitors of tenants see.
func (t *tenants) public() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /signup", t.tenant(signUp))
	mux.HandleFunc("POST /confirm", t.tenant(confirm))
	mux.HandleFunc("POST /signin", t.tenant(signIn))
	mux.HandleFunc("GET /me", t.tenant(me))
	return mux
}

// private is what the operator sees.
func (t *tenants) private() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tenants", t.list)
	mux.HandleFunc("POST /tenants/{id}", t.provision)
	mux.HandleFunc("DELETE /tenants/{id}", t.remove)
	want := sha256.Sum256([]byte("Bearer " + t.operator))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			write(w, http.StatusUnauthorized, map[string]string{"error": "not_authorized"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// tenant serves what the host of a request names. The visitor chooses that header, and at worst is
// another tenant's visitor then: whatever belongs to one tenant is of no use at another.
func (t *tenants) tenant(serve func(*pool.Pool, http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := t.dir.ByIssuer(r.Context(), "https://"+strings.ToLower(r.Host))
		if err == nil {
			err = serve(p, w, r)
		}
		if err != nil {
			t.refuse(w, r, err)
		}
	}
}

// ops is who the operator is in the history of pools.
var ops = pool.Actor{Name: "provisioner"}

// provision makes a tenant and invites its owner. It may be tried again, also where a try before, or
// another process, got half of the way.
func (t *tenants) provision(w http.ResponseWriter, r *http.Request) {
	id := user.PoolID(r.PathValue("id"))
	settings := pool.Settings{
		Branding: pool.Branding{Name: r.FormValue("name")},
		Groups:   []pool.Group{{Name: "owner"}},
		Clients:  []pool.Client{{ID: "web"}},
	}
	p, err := t.dir.Create(r.Context(), ops, id, "https://"+strings.ToLower(string(id))+"."+t.domain, settings)
	if errors.Is(err, pool.ErrExists) {
		p, err = t.dir.Pool(r.Context(), id)
	}
	if err == nil {
		_, err = p.Admin(ops).CreateUser(r.Context(), pool.CreateUserInput{
			Username: r.FormValue("owner"), EmailVerified: true, Groups: []string{"owner"},
		})
	}
	if err != nil && !errors.Is(err, pool.ErrLoginTaken) {
		t.refuse(w, r, err)
		return
	}
	write(w, http.StatusCreated, map[string]string{"issuer": p.Issuer()})
}

func (t *tenants) remove(w http.ResponseWriter, r *http.Request) {
	if err := t.dir.Delete(r.Context(), ops, user.PoolID(r.PathValue("id"))); err != nil {
		t.refuse(w, r, err)
		return
	}
	write(w, http.StatusNoContent, nil)
}

func (t *tenants) list(w http.ResponseWriter, r *http.Request) {
	page, err := t.dir.Pools(r.Context(), ops, pool.PoolQuery{After: r.FormValue("after"), Limit: 100})
	if err != nil {
		t.refuse(w, r, err)
		return
	}
	write(w, http.StatusOK, page)
}

// form is all that visitors send.
type form struct{ Email, Password, Ticket, Code string }

// read reads a form. A page of another origin can send text without asking; for JSON the browser asks
// first, and nobody here says yes.
func read(w http.ResponseWriter, r *http.Request) (f form, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return f, errForm
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10))
	d.DisallowUnknownFields()
	if d.Decode(&f) != nil {
		return f, errForm
	}
	return f, nil
}

var errForm = errors.New("the body must be a JSON object, as application/json")

func signUp(p *pool.Pool, w http.ResponseWriter, r *http.Request) error {
	f, err := read(w, r)
	if err != nil {
		return err
	}
	up, err := p.SignUp(r.Context(), pool.SignUpInput{Username: f.Email, Password: password.New(f.Password), Caller: caller(r)})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, map[string]string{"step": "confirm", "ticket": up.Ticket})
	return nil
}

func confirm(p *pool.Pool, w http.ResponseWriter, r *http.Request) error {
	f, err := read(w, r)
	if err != nil {
		return err
	}
	step, err := p.ConfirmSignUp(r.Context(), pool.CodeInput{Ticket: f.Ticket, Code: f.Code, Caller: caller(r)})
	return next(w, step, err)
}

func signIn(p *pool.Pool, w http.ResponseWriter, r *http.Request) error {
	f, err := read(w, r)
	if err != nil {
		return err
	}
	in := pool.SignInInput{Username: f.Email, With: pool.Password{Value: password.New(f.Password)}, Caller: caller(r)}
	step, err := p.SignIn(r.Context(), in)
	return next(w, step, err)
}

func me(p *pool.Pool, w http.ResponseWriter, r *http.Request) error {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, err := p.Account(r.Context(), token.NewSecret(bearer))
	if err != nil {
		return err
	}
	profile, err := a.Get(r.Context())
	if err != nil {
		return err
	}
	write(w, http.StatusOK, map[string]any{"tenant": p.ID(), "email": profile.Email, "groups": profile.Groups})
	return nil
}

// next answers what comes next.
func next(w http.ResponseWriter, step pool.Step, err error) error {
	if err != nil {
		return err
	}
	text, err := pool.MarshalStep(step)
	if err == nil {
		write(w, http.StatusOK, json.RawMessage(text))
	}
	return err
}

// caller is who asks, as far as this program can know: what is in front of it should say more, see
// package web.
func caller(r *http.Request) pool.Caller {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return pool.Caller{IP: from.Addr(), UserAgent: r.UserAgent()}
}

// refusals say how each class of refusal is answered; what is not here is nobody's fault but ours.
var refusals = []struct {
	is     error
	status int
	name   string
}{
	{errForm, http.StatusBadRequest, "bad_request"},
	{pool.ErrInvalid, http.StatusUnprocessableEntity, "invalid"},
	{pool.ErrNotAuthorized, http.StatusUnauthorized, "not_authorized"},
	{pool.ErrNotFound, http.StatusNotFound, "not_found"},
	{pool.ErrBadCode, http.StatusUnprocessableEntity, "wrong_code"},
	{pool.ErrTicketGone, http.StatusGone, "start_again"},
	{pool.ErrLoginTaken, http.StatusConflict, "login_taken"},
	{pool.ErrNotAllowed, http.StatusConflict, "protected"},
	{pool.ErrExists, http.StatusConflict, "exists"},
	{pool.ErrLimited, http.StatusTooManyRequests, "too_many_requests"},
	{pool.ErrClosed, http.StatusServiceUnavailable, "try_again"},
	{pool.ErrUnavailable, http.StatusServiceUnavailable, "try_again"},
}

// refuse answers an error. Only the log is told what a stranger need not know.
func (t *tenants) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, name := http.StatusInternalServerError, "internal"
	for _, known := range refusals {
		if errors.Is(err, known.is) {
			status, name = known.status, known.name
			break
		}
	}
	if wrong, ok := errors.AsType[*pool.SettingsError](err); ok && r.PathValue("id") != "" {
		status, name = http.StatusUnprocessableEntity, wrong.Error() // for the operator
	}
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		t.log.ErrorContext(r.Context(), "request failed", "host", r.Host, "path", r.URL.Path, "error", err)
	}
	write(w, status, map[string]string{"error": name})
}

// write answers with v as JSON; nil means with no body.
func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Cache-Control", "no-store") // tokens and tickets are in it
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // nobody to tell
}
