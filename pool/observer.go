package pool

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/user"
)

// Observer is what the metrics and traces of a program hang on: functions that are called as things
// happen, each of which may be nil. The zero Observer observes nothing and costs nothing.
//
//	var seconds = prometheus.NewHistogramVec(...) // by operation and outcome
//
//	p, err := pool.Open(ctx, st, pool.Config{Observer: pool.Observer{
//		Store: func(_ context.Context, c pool.StoreCall) {
//			seconds.WithLabelValues(c.Operation, c.Outcome).Observe(c.Took.Seconds())
//		},
//	}})
//
// What it counts is for operators: a stranger who reads which reason became more frequent after a
// sign-in, or whether a message was dropped, knows who has an account.
//
// None is ever told of a person, nor of a secret: no login, address, user id, network, code or
// token, and no text of an error. What looks like a label is one: Kind, Outcome, Reason, Operation,
// Name and the like are of closed sets of some dozens of words, whatever visitors send. Pool has as
// many values as there are pools: leave it out where those are thousands.
//
// Functions are called synchronously, in the goroutine to which it happened, by many at once: they
// must be safe for that, return at once, and call nothing of the pool but its Stats. Visitors wait
// for them, and cause the same calls whoever is behind an address, runs of MigrateUser aside; but a
// function that takes longer for some outcomes or reasons shows strangers which it was, and so who
// exists (security.md S19): what takes time is for a goroutine of its own. What they are told has happened already. One that panics
// undoes none of it: the panic is logged, once a process, and the call that it was in goes on. One
// that ends its goroutine, as testing.T.FailNow does, ends the call or the chore, which stays ended.
// Durations are by Config.Now. The context is that of the call, or of the chore; it may have ended.
//
// New fields will come: an Observer is made by their names.
type Observer struct {
	// Event is told of each event of a history, once it is stored, but for one of which the store's
	// answer was lost for good; and of each call that was refused without a verdict at once, though
	// the history tells those of a minute together.
	Event func(context.Context, ObservedEvent)
	// Store is told of each call of the store.
	Store func(context.Context, StoreCall)
	// Hash is told of each password hash, also of one that the door had no room for.
	Hash func(context.Context, HashRun)
	// Hook is told of each run of a hook, also of one that there was no room for.
	Hook func(context.Context, HookRun)
	// Message is told of each attempt to send a message to a person.
	Message func(context.Context, MessageTry)
	// Chore is told of each round of what a process does by itself.
	Chore func(context.Context, ChoreRound)
}

// ObservedEvent is what an [Observer] is told of an event.
type ObservedEvent struct {
	Pool    user.PoolID
	Kind    string // as in [Event], such as "sign_in"
	Outcome string // "success", "step" or "refused"
	// Reason is that of the [Event] where it is one of a closed set, such as "no_proof" or "locked",
	// and "" where a person wrote it, or where there is none.
	Reason string
}

// StoreCall is one call of a [storage.Store].
type StoreCall struct {
	// Operation is the name of the method in lower case: "read", "commit", "users", "sessions",
	// "documents", "events", "pools", "lease", "due", "changed", "sweep", "trim" or "drop".
	Operation string
	Pool      user.PoolID   // "" where the call is of all pools
	Began     time.Time     // for the span of a trace
	Took      time.Duration // the store's own retries and waiting included
	// Outcome is "ok"; "stale", "conflict", "limited", "referenced", "invalid", "no_pool", "retry",
	// "unknown", "not_ready" or "closed" by the errors of package storage; "canceled" where the
	// context ended; or "error". Stale, conflict and limited are the daily bread of a busy pool.
	Outcome string
}

// HashRun is one password hash.
type HashRun struct {
	Pool   user.PoolID
	Waited time.Duration // at the door
	Took   time.Duration // 0 where it was not computed
	// Outcome is "ok", "shed" where too many waited already, which [LimitError] told the visitor,
	// or "canceled" where the visitor went first.
	Outcome string
}

// HookRun is one run of a hook.
type HookRun struct {
	Pool user.PoolID
	Name string        // such as "PreSignUp", as in a [HookError]
	Took time.Duration // until it answered or its time was over; 0 where there was no room
	// Outcome is "ok"; "failed" where it denied, which is an error, a panic, or what it may not
	// answer; "timeout" where it, or something that it asked, took too long; "full" where too many
	// ran already; or "canceled" where the visitor went first.
	Outcome string
}

// MessageTry is one attempt to send one message.
type MessageTry struct {
	Pool    user.PoolID
	Kind    message.Kind    // "" where the message could not be opened
	Channel message.Channel // "" likewise
	// Outcome is "sent"; "failed", and it will be tried again; "refused" for good
	// ([message.ErrRefused]); or "dropped", because it was of no use any more, or never to be sent.
	Outcome string
	Late    time.Duration // from when it was due to when it was taken up
	Took    time.Duration // hooks and the [message.Sender] included
	Tries   int           // that failed before
}

// ChoreRound is one round of a chore.
type ChoreRound struct {
	// Name is "deliver" (messages), "erase" (deleted pools), "follow" (what other processes change),
	// "index" (lists), "names", "refusals", "rotate" (signing keys), "rounds", "seal" (events),
	// "sweep", or that of a Post hook.
	Name    string
	Took    time.Duration
	Outcome string // as of a [StoreCall]
}
