// Package mfa says what a second factor is and how its proof is judged: authenticator apps (TOTP) and
// recovery codes, and passkeys by package mfa/passkey. It holds rules over values; [pool] keeps the values
// and counts the guesses. Programs on a pool need its kinds, and have the rest done by pool.Account and
// pool.Pool.
//
// To enrol an authenticator app, make a seed and show its URI, as a picture to be scanned or as text
// to be typed. It counts once the app has shown a code:
//
//	seed := mfa.NewSeed()
//	picture, err := mfa.QR(seed.URI("Shop", "ada@example.com"))
//	...
//	step, ok := seed.Accept(code, now, 0)
//
// From then on each code is good once: whoever accepts one stores its step, and passes it as the last
// one next time.
//
//	step, ok := seed.Accept(code, now, last)
//
// [pool]: https://pkg.go.dev/github.com/userpool-go/userpool/pool
package mfa
