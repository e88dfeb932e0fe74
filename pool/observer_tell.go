package pool

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// watch is an Observer that can break nothing.
type watch struct {
	Observer
	now  func() time.Time // not cut off: it measures
	log  *slog.Logger
	said sync.Once // that it panicked
}

func newWatch(c Config) *watch { return &watch{Observer: c.Observer, now: c.Now, log: c.Logger} }

// tell calls one function of an observer. What it tells of has happened, whatever comes of this.
func tell[O any](ctx context.Context, w *watch, observe func(context.Context, O), o O) {
	defer w.caught(ctx)
	observe(ctx, o)
}

func (w *watch) caught(ctx context.Context) {
	if r := recover(); r != nil {
		w.said.Do(func() { w.log.ErrorContext(ctx, "the observer panicked, which is told once", "panic", r) })
	}
}

// event tells of one that was stored. Those that gather refusals were told one by one.
func (w *watch) event(ctx context.Context, e *storage.Event) {
	if w.Event == nil {
		return
	}
	var o occurrence
	if json.Unmarshal(e.Header, &o) != nil || o.Count > 0 {
		return
	}
	tell(ctx, w, w.Event, ObservedEvent{e.Pool, e.Kind, o.Outcome, label(o.Reason)})
}

// refusal tells of a call that was refused without a verdict.
func (w *watch) refusal(ctx context.Context, pool user.PoolID, kind, reason string) {
	if w.Event != nil {
		tell(ctx, w, w.Event, ObservedEvent{pool, kind, refused, label(reason)})
	}
}

// hash tells of one, as the door does.
func (w *watch) hash(ctx context.Context, r password.Run) {
	run := HashRun{Pool: user.PoolID(r.Pool), Waited: r.Waited, Took: r.Took, Outcome: "ok"}
	switch {
	case errors.Is(r.Err, password.ErrBusy):
		run.Outcome = "shed"
	case r.Err != nil:
		run.Outcome = "canceled"
	}
	tell(ctx, w, w.Hash, run)
}

// running begins a run of a hook; what it returns tells how that ended.
func (w *watch) running(name string, pool user.PoolID) (ended func(context.Context, error)) {
	if w.Hook == nil {
		return func(context.Context, error) {}
	}
	began := w.now()
	return func(ctx context.Context, err error) {
		r := HookRun{Pool: pool, Name: name, Took: w.now().Sub(began), Outcome: "ok"}
		switch d, denied := errors.AsType[denial](err); {
		case errors.Is(err, errHookFull):
			r.Outcome, r.Took = "full", 0
		case denied && errors.Is(d.Err, context.DeadlineExceeded):
			r.Outcome = "timeout"
		case denied:
			r.Outcome = "failed"
		case err != nil:
			r.Outcome = "canceled"
		}
		tell(ctx, w, w.Hook, r)
	}
}

// trying begins an attempt to send m; what it returns tells how that ended.
func (w *watch) trying(m *storage.Outgoing, now time.Time) (ended func(context.Context, letter, bool, error)) {
	if w.Message == nil {
		return func(context.Context, letter, bool, error) {}
	}
	// Of another process, whose clock may be ahead.
	try := MessageTry{Pool: m.Pool, Late: max(0, now.Sub(m.Due)), Tries: m.Tries}
	began := w.now()
	return func(ctx context.Context, l letter, sent bool, err error) {
		try.Kind, try.Channel, try.Took, try.Outcome = l.Kind, l.channel(), w.now().Sub(began), "failed"
		switch {
		case sent:
			try.Outcome = "sent"
		case err == nil:
			try.Outcome = "dropped"
		case errors.Is(err, message.ErrRefused):
			try.Outcome = "refused"
		}
		tell(ctx, w, w.Message, try)
	}
}

// observed returns a door that tells of its hashes, where somebody wants to hear.
func (w *watch) observed(door *password.Hasher) *password.Hasher {
	if w.Hash == nil {
		return door
	}
	return door.Observed(w.now, w.hash)
}

// labels are the reasons of events that are words of ours. Of those that people give, or that list
// what was changed, there is no end.
var labels = map[string]bool{
	accountLocked: true, networkFull: true, networkBlocked: true, poolFull: true, doorFull: true, hookFull: true, forbidden: true,
	numberFull: true, rangeFull: true, countryFull: true, notServed: true,
	string(gate.NoUser): true, string(gate.Disabled): true, string(gate.NoProof): true,
	string(gate.ResetRequired): true, string(gate.ChangeForced): true, string(gate.Expired): true,
	string(gate.NotByPassword): true, string(gate.NoStatus): true, string(gate.NotBelow): true,
	string(gate.WeakActor): true, string(KindConfirm): true, string(KindNewPassword): true,
	"everywhere": true, "reused": true, "taken": true, "secret": true,
}

// label returns the reason of an event, if it may be the label of a metric.
func label(reason string) string {
	if name, of := strings.CutPrefix(reason, hookReason("")); labels[reason] || of && slices.Contains(hookNames, name) {
		return reason
	}
	return ""
}

// outcome is the class of an error of the store's.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, storage.ErrStale):
		return "stale"
	case errors.Is(err, storage.ErrConflict):
		return "conflict"
	case errors.Is(err, storage.ErrLimited):
		return "limited"
	case errors.Is(err, storage.ErrReferenced):
		return "referenced"
	case errors.Is(err, storage.ErrUnknown): // before what it may wrap: it is the graver
		return "unknown"
	case errors.Is(err, storage.ErrRetry):
		return "retry"
	case errors.Is(err, storage.ErrInvalid):
		return "invalid"
	case errors.Is(err, storage.ErrNoPool):
		return "no_pool"
	case errors.Is(err, storage.ErrNotReady):
		return "not_ready"
	case errors.Is(err, storage.ErrClosed), errors.Is(err, ErrClosed):
		return "closed"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "canceled"
	}
	return "error"
}
