// Package hook holds what a program may do at the turns of a pool: Cognito's Lambda triggers, as Go
// functions in pool.Config. A hook that is nil costs nothing.
//
//	p, err := pool.Open(ctx, st, pool.Config{Hooks: hook.Set{
//		PreSignUp: func(ctx context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
//			if !strings.HasSuffix(e.Username, "@example.com") {
//				return hook.PreSignUpAnswer{}, errors.New("staff only")
//			}
//			return hook.PreSignUpAnswer{}, nil
//		},
//	}})
//
// The Pre hooks, AssessRisk and those of challenges run in the call of the visitor, before anything is stored, for at most [Timeout].
// They deny what they were asked about by an error, a panic, an answer that is malformed, and by
// not answering in time; the caller of the pool gets a *pool.HookError. A pool runs at most
// [Parallel] calls of one hook at once and refuses further ones with a *pool.LimitError, so a hook
// that hangs holds up itself alone. Within one call of the pool a hook is asked once, however often
// the call has to read and decide again.
//
// The Post hooks run after it was stored, apart from the call, and cannot deny. They are run until
// they return nil, at least once, with the same [Event].ID each time; after an error again in 5
// seconds, then ever later up to 15 minutes, and given up after [GiveUp], which the log says.
//
// CustomMessage runs when a message is sent, and denies nothing: where it fails twice, or its words
// are malformed, the pool's own go out.
//
// Such a hook costs the pool nothing but its own time, and PreTokenGeneration at a sign-in one read.
// A Post hook costs one record more in the commit that caused it and, each time it is run, one read
// and one commit apart from the call. CustomMessage costs one read for each message to a user.
//
// No hook is ever given a code, a ticket or a token, nor, but for MigrateUser, a password;
// VerifyChallenge is given the answer to its own challenge. None runs inside a transaction of the
// store. What takes time in a hook is time that the visitor waits, and may tell them which
// way it went: where answers must not tell whether there is a user, the hook must take as long for
// a user as for nobody.
package hook

import "time"

// The bounds of hooks.
const (
	Timeout  = 5 * time.Second // of one run, as in Cognito
	Parallel = 64              // runs of one hook at once, in one process
	GiveUp   = 72 * time.Hour  // after which a Post hook that fails is tried no more
)
