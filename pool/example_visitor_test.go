package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// Who has forgotten their password sets a new one with a code, and signs in with it.
func ExamplePool_ForgotPassword() {
	ctx := context.Background()
	p, box, _ := signedIn(ctx)
	defer p.Close(ctx)

	forgot, err := p.ForgotPassword(ctx, pool.ForgotPasswordInput{Username: "ada@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	box.Wait(ctx, "ada@example.com", 1)
	step, err := p.ResetPassword(ctx, pool.ResetPasswordInput{
		Ticket: forgot.Ticket, Code: box.Code("ada@example.com"), Password: password.New("a new horse, the old battery"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("comes next:", step.Kind())

	// A login that nobody has is answered alike, and no mail is sent.
	forgot, err = p.ForgotPassword(ctx, pool.ForgotPasswordInput{Username: "eve@example.com"})
	fmt.Println(forgot.Ticket != "", forgot.Delivery.Destination, err)
	// Output:
	// comes next: password
	// true eve@example.com <nil>
}

// A refresh token is good once. Keep the new one in its place.
func ExamplePool_Refresh() {
	ctx := context.Background()
	p, _, _ := signedIn(ctx)
	defer p.Close(ctx)
	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{
		Username: "ada@example.com", With: pool.Password{Value: password.New("correct horse battery staple")},
	}))
	if err != nil {
		log.Fatal(err)
	}

	next, err := pool.Finished(p.Refresh(ctx, pool.RefreshInput{Token: done.Tokens.Refresh}))
	if err != nil {
		log.Fatal(err) // errors.Is(err, pool.ErrNotAuthorized): sign in again
	}
	fmt.Println("another one:", next.Tokens.Refresh.Reveal() != done.Tokens.Refresh.Reveal())

	if err := p.SignOut(ctx, pool.SignOutInput{Token: next.Tokens.Refresh}); err != nil {
		log.Fatal(err)
	}
	_, err = p.Refresh(ctx, pool.RefreshInput{Token: next.Tokens.Refresh})
	fmt.Println("signed out:", errors.Is(err, pool.ErrNotAuthorized))
	// Output:
	// another one: true
	// signed out: true
}

// An API beside the pool lets in who shows a token that is not revoked.
func ExamplePool_Verifier() {
	ctx := context.Background()
	p, _, _ := signedIn(ctx)
	defer p.Close(ctx)
	verifier, err := p.Verifier() // of the tokens of all clients
	if err != nil {
		log.Fatal(err)
	}
	api := verifier.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Println("Hello,", claims.Username)
	}))

	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{
		Username: "ada@example.com", With: pool.Password{Value: password.New("correct horse battery staple")},
	}))
	if err != nil {
		log.Fatal(err)
	}
	for _, bearer := range []string{done.Tokens.Access.Reveal(), done.Tokens.ID.Reveal(), "nonsense"} {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+bearer)
		api.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// Hello, ada@example.com
	// 200
	// 401
	// 401
}
