package pool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// HookError means that a hook of the program (Config.Hooks) denied what was asked: by an error of
// its own, which errors.Is and errors.AsType reach, by a panic, by an answer that is
// [hook.ErrMalformed], or by none in time (context.DeadlineExceeded). Its text is for the operator:
// do not show it to a visitor.
type HookError struct {
	Hook string // such as "PreSignUp"
	Err  error
}

// Error says what is wrong.
func (e *HookError) Error() string { return fmt.Sprintf("pool: hook %s denied: %v", e.Hook, e.Err) }

// Unwrap returns what is wrong.
func (e *HookError) Unwrap() error { return e.Err }

// denial is a HookError on its way out of a round. It hides what it is about: an app's error may
// well be one of the store's, and must not be taken for the refusal of a commit of ours.
type denial struct{ *HookError }

// Unwrap returns nothing.
func (denial) Unwrap() error { return nil }

// hooked is what one call of a visitor remembers of its hooks: each is asked in the first round that
// comes to it, and what it said holds for the others (security.md S8).
type hooked struct {
	from         Caller
	event        hook.Event // without the user
	typed        Password   // with the call; zero means none
	signUp       answer[hook.PreSignUpAnswer]
	authenticate answer[struct{}]
	tokens       answer[shape]
	migrate      answer[hook.MigrateUserAnswer]
	assessed     answer[hook.Risk]
	challenge    challenged
	conflicts    int    // of who is migrated with others about logins
	codes        unread // of those that were sent to an address to sign in by
	named        unread // of those that may go to a number that was not typed
}

// answer is what a hook said.
type answer[A any] struct {
	asked bool
	value A
	err   error
}

// call begins what a visitor's call remembers. Its source is that of the tokens it may give.
func (p *Pool) call(source hook.Source, c Caller, metadata map[string]string) hooked {
	return hooked{from: c, event: hook.Event{
		ID: rand.Text(), Pool: p.config.ID, Source: source, Metadata: metadata,
		Caller: hook.Caller{IP: c.IP, UserAgent: c.agent(), Locale: c.locale()},
	}}
}

// about returns the event for one hook, with copies of what the app could change.
func (h *hooked) about(client Client, login string, u *user.User) hook.Event {
	e := h.event
	e.Client, e.Username, e.User = client.ID, login, idOf(u)
	e.Attributes, e.Metadata = told(u), maps.Clone(e.Metadata)
	return e
}

// told returns what hooks are told of a user: the attributes, and the addresses that are logins
// among them.
func told(u *user.User) user.Attributes {
	if u == nil {
		return nil
	}
	as := user.Attributes{}
	maps.Copy(as, u.Attributes)
	logins := u.Logins
	if u.Attempt != nil {
		logins = []user.Login{u.Attempt.Login, u.Attempt.Proves()}
	}
	for _, l := range logins {
		if name := l.Kind().Attribute(); name != "" {
			as[name] = l.Display
		}
	}
	return as
}

// called returns by what a user signs in.
func called(u *user.User) string {
	if u.Attempt != nil {
		return u.Attempt.Login.Display
	}
	return u.Username()
}

// once asks a hook, or remembers what it said. A refusal that is not the hook's own, such as that
// too many run, is not remembered.
func once[A any](a *answer[A], ask func() (A, error)) (A, error) {
	if a.asked {
		return a.value, a.err
	}
	value, err := ask()
	if _, denied := errors.AsType[denial](err); err == nil || denied {
		a.asked, a.value, a.err = true, value, err
	}
	return value, err
}

// The hooks, as a HookError names them.
const (
	preSignUp          = "PreSignUp"
	postConfirmation   = "PostConfirmation"
	preAuthentication  = "PreAuthentication"
	postAuthentication = "PostAuthentication"
	preTokenGeneration = "PreTokenGeneration"
	customMessage      = "CustomMessage"
	migrateUser        = "MigrateUser"
	assessRisk         = "AssessRisk"
	defineChallenge    = "DefineChallenge"
	createChallenge    = "CreateChallenge"
	verifyChallenge    = "VerifyChallenge"
)

// hookNames are all of them.
var hookNames = []string{
	preSignUp, postConfirmation, preAuthentication, postAuthentication, preTokenGeneration, customMessage,
	migrateUser, assessRisk, defineChallenge, createChallenge, verifyChallenge,
}

