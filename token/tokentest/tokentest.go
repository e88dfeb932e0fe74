// Package tokentest is an issuer of tokens for the tests of a program that receives them: it signs
// whatever it is told, which no true issuer would.
//
//	iss := tokentest.New(t)
//	api := iss.Verifier().Middleware(handler)
//	r := httptest.NewRequest("GET", "/", nil)
//	r.Header.Set("Authorization", "Bearer "+iss.Sign(token.Claims{Subject: "ada", Groups: []string{"staff"}}))
//
// A program that makes its own verifier is given [Issuer.URL]:
//
//	keys, err := token.RemoteKeys(iss.URL()+"/.well-known/jwks.json",
//		token.RemoteConfig{InsecureLoopback: true})
//	v, err := token.NewVerifier(iss.URL(), token.Config{
//		ClientIDs: []string{tokentest.Client}, Use: token.Access, Keys: keys,
//	})
package tokentest

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

// Client is the client that tokens are for, unless their claims say another.
const Client = "test"

const life = 15 * time.Minute

// Issuer signs tokens. It is safe for concurrent use; [New] makes one.
type Issuer struct {
	t      testing.TB
	key    *token.SigningKey
	server *httptest.Server
	start  sync.Once
	now    func() time.Time
}

// New returns an issuer with a key of its own (ES256), which ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	key, err := token.GenerateKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(token.JWKS(key))
	})
	s := httptest.NewUnstartedServer(mux)
	t.Cleanup(s.Close)
	i := &Issuer{t: t, key: key, server: s}
	i.now = time.Now
	return i
}

// URL returns the name of the issuer, which is a URL on loopback, and from the first call on serves
// its keys there under /.well-known/jwks.json.
func (i *Issuer) URL() string {
	i.start.Do(i.server.Start)
	return i.name()
}

// name is the URL whether or not anything is served, so that tests which need no network, such as
// those in a bubble of testing/synctest, have no goroutine waiting for it.
func (i *Issuer) name() string { return "http://" + i.server.Listener.Addr().String() }

// Verifier returns a verifier of the issuer's access tokens for the given clients, or for [Client].
func (i *Issuer) Verifier(clients ...string) *token.Verifier {
	i.t.Helper()
	if len(clients) == 0 {
		clients = []string{Client}
	}
	v, err := token.NewVerifier(i.name(), token.Config{
		ClientIDs: clients, Use: token.Access, Keys: token.KeysOf(i.key), Now: i.now,
	})
	if err != nil {
		i.t.Fatal(err)
	}
	return v
}

// Sign returns a token that says what c says. Where c says nothing it is a good access token of 15
// minutes for [Client], from now. What is wrong with c stays wrong, except what no token can say:
// that fails the test.
func (i *Issuer) Sign(c token.Claims) string {
	i.t.Helper()
	c.Use, c.Issuer = cmp.Or(c.Use, token.Access), cmp.Or(c.Issuer, i.name())
	c.Subject, c.ClientID = cmp.Or(c.Subject, "somebody"), cmp.Or(c.ClientID, Client)
	c.JTI, c.Session = cmp.Or(c.JTI, rand.Text()), cmp.Or(c.Session, rand.Text())
	switch now := i.now(); {
	case c.IssuedAt.IsZero() && c.ExpiresAt.IsZero():
		c.IssuedAt = now
		c.ExpiresAt = now.Add(life)
	case c.IssuedAt.IsZero(): // one that ended already began before that
		c.IssuedAt = now
		if !c.ExpiresAt.After(now) {
			c.IssuedAt = c.ExpiresAt.Add(-life)
		}
	case c.ExpiresAt.IsZero():
		c.ExpiresAt = c.IssuedAt.Add(life)
	}
	text, err := i.key.Sign(c)
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}
