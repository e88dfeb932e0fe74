package pool_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

var errDisk = errors.New("the disk is on fire")

// failingAt is a store of which one call fails.
type failingAt struct {
	storage.Store
	calls atomic.Int64
	at    int64
	lost  bool // the commit is done, and its answer lost
	what  string
}

func (f *failingAt) fails(what string) bool {
	if f.calls.Add(1) == f.at {
		f.what = what
		return true
	}
	return false
}

func (f *failingAt) Ephemeral() bool { return true }

func (f *failingAt) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	if f.fails("Read") {
		return storage.Got{}, errDisk
	}
	return f.Store.Read(ctx, p, w)
}

func (f *failingAt) Commit(ctx context.Context, cs ...storage.Change) error {
	if f.fails(fmt.Sprintf("Commit %v", kinds([][]storage.Change{cs}))) {
		if f.lost {
			f.Store.Commit(ctx, cs...)
			return storage.ErrUnknown
		}
		return errDisk
	}
	return f.Store.Commit(ctx, cs...)
}

func (f *failingAt) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	if f.fails("Lease") {
		return false, errDisk
	}
	return f.Store.Lease(ctx, l)
}

func (f *failingAt) Due(ctx context.Context, ps []user.PoolID, lane int, now time.Time, n int) ([]*storage.Outgoing, error) {
	if f.fails("Due") {
		return nil, errDisk
	}
	return f.Store.Due(ctx, ps, lane, now, n)
}

func (f *failingAt) Events(ctx context.Context, p user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	if f.fails("Events") {
		return storage.EventPage{}, errDisk
	}
	return f.Store.Events(ctx, p, q)
}

func (f *failingAt) Documents(ctx context.Context, p user.PoolID, q storage.DocumentQuery) (storage.DocumentPage, error) {
	if f.fails("Documents") {
		return storage.DocumentPage{}, errDisk
	}
	return f.Store.Documents(ctx, p, q)
}

func (f *failingAt) Changed(ctx context.Context, c storage.Cursor) (storage.Feed, error) {
	if f.fails("Changed") {
		return storage.Feed{}, errDisk
	}
	return f.Store.Changed(ctx, c)
}

func (f *failingAt) Trim(ctx context.Context, p user.PoolID, number int64, n int) (bool, error) {
	if f.fails("Trim") {
		return false, errDisk
	}
	return f.Store.Trim(ctx, p, number, n)
}

func (f *failingAt) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	if f.fails("Sweep") {
		return 0, errDisk
	}
	return f.Store.Sweep(ctx, now, n)
}

// Whichever one call of the store fails, or loses its answer, in all that a person does, nothing is
// half done, what failed can be done again, and the history verifies.
func TestFailureOfAnyOneCall(t *testing.T) {
	t.Parallel()
	for what, lost := range map[string]bool{"fails": false, "loses its answer": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for at := int64(1); !t.Failed(); at++ {
				st := &failingAt{Store: memory.New(), lost: lost}
				n := nodes(t, st, 1, keeps(3*day))[0]
				st.at = st.calls.Load() + at
				n.lifetime(st)
				if st.what == "" { // it was over by then
					break
				}
			}
		})
	}
}

// retry calls until it succeeds, and only the failure of the store may stand in its way.
func (n *node) retry(what string, st *failingAt, call func() error) {
	n.t.Helper()
	for range 3 {
		before := st.what
		err := call()
		if err == nil {
			return
		}
		if before == st.what || !errors.Is(err, pool.ErrUnavailable) {
			n.t.Fatalf("%s = %v, at call %d, %s", what, err, st.at, st.what)
		}
	}
	n.t.Fatalf("%s fails on", what)
}

// chores runs what is due, four times over a minute.
func (n *node) chores(st *failingAt) {
	n.t.Helper()
	for range 4 {
		before := st.what
		if err := n.hand.Run(n.t.Context()); err != nil && before == st.what {
			n.t.Fatalf("chores: %v at call %d, %s", err, st.at, st.what)
		}
		n.clock.advance(20 * time.Second)
	}
}

// lifetime is all that a person does with an account.
func (n *node) lifetime(st *failingAt) {
	t, ctx := n.t, n.t.Context()
	var up pool.SignUpResult
	n.retry("sign up", st, func() (err error) {
		up, err = n.SignUp(ctx, pool.SignUpInput{Username: ada, Password: right})
		return err
	})
	n.retry("resend", st, func() (err error) {
		res, err := n.ResendCode(ctx, pool.ResendInput{Ticket: up.Ticket})
		if errors.Is(err, pool.ErrTicketGone) {
			t.Fatalf("ticket gone at %d %s", st.at, st.what)
		}
		if err == nil {
			up = res
		}
		return err
	})
	n.chores(st)
	n.retry("confirm", st, func() error { return confirm(n.kit, up.Ticket, n.box.Code(ada)) })
	verdicts := 0
	for range 6 {
		_, err := n.signIn(ada, wrong)
		switch {
		case errors.Is(err, pool.ErrNotAuthorized):
			verdicts++
		case !errors.Is(err, pool.ErrUnavailable) || st.what == "":
			t.Fatalf("wrong password = %v at %d %s", err, st.at, st.what)
		}
	}
	got, err := st.Store.Read(ctx, "default", storage.Want{Now: n.clock.Now(), User: user.ByLogin(ada), Counters: []storage.CounterKey{{Pool: "default", Name: "password"}}})
	if err != nil || got.Counters[0].Run < int64(min(verdicts, 5)) {
		t.Fatalf("%d verdicts, and %d are counted (%v) at %d %s", verdicts, got.Counters[0].Run, err, st.at, st.what)
	}
	n.clock.advance(time.Hour)
	var d *pool.Done
	n.retry("sign in", st, func() (err error) { d, err = pool.Finished(n.signIn(ada, right)); return err })
	n.retry("refresh", st, func() error {
		next, err := n.refresh(d)
		if err == nil {
			d = next
		}
		return err
	})
	var forgot pool.ForgotPasswordResult
	n.retry("forgot", st, func() (err error) {
		forgot, err = n.ForgotPassword(ctx, pool.ForgotPasswordInput{Username: ada})
		return err
	})
	n.chores(st)
	n.retry("reset", st, func() error {
		err := n.reset(forgot.Ticket, n.box.Code(ada), another)
		return err
	})
	n.retry("sign in again", st, func() (err error) { d, err = pool.Finished(n.signIn(ada, another)); return err })
	n.retry("change", st, func() error {
		a, err := n.Account(ctx, d.Tokens.Access)
		if err != nil {
			return err
		}
		done, err := pool.Finished(a.ChangePassword(ctx, pool.ChangePasswordInput{Old: another, New: password.New("a third horse battery")}))
		if err == nil {
			d = done
		}
		return err
	})
	n.retry("sign out", st, func() error { return n.SignOut(ctx, pool.SignOutInput{Token: d.Tokens.Refresh}) })
	for range 3 {
		n.clock.advance(2 * day)
		n.chores(st)
	}
	r, err := n.VerifyEvents(ctx)
	if err != nil {
		r, err = n.VerifyEvents(ctx)
	}
	if err != nil || !r.Intact() || r.Unsealed > 0 {
		t.Fatalf("history %v, %+v at %d %s", err, r, st.at, st.what)
	}
	if due, err := st.Store.Due(ctx, nil, -1, n.clock.Now(), 10); err != nil || len(due) > 0 {
		t.Fatalf("%d wait, %v at %d %s", len(due), err, st.at, st.what)
	}
}
