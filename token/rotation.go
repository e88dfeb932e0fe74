package token

import (
	"cmp"
	"slices"
	"time"
)

// What a zero Rotation means.
const (
	defaultEvery   = 90 * 24 * time.Hour
	defaultPublish = 24 * time.Hour
	defaultKeep    = 24 * time.Hour // the longest life of Cognito's access and ID tokens
)

// Rotation says how signing keys follow each other, so that no verifier ever meets a token under a
// key that it could not know yet or knows no more: a key is published before it signs, and still
// published when it signs no longer. It is a rule over values; who stores keys asks [Rotation.Plan].
type Rotation struct {
	// Every is how long after one key the next is made. 0 means 90 days, negative means never.
	Every time.Duration
	// Algorithm is that of the next key. Where it is not that of the newest, which signs already,
	// the next is due at once; one that does not sign yet has its day first, so that two processes
	// that do not agree on an algorithm make no more than a key each time. "" means any.
	Algorithm Algorithm
	// Publish is how long a key is published before it signs: longer than verifiers keep a set of
	// keys without asking again. 0 means 24 h, negative means none.
	Publish time.Duration
	// Keep is how long a key is published after the next one began to sign: at least the life of the
	// longest token. 0 means 24 h, negative means none.
	Keep time.Duration
}

// DatedKey is a signing key and when it was made.
type DatedKey struct {
	Key     *SigningKey
	Created time.Time
}

// KeyPlan is what becomes of keys at one time.
type KeyPlan struct {
	Signer  *SigningKey   // signs; nil where there are no keys
	Publish []*SigningKey // go into the JWKS and verify, newest first; the signer is among them
	Drop    []*SigningKey // verify nothing any more, and may be deleted
	Due     bool          // a new key should be made
	Next    time.Time     // when the plan will change by itself; zero means never
}

// Plan says what becomes of keys at now. The newest key that has been published long enough signs;
// the first of all, having nobody to follow, signs at once. The order of keys does not matter, and
// the same keys give the same plan in every process. To withdraw a key, delete it: what is left is
// planned as if it had never been, so its successor signs at once if it must.
func (r Rotation) Plan(keys []DatedKey, now time.Time) KeyPlan {
	every := cmp.Or(r.Every, defaultEvery)
	publish, keep := max(0, cmp.Or(r.Publish, defaultPublish)), max(0, cmp.Or(r.Keep, defaultKeep))
	if len(keys) == 0 {
		return KeyPlan{Due: true}
	}
	keys = slices.SortedFunc(slices.Values(keys), older)
	var p KeyPlan
	change := func(at time.Time) {
		if at.After(now) && (p.Next.IsZero() || at.Before(p.Next)) {
			p.Next = at
		}
	}
	for i, k := range keys {
		from := k.Created.Add(publish)
		if i == 0 || !from.After(now) {
			p.Signer = k.Key
		}
		if i > 0 {
			change(from)
		}
		if i+1 < len(keys) {
			until := keys[i+1].Created.Add(publish + keep)
			change(until)
			if !until.After(now) {
				p.Drop = append(p.Drop, k.Key)
				continue
			}
		}
		p.Publish = append(p.Publish, k.Key)
	}
	slices.Reverse(p.Publish)
	newest := keys[len(keys)-1]
	p.Due = r.Algorithm != "" && newest.Key.Algorithm() != r.Algorithm && p.Signer == newest.Key
	if every > 0 {
		due := newest.Created.Add(every)
		p.Due = p.Due || !due.After(now)
		change(due)
	}
	return p
}

// older orders keys by age, and those of one moment by id.
func older(a, b DatedKey) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Key.KID(), b.Key.KID()))
}
