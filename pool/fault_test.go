package pool_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
)

// waitFor waits for another goroutine to have done something.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatal("waited in vain")
		case <-tick.C:
		}
	}
}

// A commit that was applied but whose answer was lost is found out by its stamp.
func TestLostAnswerIsSettled(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		ticket := k.signUp(ada)
		code := k.code(ada, 1)
		k.store.answer(func(err error) error {
			if err == nil {
				return storage.ErrUnknown
			}
			return err
		})
		if err := confirm(k, ticket, code); err != nil {
			t.Errorf("confirm: %v", err)
		}
		d, err := pool.Finished(k.signIn(ada, right))
		if err != nil {
			t.Fatalf("sign-in: %v", err)
		}
		if d, err = k.refresh(d); err != nil {
			t.Errorf("refresh: %v", err)
		}
		if _, err := k.refresh(d); err != nil {
			t.Errorf("second refresh: %v", err)
		}
	})
}

// A verdict of "no" whose commit is not known to have counted it does not leave (security.md T5).
func TestT5_UncountedVerdictDoesNotLeave(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.store.answer(func(error) error { return storage.ErrUnknown })
	_, wrongErr := k.signIn(ada, wrong)
	if !errors.Is(wrongErr, pool.ErrUnavailable) || errors.Is(wrongErr, pool.ErrNotAuthorized) {
		t.Errorf("wrong password = %v, want ErrUnavailable", wrongErr)
	}
}

func TestStoreFailureIsUnavailable(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	for name, fail := range map[string]error{
		"retry": storage.ErrRetry, "other": errors.New("disk on fire"),
		"no connection in time": fmt.Errorf("%w: connect: %w", storage.ErrRetry, context.DeadlineExceeded), // of its own, not the caller's
	} {
		k.store.instead(fail)
		for what, err := range map[string]error{
			"sign in":  second(k.signIn(ada, right)),
			"refresh":  second(k.refresh(d)),
			"sign up":  up(k, "bob@example.com", "correct horse"),
			"sign out": k.SignOut(t.Context(), pool.SignOutInput{Token: d.Tokens.Refresh}), // CVE class 38
		} {
			if !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("%s while the store fails (%s) = %v, want ErrUnavailable", what, name, err)
			}
		}
	}
	k.store.instead(nil)
	if _, err := k.refresh(d); err != nil {
		t.Errorf("refresh after all that = %v: a failed commit must change nothing", err)
	}
}

// A store that waits long for a lock before it gives up, as SQLite does, is not asked again and again
// while a visitor waits.
func TestLockedStoreIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, each := range []time.Duration{0, time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			st := &storagetest.Faulty{Store: memory.New()}
			k := openOn(t, st, func(c *pool.Config) { c.Now = time.Now })
			k.confirmed(ada)
			st.Set(func(_ context.Context, method string, _ []storage.Change) storagetest.Fault {
				if method != "Commit" {
					return storagetest.Fault{}
				}
				return storagetest.Fault{Err: storage.ErrRetry, Wait: func() { time.Sleep(each) }}
			})
			began := time.Now()
			_, err := k.signIn(ada, right)
			if took := time.Since(began); !errors.Is(err, pool.ErrUnavailable) || took > 6*time.Second {
				t.Errorf("a lock of %v each: %v after %v, want ErrUnavailable within some five seconds", each, err, took)
			}
			st.Set(nil)
		})
	}
}

func second[T any](_ T, err error) error { return err }

// A primary that no replica follows shows what it committed, and may take it along when it dies. What
// became of a commit is settled by another, which waits for the replica too, whatever was found: the
// right password and the wrong one take as long (security.md T5).
func TestT5_WhatIsOnlyReadIsNotDone(t *testing.T) {
	t.Parallel()
	for what, done := range map[string]bool{"shows": true, "does not show": false} {
		want := ""
		for _, secret := range []password.Secret{wrong, right} {
			st := &storagetest.Faulty{Store: memory.New()}
			n := nodes(t, st, 1)[0]
			n.newcomer(ada)
			calls := []string{}
			st.Set(func(_ context.Context, method string, changes []storage.Change) storagetest.Fault {
				if method != "Commit" {
					calls = append(calls, method)
					return storagetest.Fault{}
				}
				calls = append(calls, "Commit")
				return storagetest.Fault{Err: storage.ErrUnknown, Done: done}
			})
			_, err := n.signIn(ada, secret)
			if got := fmt.Sprint(err, calls); want == "" {
				want = got
			} else if got != want {
				t.Errorf("a primary %s it: the right password comes to %s, want as the wrong one %s", what, got, want)
			}
			if !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("a primary that is alone %s it: %v, want ErrUnavailable", what, err)
			}
		}
	}
}
