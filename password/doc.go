// Package password turns typed passwords into records that are safe to keep, and judges guesses
// against them.
//
//	if err := password.Check(typed); err != nil { ... }           // what may be chosen
//	h, err := password.Default.Hash(typed)                        // Argon2id
//	kept := h.String()                                            // $argon2id$v=19$m=19456,t=2,p=1$...$...
//	...
//	h, err = password.Parse(kept)
//	ok := h.Verify(typed, password.FormNFC)
//
// A hash costs 20 ms of a core and 19 MiB by design, so a server lets only as many run at once as it
// has cores: a [Hasher] is the door that all of them go through.
//
// A typed password is a [Secret] from the edge of a program inwards: it shows itself nowhere but
// where [Secret.Reveal] is written.
package password
