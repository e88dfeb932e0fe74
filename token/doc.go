// Package token holds sessions and what is handed out for them: access and ID tokens, which anyone
// with the public keys can check, and refresh tokens, which mean something to their pool alone.
//
// An API that receives access tokens needs this package and nothing else:
//
//	keys, err := token.ParseKeySet(jwks)          // the issuer's published keys
//	v, err := token.NewVerifier("https://id.example.com", token.Config{
//		ClientIDs: []string{"web"}, Use: token.Access, Keys: keys,
//	})
//	...
//	claims, err := v.Verify(ctx, bearer)          // claims.Subject is the user's id
//
// A [Verifier] takes the one spelling of a token that [SigningKey.Sign] writes, under RFC 8725: a key
// has one algorithm, the header chooses nothing, each kind of token has its own typ, and every claim
// that decides something must be there, once, and of its type. It knows what was signed and when it
// ends; whether a session was ended meanwhile only its pool knows (see [Config]).
//
// Access tokens are those of RFC 9068 with the claims that Cognito's have; ID tokens are those of
// OpenID Connect Core 1.0, likewise.
//
// A refresh token is a name and a proof of a session at one generation; [Judge] says what each
// generation is worth, so that a stolen one ends the session when both holders have used it.
package token
