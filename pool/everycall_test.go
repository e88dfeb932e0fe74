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
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/user"
)

var errDisk = errors.New("the disk is on fire")

// failingAt is a store of which one call fails.
type failingAt struct {
	*storagetest.Faulty
	calls atomic.Int64
	at    int64
	fault storagetest.Fault
	plan  storagetest.Plan
	what  string // failed; "" while nothing has
}

func failsAt(f storagetest.Fault) *failingAt {
	st := &failingAt{Faulty: &storagetest.Faulty{Store: memory.New()}, fault: f}
	st.plan = func(_ context.Context, method string, changes []storage.Change) storagetest.Fault {
		if st.calls.Add(1) != st.at {
			return storagetest.Fault{}
		}
		st.what = fmt.Sprint(method, kinds([][]storage.Change{changes}))
		return st.fault
	}
	st.Set(st.plan)
	return st
}

// Whichever one call of the store fails, or loses its answer, in all that a person does, chores
// included, nothing is half done, what failed can be done again, and the history verifies.
func TestFailureOfAnyOneCall(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]storagetest.Fault{
		"fails": {Err: errDisk}, "loses its answer": {Err: storage.ErrUnknown, Done: true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for at := int64(1); !t.Failed(); at++ {
				st := failsAt(fault)
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

// Whichever call fails, in whichever way, a guess that was not counted tells nothing: not by its
// answer, nor by how often the store was asked, which shows in the time that it takes.
func TestT5_FaultsTellNoVerdict(t *testing.T) {
	t.Parallel()
	for what, fault := range map[string]storagetest.Fault{
		"fails": {Err: errDisk}, "was not written": {Err: storage.ErrRetry}, "is unknown": {Err: storage.ErrUnknown},
	} {
		for at := int64(1); at <= 4; at++ {
			want := ""
			for _, guess := range []struct {
				who, login string
				secret     password.Secret
			}{{"nobody", "bob@example.com", wrong}, {"a wrong password", ada, wrong}, {"the right one", ada, right}} {
				st := failsAt(fault)
				n := nodes(t, st, 1)[0]
				n.newcomer(ada)
				n.chores(st)
				calls := 0
				st.calls.Store(0)
				st.at = at
				fails := st.plan
				st.Set(func(ctx context.Context, method string, changes []storage.Change) storagetest.Fault {
					calls++
					return fails(ctx, method, changes)
				})
				_, err := n.signIn(guess.login, guess.secret)
				if !errors.Is(err, pool.ErrUnavailable) {
					continue // a verdict, counted
				}
				got := fmt.Sprintf("%v after %d calls", err, calls)
				if want == "" {
					want = got
				}
				if got != want {
					t.Errorf("call %d %s, %s: %s\nwant as for nobody: %s", at, what, guess.who, got, want)
				}
			}
		}
	}
}
