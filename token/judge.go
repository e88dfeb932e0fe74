package token

import "time"

// MaxGrace is the longest grace that [Judge] grants.
const MaxGrace = 60 * time.Second

// Verdict is what a presented generation of a refresh token is worth (security.md T4).
type Verdict int

// The verdicts.
const (
	// Current is the newest token: it is answered with generation+1, in a commit on the session's
	// stamp. Whoever loses that race judges again, and is a Retry.
	Current Verdict = iota + 1
	// Retry is the token before the newest, soon after it was replaced: a lost answer or a parallel
	// tab. It is answered with the newest once more; the session stays as it is.
	Retry
	// Reused is an older token: two hold the session, one of them a thief, so it ends (RFC 9700,
	// 4.14).
	Reused
	// Future is a token that was never made, as after the restore of a backup. It has no effect.
	Future
)

// String returns the name of the verdict.
func (v Verdict) String() string {
	switch v {
	case Current:
		return "current"
	case Retry:
		return "retry"
	case Reused:
		return "reused"
	case Future:
		return "future"
	}
	return "none"
}

// Judge says what a generation is worth in a session at now. Only a token that [Refresh.Verify] has
// passed may be judged. The one before the current is a Retry until grace after s.Rotated; retries
// do not move that. A grace of 0 or less means none, one above MaxGrace means MaxGrace.
func Judge(s *Session, generation int64, now time.Time, grace time.Duration) Verdict {
	switch {
	case generation == s.Generation:
		return Current
	case generation > s.Generation:
		return Future
	case generation == s.Generation-1 && grace > 0 && now.Before(s.Rotated.Add(min(grace, MaxGrace))):
		return Retry
	}
	return Reused
}
