package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/hosted/dev"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/web"
)

const (
	pagesPath   = "/auth" // of the pages of a pool, below its path
	pagesClient = "pages" // the app client that its pages sign in to
)

// server is what visitors see: the pools of a directory.
type server struct {
	dir     *pool.Directory
	site    site
	proxies []netip.Prefix
	boxes   *mailboxes // nil means that mail is sent
	log     *slog.Logger

	mu    sync.Mutex
	pages map[string]*pages // by pool
}

// pages are the pages of one pool.
type pages struct {
	*hosted.Pages
	pool *pool.Pool
}

func (s *server) routes(ready *readiness) *http.ServeMux {
	mux := http.NewServeMux()
	ready.routes(mux)
	mux.HandleFunc(s.site.path+pagesPath+"/{page...}", s.within(hostedPage))
	mux.HandleFunc("GET "+s.site.path+"/.well-known/jwks.json", s.within(keys))
	mux.HandleFunc("GET "+s.site.path+"/session", s.within(session))
	mux.HandleFunc("GET "+s.site.path+"/{$}", s.within(s.home))
	if s.boxes != nil {
		mux.HandleFunc("GET "+s.site.path+dev.Path, s.within(hostedPage))
	}
	return mux
}

// within serves what is of the pool that a request names.
func (s *server) within(serve func(*pages, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := s.of(r)
		if err != nil {
			refuse(w, r, s.log, err)
			return
		}
		if s.site.production() { // a browser that was here once comes by plain HTTP no more
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		serve(p, w, r)
	}
}

// of returns the pages of the pool that a request names.
func (s *server) of(r *http.Request) (*pages, error) {
	id := s.site.pool(r)
	if id == "" {
		return nil, pool.ErrNotFound
	}
	p, err := s.dir.ByIssuer(r.Context(), s.site.issuer(id))
	if err != nil {
		return nil, err
	}
	lineOf(r).pool = id
	return s.pagesOf(id, p)
}

// maxPages bounds how many pools' pages are kept, and with them the pools; beyond it all are made
// anew, which takes microseconds.
const maxPages = 1000

func (s *server) pagesOf(id string, p *pool.Pool) (*pages, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.pages[id]; kept != nil && kept.pool == p {
		return kept, nil
	}
	c := hosted.Config{
		Path: s.site.base(id) + pagesPath, Home: s.site.base(id) + pagesPath + "/account",
		Client: pagesClient, Proxies: s.proxies, Logger: s.log,
	}
	if s.boxes != nil {
		c.Dev = s.boxes.page(id, s.site.base(id))
	}
	made := &pages{hosted.New(p, c), p}
	if err := made.Err(); err != nil { // not kept: an operator may mend it
		return nil, err
	}
	if len(s.pages) >= maxPages {
		clear(s.pages)
	}
	s.pages[id] = made
	return made, nil
}

func hostedPage(p *pages, w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("page")
	if kind, _, digested := strings.Cut(name, "-"); digested && (kind == "style" || kind == "logo" || kind == "icon") {
		name = kind // whatever follows it is served
	}
	lineOf(r).page = name
	p.ServeHTTP(w, r)
}

func (s *server) home(_ *pages, w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, s.site.base(s.site.pool(r))+pagesPath+"/account", http.StatusSeeOther)
}

// keys answers with the keys of a pool's tokens. A new one stands there for a day before it signs, so
// that it may be kept for an hour.
func keys(p *pages, w http.ResponseWriter, r *http.Request) {
	set := p.pool.JWKS()
	digest := sha256.Sum256(set)
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", `"`+hex.EncodeToString(digest[:16])+`"`)
	h.Set("Access-Control-Allow-Origin", "*") // they are for everybody, scripts of other origins too
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(set))
}

// session says who is signed in. Scripts of other origins cannot read it.
func session(p *pages, w http.ResponseWriter, r *http.Request) {
	sessions := p.Sessions()
	sessions.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := sessions.Account(r); err != nil {
			refuse(w, r, nil, err)
			return
		}
		who := web.User(r.Context())
		writeJSON(w, http.StatusOK, map[string]any{
			"pool": p.pool.ID(), "subject": who.ID, "username": who.Username, "groups": who.Groups,
		})
	})).ServeHTTP(w, r)
}
