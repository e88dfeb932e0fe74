package token_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

const day = 24 * time.Hour

// names turns keys into letters, in the order in which letters were given out.
type names map[string]string

func (n names) of(keys ...*token.SigningKey) string {
	var s strings.Builder
	for _, k := range keys {
		if k != nil {
			s.WriteString(n[k.KID()])
		}
	}
	return s.String()
}

func TestRotationPlan(t *testing.T) {
	t.Parallel()
	r := token.Rotation{Every: 30 * day, Publish: 2 * day, Keep: day}
	none := token.Rotation{Every: -1, Publish: -1, Keep: -1}
	type made map[string]time.Duration // by letter: when, after the start
	tests := []struct {
		name     string
		rotation token.Rotation
		keys     made
		at       time.Duration
		signer   string
		publish  string // newest first
		drop     string
		due      bool
		next     time.Duration // 0 means never
	}{
		{"no keys", r, nil, 0, "", "", "", true, 0},
		{"the first signs at once", r, made{"a": 0}, 0, "a", "a", "", false, 30 * day},
		{"the first, later", r, made{"a": 0}, 29 * day, "a", "a", "", false, 30 * day},
		{"the first, a moment before its time", r, made{"a": 0}, 30*day - 1, "a", "a", "", false, 30 * day},
		{"the first, overdue", r, made{"a": 0}, 30 * day, "a", "a", "", true, 0},
		{"long overdue, it still signs", r, made{"a": 0}, 3000 * day, "a", "a", "", true, 0},
		{"the second is published", r, made{"a": 0, "b": 30 * day}, 30 * day, "a", "ba", "", false, 32 * day},
		{"a moment before it signs", r, made{"a": 0, "b": 30 * day}, 32*day - 1, "a", "ba", "", false, 32 * day},
		{"it signs, the first verifies", r, made{"a": 0, "b": 30 * day}, 32 * day, "b", "ba", "", false, 33 * day},
		{"a moment before the first goes", r, made{"a": 0, "b": 30 * day}, 33*day - 1, "b", "ba", "", false, 33 * day},
		{"the first may go", r, made{"a": 0, "b": 30 * day}, 33 * day, "b", "b", "a", false, 60 * day},
		{"the first was not deleted", r, made{"a": 0, "b": 30 * day}, 61 * day, "b", "b", "a", true, 0},
		{"three, one of each", r, made{"a": 0, "b": 30 * day, "c": 60 * day}, 61 * day, "b", "cb", "a", false, 62 * day},
		{"three, two may go", r, made{"a": 0, "b": 30 * day, "c": 60 * day}, 63 * day, "c", "c", "ab", false, 90 * day},
		{"the signer was withdrawn", r, made{"b": 30 * day}, 30 * day, "b", "b", "", false, 60 * day},
		{"two of one moment, by two nodes", r, made{"a": 0, "b": 0}, 3 * day, "b", "b", "a", false, 30 * day},
		{"made by a clock ahead", r, made{"a": 0, "b": 40 * day}, 39 * day, "a", "ba", "", false, 42 * day},
		{"only one, from the future", r, made{"a": day}, 0, "a", "a", "", false, 31 * day},
		{"never", none, made{"a": 0}, 3000 * day, "a", "a", "", false, 0},
		{"without overlap", none, made{"a": 0, "b": day}, day, "b", "b", "a", false, 0},
		{"defaults, published", token.Rotation{}, made{"a": 0, "b": 90 * day}, 91*day - 1, "a", "ba", "", false, 91 * day},
		{"defaults, kept", token.Rotation{}, made{"a": 0, "b": 90 * day}, 92*day - 1, "b", "ba", "", false, 92 * day},
		{"defaults, gone", token.Rotation{}, made{"a": 0, "b": 90 * day}, 92 * day, "b", "b", "a", false, 180 * day},
		{"shorter than the publication", token.Rotation{Every: day, Publish: 3 * day, Keep: day}, made{"a": 0, "b": day, "c": 2 * day}, 2 * day, "a", "cba", "", false, 3 * day},
	}
	pool := []*token.SigningKey{generate(t), generate(t), generate(t)}
	slices.SortFunc(pool, func(a, b *token.SigningKey) int { return strings.Compare(a.KID(), b.KID()) })
	n := names{pool[0].KID(): "a", pool[1].KID(): "b", pool[2].KID(): "c"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var keys []token.DatedKey
			for _, k := range pool {
				if at, ok := tt.keys[n[k.KID()]]; ok {
					keys = append(keys, token.DatedKey{Key: k, Created: now.Add(at)})
				}
			}
			for range 2 { // in either order
				before := slices.Clone(keys)
				got := tt.rotation.Plan(keys, now.Add(tt.at))
				if n.of(got.Signer) != tt.signer || n.of(got.Publish...) != tt.publish || n.of(got.Drop...) != tt.drop || got.Due != tt.due {
					t.Errorf("signs %q, publishes %q, drops %q, due %t; want %q, %q, %q, %t",
						n.of(got.Signer), n.of(got.Publish...), n.of(got.Drop...), got.Due, tt.signer, tt.publish, tt.drop, tt.due)
				}
				if want := now.Add(tt.next); tt.next == 0 != got.Next.IsZero() || tt.next != 0 && !got.Next.Equal(want) {
					t.Errorf("Next = %v, want %v", got.Next, want)
				}
				if !slices.Equal(before, keys) {
					t.Error("Plan changed the keys it was given")
				}
				slices.Reverse(keys)
			}
		})
	}
}

