// Package jose signs and checks JSON Web Signatures (RFC 7515) in the one form that is handed out
// here: compact, with a header of alg, kid and typ and nothing else. It is the only importer of jwx.
//
// What arrives is untrusted until its signature has been checked, and formats that leave room are
// how checks were got around before: a JSON serialization with claims grafted on, a "crit" or "jwk"
// that the library obeys or ignores, a second spelling of the same token. So [Parse] reads the one
// spelling that [PrivateKey.Sign] writes, and a [Message] gives its payload only for a key:
//
//	m, err := jose.Parse(text, "at+jwt")
//	key := keys[m.KID()]                  // pins the algorithm too
//	payload, err := m.Verify(key)
//	claims, err := jose.Object(payload)   // no member twice
//
// Signatures and keys are made and read by jwx, in jwx.go: no JSON of a token goes through it,
// because its own parser of tokens can be got around. Another version of it touches that file
// alone; another algorithm is an entry in algorithms and in signatures.
package jose
