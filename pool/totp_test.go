package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
)

// askedTOTP signs in with the password, and returns the ticket of the step that asks for a code.
func (k *kit) askedTOTP(login string) string {
	k.t.Helper()
	step, err := k.signIn(login, right)
	need, ok := step.(*pool.NeedTOTP)
	if err != nil || !ok {
		k.t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
	}
	return need.Ticket
}

// A code is good once: not for another attempt, not within the skew, not by another process, and not
// that of an earlier step (CVE class 4).
func TestCVE4_CodesAreGoodOnce(t *testing.T) {
	t.Parallel()
	ns := nodes(t, memory.New(), 2)
	a, b := ns[0], ns[1]
	a.keptUp(ada)
	seed := a.withApp(a.done(ada))
	now := a.clock.Now()
	a.clock.advance(30 * time.Second)
	used := seed.Code(a.clock.Now())
	if _, err := pool.Finished(a.respondCode(a.askedTOTP(ada), used)); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"the same": used, "the one before, within the skew": seed.Code(now)} {
		for _, k := range []*kit{a.kit, b.kit} {
			if _, err := k.respondCode(k.askedTOTP(ada), code); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("%s: %v, want ErrBadCode", name, err)
			}
		}
	}
	a.clock.advance(30 * time.Second)
	if _, err := pool.Finished(b.respondCode(b.askedTOTP(ada), seed.Code(a.clock.Now()))); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// keptUp makes login a user of a node, whose chores run by hand.
func (n *node) keptUp(login string) {
	n.t.Helper()
	ticket := n.signUp(login)
	n.run()
	if err := confirm(n.kit, ticket, n.box.Code(login)); err != nil {
		n.t.Fatal(err)
	}
}

// Of 64 uses of one code at once, by four tickets, one signs in (CVE class 5).
func TestCVE5_CodesAtOnceHaveOneWinner(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		seed := k.withApp(k.done(ada))
		k.clock.advance(30 * time.Second)
		if won := k.atOnce(64, pool.Code{Value: seed.Code(k.clock.Now())}); won != 1 {
			t.Errorf("%d signed in by one code", won)
		}
	})
}

// Guesses at codes are of the account: neither another attempt, nor another process, nor another app,
// nor setting one up, nor the right password gives more (CVE class 6).
func TestCVE6_GuessesAtCodesAreOfTheAccount(t *testing.T) {
	t.Parallel()
	ns := nodes(t, memory.New(), 2)
	ns[0].keptUp(ada)
	d := ns[0].done(ada)
	seed := ns[0].withApp(d)
	ns[0].clock.advance(30 * time.Second)
	tickets := []string{ns[0].askedTOTP(ada), ns[1].askedTOTP(ada)}
	for i := range 5 {
		k := ns[i%2].kit
		if _, err := k.respondCode(tickets[i/3], offBy(seed, k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("guess %d: %v, want ErrBadCode", i, err)
		}
	}
	for _, ticket := range append(tickets, ns[0].askedTOTP(ada)) {
		if _, err := ns[1].respondCode(ticket, seed.Code(ns[1].clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("the right code, while it is locked: %v, want ErrBadCode", err)
		}
	}
	setup := ns[0].addApp(d)
	if _, err := ns[1].confirmApp(d, setup.Ticket, setup.Seed.Code(ns[1].clock.Now())); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("another app, while it is locked: %v, want ErrBadCode", err)
	}
	ns[0].clock.advance(time.Second)
	if _, err := pool.Finished(ns[1].respondCode(tickets[0], seed.Code(ns[1].clock.Now()))); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

// A wrong code is counted in the commit that its verdict leaves by, and none leaves where that fails
// (CVE class 7).
func TestCVE7_WrongCodesAreCounted(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	seed := k.withApp(k.done(ada))
	k.clock.advance(30 * time.Second)
	ticket := k.askedTOTP(ada)
	k.store.reset()
	if _, err := k.respondCode(ticket, offBy(seed, k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a wrong code: %v", err)
	}
	if _, commits := k.store.counted(); len(commits) != 1 || kinds(commits)["Count"] != 3 {
		t.Errorf("is counted by %v, want account, ticket and network", kinds(commits))
	}
	k.store.instead(errDisk)
	for name, code := range map[string]string{"a wrong code": offBy(seed, k.clock.Now()), "the right one": seed.Code(k.clock.Now())} {
		if _, err := k.respondCode(ticket, code); !errors.Is(err, pool.ErrUnavailable) {
			t.Errorf("%s that cannot be counted: %v, want ErrUnavailable", name, err)
		}
	}
	k.store.instead(nil)
	for range 4 {
		if _, err := k.respondCode(ticket, offBy(seed, k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("another: %v", err)
		}
	}
	if _, err := k.respondCode(k.askedTOTP(ada), seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("the right one after five wrong ones: %v, want ErrBadCode", err)
	}
	if err := k.admin().ResetFactors(t.Context(), k.user(ada).ID); err != nil {
		t.Fatal(err)
	}
	k.byApp(ada, k.withApp(k.done(ada))) // of another app there were no guesses
}

// The seed of an app is with the user sealed to user and app, and in no other one's record of use.
func TestT4_SeedsAreSealedToTheirUser(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.confirmed("bob@example.com")
	bob := k.done("bob@example.com")
	k.withApp(k.done(ada))
	seed := k.withApp(bob)
	theirs := k.user("bob@example.com").Factors.Apps[0]
	u := k.user(ada)
	u.Factors.Apps[0].Seed = theirs.Seed // who can write the table gives ada an app of their own
	if err := k.store.Commit(t.Context(), storage.Put(u)); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(30 * time.Second)
	if step, err := k.respondCode(k.askedTOTP(ada), seed.Code(k.clock.Now())); err == nil {
		t.Errorf("a seed of another user = %v", step)
	}
}
