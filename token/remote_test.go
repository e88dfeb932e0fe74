package token_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

// publisher serves a key set, or whatever a test wants instead, and counts how often it is asked.
type publisher struct {
	url   string
	calls atomic.Int64

	mu     sync.Mutex
	answer http.HandlerFunc
	now    time.Time
}

func publish(t testing.TB, answer http.HandlerFunc) *publisher {
	t.Helper()
	p := &publisher{answer: answer, now: now}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		p.mu.Lock()
		answer := p.answer
		p.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	p.url = s.URL + "/.well-known/jwks.json"
	return p
}

func (p *publisher) set(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *publisher) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *publisher) advance(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

func (p *publisher) keys(t testing.TB) token.KeySet {
	t.Helper()
	set, err := token.RemoteKeys(p.url, token.RemoteConfig{Now: p.clock, InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// serve answers with the keys, good for a time.
func serve(cacheControl string, keys ...*token.SigningKey) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheControl)
		w.Write(token.JWKS(keys...))
	}
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

func known(t *testing.T, set token.KeySet, k *token.SigningKey) {
	t.Helper()
	if _, err := set.Key(t.Context(), k.KID()); err != nil {
		t.Errorf("Key = %v", err)
	}
}

func refused(t *testing.T, set token.KeySet, k *token.SigningKey) {
	t.Helper()
	if _, err := set.Key(t.Context(), k.KID()); !errors.Is(err, token.ErrNoKey) {
		t.Errorf("Key = %v, want ErrNoKey", err)
	}
}

func (p *publisher) asked(t *testing.T, when string, want int64) {
	t.Helper()
	if got := p.calls.Load(); got != want {
		t.Errorf("%s: the issuer was asked %d times, want %d", when, got, want)
	}
}

func TestRemoteKeysLearnAndForget(t *testing.T) {
	t.Parallel()
	a, b, c := generate(t), generateFor(t, token.EdDSA), generateFor(t, token.RS256)
	p := publish(t, serve("public, max-age=600", a))
	set := p.keys(t)
	p.asked(t, "before the first token", 0)
	for range 5 {
		known(t, set, a)
	}
	p.asked(t, "after the first", 1)

	p.set(serve("max-age=600", a, b, c))
	p.advance(29 * time.Second)
	refused(t, set, b) // it was asked just now
	p.asked(t, "within 30 seconds", 1)
	p.advance(time.Second)
	known(t, set, b)
	known(t, set, c)
	p.asked(t, "after 30 seconds", 2)

	p.set(serve("max-age=600", b))
	p.advance(10*time.Minute - 1)
	known(t, set, a)
	p.asked(t, "while the set is good", 2)
	p.advance(1)
	refused(t, set, a) // withdrawn
	known(t, set, b)
	p.asked(t, "when it is old", 3)
}

// Strangers name keys as they like. They cost the issuer a request in 30 seconds.
func TestRemoteKeysBoundRefetches(t *testing.T) {
	t.Parallel()
	k := generate(t)
	p := publish(t, serve("max-age=3600", k))
	set := p.keys(t)
	known(t, set, k)
	for range 60 {
		for range 20 {
			if _, err := set.Key(t.Context(), "x"); !errors.Is(err, token.ErrNoKey) {
				t.Fatal(err)
			}
		}
		p.advance(time.Second)
	}
	p.asked(t, "in a minute of strangers", 2)
	known(t, set, k)
}

func TestRemoteKeysMaxAge(t *testing.T) {
	t.Parallel()
	k := generate(t)
	for header, want := range map[string]time.Duration{
		"":                               5 * time.Minute,
		"public":                         5 * time.Minute,
		"max-age=120":                    2 * time.Minute,
		"Public, Max-Age=120":            2 * time.Minute,
		`max-age="120"`:                  2 * time.Minute,
		"max-age=120, max-age=900":       2 * time.Minute,
		"max-age=900,max-age=120":        2 * time.Minute,
		"max-age=0":                      time.Minute,
		"max-age=1":                      time.Minute,
		"no-store":                       time.Minute,
		"max-age=900, no-cache":          time.Minute,
		"max-age=86400":                  time.Hour,
		"max-age=2147483647":             time.Hour,
		"max-age=99999999999999999999":   5 * time.Minute,
		"max-age=-1":                     5 * time.Minute,
		"max-age=":                       5 * time.Minute,
		"max-age":                        5 * time.Minute,
		"max-age=1e9":                    5 * time.Minute,
		"s-maxage=900, x-max-age=900,,=": 5 * time.Minute,
	} {
		p := publish(t, serve(header, k))
		set := p.keys(t)
		known(t, set, k)
		p.advance(want - 1)
		known(t, set, k)
		p.asked(t, header+" a moment before", 1)
		p.advance(1)
		known(t, set, k)
		p.asked(t, header+" at its end", 2)
	}
}

func TestRemoteKeysKeepTheLastGoodSet(t *testing.T) {
	t.Parallel()
	k, other := generate(t), generate(t)
	elsewhere := publish(t, serve("", other))
	for name, answer := range map[string]http.HandlerFunc{
		"down":            text(http.StatusServiceUnavailable, ""),
		"gone":            text(http.StatusNotFound, "not found"),
		"error with keys": text(http.StatusInternalServerError, string(token.JWKS(other))),
		"no content":      text(http.StatusNoContent, ""),
		"page":            text(http.StatusOK, "<html>sign in</html>"),
		"empty":           text(http.StatusOK, ""),
		"no keys":         text(http.StatusOK, `{"keys":[]}`),
		"unknown kinds":   text(http.StatusOK, `{"keys":[{"kty":"AKP","kid":"a","alg":"ML-DSA-44","pub":"AA"},{"kty":"oct","kid":"b","k":"c2VjcmV0"}]}`),
		"keys a text":     text(http.StatusOK, `{"keys":"none"}`),
		"private key":     text(http.StatusOK, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`),
		"deep":            text(http.StatusOK, `{"keys":`+strings.Repeat("[", 100_000)),
		"huge":            text(http.StatusOK, string(token.JWKS(other))+strings.Repeat(" ", 256<<10)),
		"huge list":       text(http.StatusOK, `{"keys":[`+strings.Repeat(`{"kty":"x"},`, 200)+`{}]}`),
		"redirect":        func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.url, http.StatusFound) },
		"redirect, moved": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.url, http.StatusPermanentRedirect)
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99999")
			w.Write(token.JWKS(other))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := publish(t, serve("max-age=60", k))
			set := p.keys(t)
			known(t, set, k)
			p.set(answer)
			p.advance(time.Minute)
			for range 3 { // one failure is enough to wait
				known(t, set, k)
			}
			p.asked(t, "after a failure", 2)
			if _, err := set.Key(t.Context(), other.KID()); err == nil || errors.Is(err, token.ErrNoKey) {
				t.Errorf("Key of an unknown id = %v: it cannot be known whether there is one", err)
			}
			p.advance(29 * time.Second)
			known(t, set, k)
			p.asked(t, "within 30 seconds of it", 2)
			p.advance(time.Second)
			known(t, set, k)
			p.asked(t, "after 30 seconds", 3)
			p.advance(23 * time.Hour)
			known(t, set, k)
			p.advance(time.Hour)
			if _, err := set.Key(t.Context(), k.KID()); err == nil || errors.Is(err, token.ErrNoKey) {
				t.Errorf("Key after a day without an answer = %v", err)
			}
			p.set(serve("max-age=60", other))
			p.advance(30 * time.Second)
			known(t, set, other)
			refused(t, set, k)
		})
	}
	elsewhere.asked(t, "by redirects", 0)
}

func TestRemoteKeysFirstFetchFails(t *testing.T) {
	t.Parallel()
	k := generate(t)
	p := publish(t, text(http.StatusBadGateway, ""))
	set := p.keys(t)
	for range 3 {
		if _, err := set.Key(t.Context(), k.KID()); err == nil || errors.Is(err, token.ErrNoKey) {
			t.Errorf("Key = %v, want another error than ErrNoKey", err)
		}
	}
	p.asked(t, "at once", 1)
	p.set(serve("", k))
	p.advance(time.Second)
	known(t, set, k)
	p.asked(t, "after a second", 2)
}

func TestRemoteKeysClockSetBack(t *testing.T) {
	t.Parallel()
	k := generate(t)
	p := publish(t, serve("max-age=60", k))
	set := p.keys(t)
	known(t, set, k)
	p.advance(-10 * time.Hour)
	known(t, set, k)
	p.asked(t, "after the clock was set back", 2)
}

func TestRemoteKeysShareOneFetch(t *testing.T) {
	t.Parallel()
	k := generate(t)
	asked, release := make(chan struct{}, 9), make(chan struct{})
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		serve("", k)(w, r)
	})
	set := p.keys(t)

	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := set.Key(ctx, k.KID())
		first <- err
	}()
	<-asked
	cancel() // the one who caused the fetch leaves
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("Key = %v, want context.Canceled", err)
	}
	p.advance(time.Minute) // and it takes long
	var waiting sync.WaitGroup
	for range 64 {
		waiting.Go(func() { known(t, set, k) })
	}
	close(release)
	waiting.Wait()
	p.asked(t, "by all", 1)
}

func TestS9_RemoteKeysStayOutside(t *testing.T) {
	t.Parallel()
	k := generate(t)
	p := publish(t, serve("", k))
	for _, url := range []string{"", p.url, "http://id.example.com/jwks.json", "file:///etc/passwd", "https://", "https://u:p@id.example.com/"} {
		if set, err := token.RemoteKeys(url, token.RemoteConfig{}); err == nil || set != nil {
			t.Errorf("RemoteKeys(%q) = %v, %v", url, set, err)
		}
	}
	inside, err := token.RemoteKeys(strings.Replace(p.url, "http:", "https:", 1), token.RemoteConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inside.Key(t.Context(), k.KID()); err == nil || errors.Is(err, token.ErrNoKey) {
		t.Errorf("Key from loopback = %v", err)
	}
	p.asked(t, "by those who may not", 0)
}

// Keys come from the set alone, wherever the header of a token points.
func TestHeaderChoosesNoKeys(t *testing.T) {
	t.Parallel()
	k, evil := generate(t), generate(t)
	p, attacker := publish(t, serve("max-age=3600", k)), publish(t, serve("max-age=3600", evil))
	cfg := config(token.Access, now)
	cfg.Keys = p.keys(t)
	v := verifier(t, cfg)
	body := payload(t, evil, claims(token.Access), nil)
	for name, change := range map[string]map[string]any{
		"jku":         {"jku": attacker.url},
		"x5u":         {"x5u": attacker.url},
		"kid a URL":   {"kid": attacker.url},
		"jwk":         {"jwk": map[string]any{"kty": "EC", "crv": "P-256"}},
		"kid of ours": {"kid": k.KID()},
		"own kid":     nil,
	} {
		if c, err := v.Verify(t.Context(), forge(t, evil, header(evil, change), body)); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: Verify = %+v, %v, want ErrInvalid", name, c, err)
		}
	}
	attacker.asked(t, "through a header", 0)
	if _, err := v.Verify(t.Context(), sign(t, k, claims(token.Access))); err != nil {
		t.Errorf("Verify of a good token = %v", err)
	}
	p.asked(t, "by all of this", 1)
}