// Another algorithm makes a key due as soon as the newest one signs, and not before: two who
// disagree make a key in turn, once each has had its time.
func TestRotationOfAlgorithms(t *testing.T) {
	t.Parallel()
	ec, err := token.GenerateKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	ed, err := token.GenerateKey(token.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	first := token.DatedKey{Key: ec, Created: now}
	second := token.DatedKey{Key: ed, Created: now.Add(10 * day)}
	for name, tt := range map[string]struct {
		alg  token.Algorithm
		keys []token.DatedKey
		at   time.Duration
		due  bool
	}{
		"any":                      {"", []token.DatedKey{first}, 0, false},
		"the same":                 {token.ES256, []token.DatedKey{first}, day, false},
		"another":                  {token.EdDSA, []token.DatedKey{first}, 0, true},
		"another, made":            {token.EdDSA, []token.DatedKey{first, second}, 10 * day, false},
		"another, signs":           {token.EdDSA, []token.DatedKey{first, second}, 11 * day, false},
		"back, before it signs":    {token.ES256, []token.DatedKey{first, second}, 11*day - 1, false},
		"back, once it signs":      {token.ES256, []token.DatedKey{first, second}, 11 * day, true},
		"a third, before it signs": {token.RS256, []token.DatedKey{first, second}, 11*day - 1, false},
		"a third":                  {token.RS256, []token.DatedKey{first, second}, 11 * day, true},
	} {
		r := token.Rotation{Every: -1, Publish: day, Keep: day, Algorithm: tt.alg}
		p := r.Plan(tt.keys, now.Add(tt.at))
		if p.Due != tt.due {
			t.Errorf("%s: due %v, want %v", name, p.Due, tt.due)
		}
		if !tt.due && tt.at == 11*day-1 && !p.Next.Equal(now.Add(11*day)) {
			t.Errorf("%s: Next = %v, want when it signs", name, p.Next)
		}
	}
}

// Over years of rotation: what signs was published for Publish before it began, and is for Keep
// after each of its tokens.
func TestRotationNeverStrandsAToken(t *testing.T) {
	t.Parallel()
	const step = 6 * time.Hour
	r := token.Rotation{Every: 10 * day, Publish: day, Keep: 2 * day}
	var keys []token.DatedKey
	published := map[time.Duration][]*token.SigningKey{} // by hours since the start
	signer := map[time.Duration]*token.SigningKey{}
	for at := time.Duration(0); at < 300*day; at += step {
		p := r.Plan(keys, now.Add(at))
		if p.Due {
			keys = append(keys, token.DatedKey{Key: generate(t), Created: now.Add(at)})
			p = r.Plan(keys, now.Add(at))
		}
		keys = slices.DeleteFunc(keys, func(k token.DatedKey) bool { return slices.Contains(p.Drop, k.Key) })
		published[at], signer[at] = p.Publish, p.Signer
		if len(keys) > 2 {
			t.Fatalf("%v: %d keys are kept", at, len(keys))
		}
	}
	changes := 0
	for at, k := range signer {
		for _, other := range []time.Duration{at - r.Publish, at, at + r.Keep} {
			if set, known := published[other]; known && !slices.Contains(set, k) && other >= 0 {
				t.Errorf("what signs at %v is not published at %v", at, other)
			}
		}
		if before := signer[at-step]; before != nil && before != k {
			changes++
		}
	}
	if changes != 29 {
		t.Errorf("the signer changed %d times in 300 days", changes)
	}
}

// FuzzRotation plans keys of any age: each is published or dropped, the signer is published, and
// nothing changes before Next.
func FuzzRotation(f *testing.F) {
	pool := []*token.SigningKey{generate(f), generate(f), generate(f), generate(f)}
	other, err := token.GenerateKey(token.EdDSA)
	if err != nil {
		f.Fatal(err)
	}
	pool[3] = other
	f.Add(int16(90), int16(1), int16(1), int16(91), int16(0), int16(90), int16(180), int16(181))
	f.Add(int16(-1), int16(-1), int16(5), int16(0), int16(3), int16(3), int16(-3), int16(0))
	f.Fuzz(func(t *testing.T, every, publish, keep, at, a, b, c, d int16) {
		hours := func(n int16) time.Duration { return time.Duration(n) * time.Hour }
		r := token.Rotation{Every: hours(every), Publish: hours(publish), Keep: hours(keep)}
		if at%2 == 0 {
			r.Algorithm = token.EdDSA
		}
		var keys []token.DatedKey
		for i, created := range []int16{a, b, c, d} {
			keys = append(keys, token.DatedKey{Key: pool[i], Created: now.Add(hours(created))})
		}
		p := r.Plan(keys, now.Add(hours(at)))
		if !slices.Contains(p.Publish, p.Signer) || len(p.Publish)+len(p.Drop) != len(keys) {
			t.Errorf("%+v: signs %v, publishes %v, drops %v", r, p.Signer, p.Publish, p.Drop)
		}
		for _, k := range p.Drop {
			if slices.Contains(p.Publish, k) {
				t.Errorf("%+v: %v is published and dropped", r, k)
			}
		}
		if p.Next.IsZero() {
			p.Next = now.Add(1 << 60) // long after everything
		}
		if !p.Next.After(now.Add(hours(at))) {
			t.Errorf("%+v: Next is not ahead", r)
		}
		later := r.Plan(keys, p.Next.Add(-1))
		if later.Signer != p.Signer || later.Due != p.Due || !slices.Equal(later.Publish, p.Publish) || !slices.Equal(later.Drop, p.Drop) {
			t.Errorf("%+v: the plan changes before Next", r)
		}
	})
}
