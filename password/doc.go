// Package password turns typed passwords into records that are safe to keep, and judges guesses
// against them.
//
//	err := policy.Check(typed, password.Facts{Words: []string{login}})  // what may be chosen
//	h, err := door.For(from).Hash(ctx, password.Default(), typed)       // Argon2id
//	kept := h.String()                                                  // $argon2id$v=19$m=19456,t=2,p=1$...$...
//	...
//	h, err = password.Parse(kept)
//	ok, err := door.For(from).Verify(ctx, h, typed, password.FormNFC)
//
// A [Policy] says what may be chosen: long enough, not what many have ([Common]), not what is known
// about the user. Where a service may be asked, [Breached] knows what was found in breaches.
//
// A hash costs 20 ms of a core and 19 MiB by design, so a server lets only as many run at once as it
// has cores: a [Hasher] is the door that all of them go through, and it is fair ([From]). On a
// machine with time to spare, [Calibrate] finds dearer parameters; [Hash.NeedsRehash] tells which
// records were made with others.
//
// A typed password is a [Secret] from the edge of a program inwards: it shows itself nowhere but
// where [Secret.Reveal] is written.
package password
