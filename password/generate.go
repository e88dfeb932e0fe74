package password

import (
	"crypto/rand"
	"strings"
)

// generatedLength is that of a password which people type once, from a message: 12 characters of 57
// are 69 bits, where NIST asks for 20 at least (SP 800-63B-4, 3.1.2).
const generatedLength = 12

// What a generated password is made of: nothing that looks like something else, such as 0 and O.
const (
	plainRunes  = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
	symbolRunes = "-!?+=" // added where a policy asks for one
)

// Generate returns a random password that p allows to whom f describes, to be used once and
// replaced: of 12 characters, or as many as p asks for. [Facts.Used] is not asked.
func (p Policy) Generate(f Facts) Secret {
	f.Used = nil
	runes := plainRunes
	if p.RequireSymbols {
		runes += symbolRunes
	}
	for {
		s := New(random(runes, max(generatedLength, p.shortest())))
		if p.Check(s, f) == nil { // most are; to put in what is missing would make it less random
			return s
		}
	}
}

// random returns n characters of an alphabet, none likelier than another.
func random(alphabet string, n int) string {
	var b strings.Builder
	for last := 256 - 256%len(alphabet); b.Len() < n; {
		var r [1]byte
		rand.Read(r[:]) // never fails: crypto/rand
		if int(r[0]) < last {
			b.WriteByte(alphabet[int(r[0])%len(alphabet)])
		}
	}
	return b.String()
}
