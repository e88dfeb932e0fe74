package token_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/userpool-go/userpool/token"
)

func Example() {
	signer, err := token.GenerateKey(token.ES256) // the issuer's, who publishes token.JWKS(signer)
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	bearer, err := signer.Sign(token.Claims{
		Use: token.Access, Issuer: "https://id.example.com", Subject: "ada", ClientID: "web",
		JTI: "1", Session: "s", Scope: []string{"orders.read"}, IssuedAt: start, ExpiresAt: start.Add(15 * time.Minute),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	keys, err := token.ParseKeySet(token.JWKS(signer)) // an API's, from the published bytes
	if err != nil {
		fmt.Println(err)
		return
	}
	clock := start
	v, err := token.NewVerifier("https://id.example.com", token.Config{
		ClientIDs: []string{"web"}, Use: token.Access, Keys: keys, Now: func() time.Time { return clock },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := v.Verify(context.Background(), bearer)
	fmt.Println(claims.Subject, claims.HasScope("orders.read"), claims.HasScope("orders.write"), err)

	clock = start.Add(15 * time.Minute)
	_, err = v.Verify(context.Background(), bearer)
	fmt.Println(errors.Is(err, token.ErrExpired))
	// Output:
	// ada true false <nil>
	// true
}

// An API guards a handler, and its test says who asks.
func ExampleNewContext() {
	admin := token.Require(token.Requirement{Groups: []string{"staff"}})(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			claims, _ := token.FromContext(r.Context())
			fmt.Println("hello", claims.Subject)
		}))

	for _, claims := range []*token.Claims{{Subject: "ada", Groups: []string{"staff"}}, {Subject: "eve"}} {
		r, w := httptest.NewRequest("GET", "/admin", nil), httptest.NewRecorder()
		admin.ServeHTTP(w, r.WithContext(token.NewContext(r.Context(), claims)))
		fmt.Println(w.Code)
	}
	// Output:
	// hello ada
	// 200
	// 403
}

// An API wants two factors of the last five minutes for a payment. The answer to a weaker or older token
// tells the client what to ask the user for.
func ExampleRequire_stepUp() {
	pay := token.Require(token.Requirement{
		Scopes: []string{"pay"}, ACR: token.AAL2, MaxAge: 5 * time.Minute,
	})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "paid") }))

	for _, claims := range []*token.Claims{
		{Scope: []string{"pay"}, ACR: token.AAL2, AuthTime: time.Now().Add(-time.Minute)},
		{Scope: []string{"pay"}, ACR: token.AAL2, AuthTime: time.Now().Add(-time.Hour)},
		{Scope: []string{"read"}, ACR: "aal1", AuthTime: time.Now()},
	} {
		r, w := httptest.NewRequest("POST", "/payments", nil), httptest.NewRecorder()
		pay.ServeHTTP(w, r.WithContext(token.NewContext(r.Context(), claims)))
		fmt.Println(w.Code, cmp.Or(w.Header().Get("WWW-Authenticate"), w.Body.String()))
	}
	// Output:
	// 200 paid
	// 401 Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required", acr_values="aal2", max_age="300"
	// 403 Bearer error="insufficient_scope", scope="pay"
}

// Without net/http the same is asked of claims.
func ExampleRequirement_Check() {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	claims := &token.Claims{Subject: "ada", ACR: token.AAL1, AuthTime: now.Add(-time.Hour)} // of Verifier.Verify

	err := token.Requirement{MaxAge: 5 * time.Minute}.Check(claims, now)
	if step, ok := errors.AsType[*token.StepUpError](err); ok {
		fmt.Println("sign in again:", step.MaxAge)
	}
	err = token.Requirement{Groups: []string{"staff"}}.Check(claims, now)
	fmt.Println(errors.Is(err, token.ErrForbidden))
	// Output:
	// sign in again: 5m0s
	// true
}

// A pool rotates its keys by asking for the plan whenever one may have changed.
func ExampleRotation_Plan() {
	first, err := token.GenerateKey(token.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := token.GenerateKey(token.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	keys := []token.DatedKey{{Key: first, Created: start}, {Key: second, Created: start.Add(90 * day)}}
	var rotation token.Rotation // every 90 days; published a day ahead, and kept a day

	for _, at := range []time.Duration{0, 90 * day, 91 * day, 92 * day} {
		known := keys[:1]
		if at >= 90*day {
			known = keys
		}
		p := rotation.Plan(known, start.Add(at))
		fmt.Println(int(at/day), p.Signer.Algorithm(), "of", len(p.Publish), "drop", len(p.Drop))
	}
	// Output:
	// 0 ES256 of 1 drop 0
	// 90 ES256 of 2 drop 0
	// 91 EdDSA of 2 drop 0
	// 92 EdDSA of 1 drop 1
}
