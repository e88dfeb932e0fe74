package interop_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/web"
)

// routers put package web into each router as its users would: Load before everything, Require
// before /me, and handlers that sign in and out.
var routers = map[string]func(k *pooltest.Kit, s *web.Sessions) http.Handler{
	"net/http": func(k *pooltest.Kit, s *web.Sessions) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /", who)
		mux.Handle("GET /me", s.Require(http.HandlerFunc(who)))
		mux.HandleFunc("POST /login", login(k, s))
		mux.HandleFunc("POST /logout", logout(s))
		return s.Load(mux)
	},
	"chi": func(k *pooltest.Kit, s *web.Sessions) http.Handler {
		r := chi.NewRouter()
		r.Use(s.Load)
		r.Get("/", who)
		r.With(s.Require).Get("/me", who)
		r.Post("/login", login(k, s))
		r.Post("/logout", logout(s))
		return r
	},
	"gin": func(k *pooltest.Kit, s *web.Sessions) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		r.GET("/", gin.WrapF(who))
		r.GET("/me", ginRequire(s), gin.WrapF(who))
		r.POST("/login", gin.WrapF(login(k, s)))
		r.POST("/logout", gin.WrapF(logout(s)))
		return s.Load(r)
	},
	"echo": func(k *pooltest.Kit, s *web.Sessions) http.Handler {
		e := echo.New()
		e.Use(echo.WrapMiddleware(s.Load))
		e.GET("/", echo.WrapHandler(http.HandlerFunc(who)))
		e.GET("/me", echo.WrapHandler(http.HandlerFunc(who)), echo.WrapMiddleware(s.Require))
		e.POST("/login", echo.WrapHandler(login(k, s)))
		e.POST("/logout", echo.WrapHandler(logout(s)))
		return e
	},
}

// ginRequire is Require in gin, whose middleware is of another kind.
func ginRequire(s *web.Sessions) gin.HandlerFunc {
	return func(c *gin.Context) {
		in := false
		s.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request, in = r, true
		})).ServeHTTP(c.Writer, c.Request)
		if !in {
			c.Abort()
		}
	}
}

func who(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "hello %s", web.User(r.Context()).Username)
}

func login(k *pooltest.Kit, s *web.Sessions) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		done, err := pool.Finished(k.SignIn(r.Context(), pool.SignInInput{
			Username: r.URL.Query().Get("as"), With: pool.Password{Value: pooltest.Password}, Caller: s.Caller(r),
		}))
		if err == nil {
			err = s.Start(w, r, done)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}
}

func logout(s *web.Sessions) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.End(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}
}

func TestRouters(t *testing.T) {
	t.Parallel()
	for name, router := range routers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := pooltest.New(t)
			k.Person("ada@example.com")
			app := router(k, web.New(k.Pool, web.Config{}))
			var cookies []*http.Cookie
			ask := func(method, path string, want int, body string) {
				t.Helper()
				r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				for _, c := range cookies {
					r.AddCookie(c)
				}
				w := httptest.NewRecorder()
				app.ServeHTTP(w, r)
				if w.Code != want || body != "" && w.Body.String() != body {
					t.Errorf("%s %s = %d %q, want %d %q", method, path, w.Code, w.Body, want, body)
				}
				if got := w.Result().Cookies(); len(got) > 0 && path != "/logout" {
					cookies = got
				}
			}
			ask("GET", "/", 200, "hello ")
			ask("GET", "/me", 303, "")
			ask("POST", "/login?as=ada@example.com", 200, "")
			ask("GET", "/", 200, "hello ada@example.com")
			ask("GET", "/me", 200, "hello ada@example.com")
			ask("POST", "/logout", 200, "")
			ask("GET", "/me", 303, "")
			ask("GET", "/", 200, "hello ")
		})
	}
}
