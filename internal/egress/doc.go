// Package egress makes the only HTTP client that calls out (security.md S9).
//
// Where a program fetches what somebody else named (an issuer's keys, a web hook), that somebody
// picks what the program's network position is used for: a metadata service that hands out the
// machine's credentials, a database without a password, the router (server-side request forgery).
// So a [Client] speaks https, follows no redirect, asks no proxy of the environment, reads a
// bounded answer within a bounded time, and looks at every address after the name was resolved, as
// the connection is made: a name that resolves to something else the second time gains nothing.
//
//	c := egress.New(egress.Config{})
//	answer, err := c.Get(ctx, "https://id.example.com/.well-known/jwks.json", nil)
//	if err == nil && answer.Status == 200 {
//		use(answer.Body)
//	}
package egress
