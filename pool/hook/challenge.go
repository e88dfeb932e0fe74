package hook

import "github.com/userpool-go/userpool/mfa"

// MaxChallenges is how many challenges one sign-in may be asked: each answer counts like a guess, and
// the fifth in a row locks.
const MaxChallenges = 5

// Challenge is one of the program's own that was answered.
type Challenge struct {
	Name  string `json:"name,omitempty"` // "" without a DefineChallenge
	Right bool   `json:"right,omitempty"`
}

// DefineChallenge is a sign-in that comes to the program's own challenges, or an answer to one.
type DefineChallenge struct {
	Event
	UserNotFound bool        // nobody can sign in by it: see [Set].CreateChallenge
	Shown        []mfa.Kind  // what was proven in this sign-in, in that order, such as [mfa.KindPassword]
	Asked        []Challenge // what the program has asked in it; empty at first
}

// DefineChallengeAnswer is one of three; none, or more than one, is [ErrMalformed].
type DefineChallengeAnswer struct {
	// Name is the challenge that comes next: at most 64 characters of one line. There are
	// [MaxChallenges] in a sign-in.
	Name string
	// Enough says that the challenges are met, of which one at least was answered rightly. That is one
	// proof ([mfa.KindCustom]), and what it comes to is for the rules of the pool to say: Cognito's
	// issueTokens, which goes past them, is not there.
	Enough bool
	// Fail ends the sign-in with pool.ErrNotAuthorized, like a wrong answer (Cognito's
	// failAuthentication).
	Fail bool
}

// CreateChallenge is a challenge that is to be made.
type CreateChallenge struct {
	Event
	UserNotFound bool   // nobody can sign in by it: see [Set].CreateChallenge
	Name         string // as DefineChallenge has said; "" without one
	Asked        []Challenge
}

// CreateChallengeAnswer is a challenge. Each map is UTF-8 without NUL, of at most 32 entries and 4 KiB
// in all; more is [ErrMalformed].
type CreateChallengeAnswer struct {
	Params map[string]string // shown to the visitor
	// Private is what the answer will be judged by. It is stored with the step, sealed, and given to
	// VerifyChallenge and to nobody else.
	Private map[string]string
}

// VerifyChallenge is an answer to a challenge. The same challenge may be judged several times.
type VerifyChallenge struct {
	Event
	UserNotFound bool // nobody can sign in by it, whatever is said
	Name         string
	Private      map[string]string // of the CreateChallengeAnswer
	Answer       string            // as it was typed: at most 4 KiB of UTF-8 without NUL
}
