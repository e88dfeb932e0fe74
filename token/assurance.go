package token

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// levels are the values of acr that a sign-in may be asked for, the weakest first.
var levels = []string{AAL1, AAL2}

// level returns the place of an acr among the levels. That of "", of a word that is not ours, or that
// is spelt otherwise, is below them all.
func level(acr string) int { return slices.Index(levels, acr) }

// ahead is how far in the future a sign-in may be by our clock: that of the issuer is ahead by a
// leeway, and ours was put back by one. What is further ahead would stay new for as long, so it says
// nothing.
const ahead = 2 * MaxLeeway

// stepsUp reports whether q asks how the user has signed in.
func (q Requirement) stepsUp() bool { return q.ACR != "" || q.MaxAge != 0 }

// assured reports whether the sign-in behind claims was strong enough, and is new enough. Both are said
// of the same proofs: auth_time is of the oldest that acr rests on.
func (q Requirement) assured(c *Claims, now time.Time) bool {
	if q.ACR != "" && level(c.ACR) < level(q.ACR) {
		return false
	}
	if q.MaxAge == 0 {
		return true
	}
	return !c.AuthTime.IsZero() && c.AuthTime.Sub(now) <= ahead && now.Sub(c.AuthTime) <= q.MaxAge
}

// StepUpError means that the user must sign in again, more strongly or because it was too long ago.
// It says what the new sign-in must meet as a whole, and not what the old one lacks: one that is new
// and weaker would not do.
type StepUpError struct {
	ACR    string        // at the least; "" means any
	MaxAge time.Duration // 0 means any
}

// Error says what is needed.
func (e *StepUpError) Error() string {
	text := "token: sign in again"
	if e.ACR != "" {
		text += fmt.Sprintf(", by at least %.20q", e.ACR)
	}
	if e.MaxAge > 0 {
		text += fmt.Sprintf(", no more than %v ago", e.MaxAge)
	}
	return text
}

// Challenge returns the WWW-Authenticate header that tells a client so (RFC 9470, 3). acr_values are
// all the levels that would do, the least first; max_age is in seconds, rounded down.
func (e *StepUpError) Challenge() string {
	var b strings.Builder
	b.WriteString(`Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required"`)
	if from := level(e.ACR); from >= 0 {
		b.WriteString(`, acr_values="` + strings.Join(levels[from:], " ") + `"`)
	}
	if e.MaxAge > 0 {
		b.WriteString(`, max_age="` + strconv.FormatInt(int64(e.MaxAge/time.Second), 10) + `"`)
	}
	return b.String()
}
