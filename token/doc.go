// Package token holds sessions and what is handed out for them: access and ID tokens, which anyone
// with the public keys can check, and refresh tokens, which mean something to their pool alone.
//
// An API that receives access tokens needs this package and nothing else:
//
//	issuer := "https://id.example.com"
//	keys, err := token.RemoteKeys(issuer+"/.well-known/jwks.json", token.RemoteConfig{})
//	...
//	v, err := token.NewVerifier(issuer, token.Config{
//		ClientIDs: []string{"web"}, Use: token.Access, Keys: keys,
//	})
//	...
//	staff := token.Require(token.Requirement{Groups: []string{"staff"}})
//	mux.Handle("GET /orders", v.Middleware(orders))       // whose token.FromContext says who asks
//	mux.Handle("GET /admin", v.Middleware(staff(admin)))
//
// and its tests need token/tokentest. Without net/http there are [Verifier.Verify] and
// [Requirement.Check]. What is dear asks how the user has signed in, and when, and answers who has not
// so as RFC 9470 says:
//
//	lately := token.Require(token.Requirement{ACR: token.AAL1, MaxAge: 5 * time.Minute})
//	mux.Handle("POST /payments", v.Middleware(lately(pay)))
//
// A [Verifier] takes the one spelling of a token that [SigningKey.Sign] writes, under RFC 8725: a
// key has one algorithm, the header chooses nothing, each kind of token has its own typ, and every
// claim that decides something must be there, once, and of its type. It remembers whose signature
// it has checked, so that a token costs a thousandth of a millisecond when it comes again; its
// issuer, audience, use, times, key and session are judged every time.
//
// It knows what was signed and when it ends. Whether a session was ended meanwhile only its pool
// knows: a verifier beside the pool (pool.Verifier) asks it, one that stands alone honours a revoked
// token until it expires. So how long access tokens live, by default 15 minutes, is how long signing
// out, disabling a user or leaving a group takes to reach such an API; one that cannot wait asks the
// pool.
//
// Keys sign with ES256 unless EdDSA or RS256 is asked for, and follow each other by a [Rotation].
// Access tokens are those of RFC 9068 with the claims that Cognito's have; ID tokens are those of
// OpenID Connect Core 1.0, likewise.
//
// A refresh token is a name and a proof of a session at one generation; [Judge] says what each
// generation is worth, so that a stolen one ends the session when both holders have used it.
package token