// errHookFull means that as many runs of a hook are going on as may.
var errHookFull = errors.New("too many runs of the hook are going on")

// run runs a hook for as long as it may take, and tells of it. The error is errHookFull, that of ctx,
// or a denial.
func run[E, A any](
	ctx context.Context, p *Pool, name string, f func(context.Context, E) (A, error), e E,
) (A, error) {
	told := p.dir.watch.running(name, p.config.ID)
	a, err := bounded(ctx, p, name, f, e)
	told(ctx, err)
	return a, err
}

// bounded is run, of which nobody is told.
func bounded[E, A any](
	ctx context.Context, p *Pool, name string, f func(context.Context, E) (A, error), e E,
) (A, error) {
	var none A
	room, id := p.hooks[name], p.config.ID
	if !room.enter(id) {
		return none, errHookFull
	}
	timed, cancel := context.WithTimeout(ctx, hook.Timeout)
	defer cancel()
	said := make(chan answer[A], 1) // room for one who has stopped listening
	go func() {
		a := answer[A]{err: errors.New("did not return")} // it may end its goroutine
		defer func() {
			if r := recover(); r != nil {
				a.err = fmt.Errorf("panicked: %v", r)
			}
			room.leave(id)
			said <- a
		}()
		a.value, a.err = f(timed, e)
	}()
	var a answer[A]
	select {
	case a = <-said:
	case <-timed.Done():
	}
	switch {
	case ctx.Err() != nil: // the visitor has gone
		return none, ctx.Err()
	case timed.Err() != nil: // whatever it says now
		return none, denial{&HookError{name, timed.Err()}}
	case a.err != nil:
		return none, denial{&HookError{name, a.err}}
	}
	return a.value, nil
}

// consult runs a Pre hook in a visitor's call and checks what it says, within its time.
func consult[E, A any](
	ctx context.Context, p *Pool, name string, f func(context.Context, E) (A, error), e E, check func(A) error,
) (A, error) {
	checked := func(ctx context.Context, e E) (A, error) {
		a, err := f(ctx, e)
		if err == nil {
			err = malformed(check(a))
		}
		return a, err
	}
	a, err := run(ctx, p, name, checked, e)
	if errors.Is(err, errHookFull) {
		return a, &LimitError{Until: p.now().Add(time.Second)}
	}
	if d, denied := errors.AsType[denial](err); denied {
		p.config.Logger.WarnContext(ctx, "hook denied", "pool", p.config.ID, "hook", name, "error", d.Err)
	}
	return a, err
}

// malformed is the error of an answer that a hook may not give, nil where nothing is wrong with it.
func malformed(why error) error {
	if why == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", hook.ErrMalformed, why)
}

// denied lets a denial leave in the commit that records it and counts it against the caller's
// network, so that nobody can run a hook without end.
func (p *Pool) denied(ctx context.Context, err error, now time.Time, o occurrence, count ...storage.Change) error {
	d, denied := errors.AsType[denial](err)
	if _, limited := errors.AsType[*LimitError](err); limited {
		return p.unjudged(ctx, o, hookFull, err)
	}
	if gone := ctx.Err(); gone != nil && errors.Is(err, gone) {
		p.hungUp(ctx, count)
		return err
	}
	if !denied {
		return err
	}
	o.Outcome, o.Reason = refused, hookReason(d.Hook)
	commit := p.commit(ctx, append(count, p.event(now, o))...)
	if l, full := errors.AsType[*storage.LimitError](commit); full {
		return p.unjudged(ctx, o, networkFull, &LimitError{Until: l.Until})
	} else if commit != nil {
		return commit
	}
	return d
}

// hungUp counts a visitor who went while a hook ran: it ran all the same.
func (p *Pool) hungUp(ctx context.Context, count []storage.Change) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err := p.commit(ctx, count...); err != nil && !errors.Is(err, storage.ErrLimited) {
		p.config.Logger.WarnContext(ctx, "hook run by who hung up is not counted", "pool", p.config.ID, "error", err)
	}
}

// hookReason is the reason of a refusal by a hook. What the hook said stands in the log alone: it
// may be personal, and events are kept.
func hookReason(name string) string { return "hook:" + name }
