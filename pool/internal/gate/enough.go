package gate

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/token"
)

// Suffices reports whether proofs would be all that is asked for with one of a kind beside them that is
// shown now. Who asks for it need not judge what would not do, nor tell whether it was right.
func Suffices(r Request, proofs []Proof, k mfa.Kind, now time.Time) bool {
	held := slices.DeleteFunc(holding(r, proofs, now), func(p token.Proof) bool {
		return !r.counts(p) || r.MaxAge > 0 && now.Sub(p.Time) >= r.MaxAge
	})
	return len(r.reach(held, []mfa.Kind{k}, now)) > 0
}

// Twice reports whether a decision to mint rests on two factors that were shown, and on no device that
// stands in for one.
func Twice(r Request, d Decision) bool {
	return d.outcome == Mint && !acts(d.proofs) && r.twice(d.proofs)
}
