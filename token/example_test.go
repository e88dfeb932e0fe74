package token_test

import (
	"context"
	"errors"
	"fmt"
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
