package pool_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

func TestT4_ReplayEndsTheFamily(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		first := k.done(ada)
		second, err := k.refresh(first)
		if err != nil {
			t.Fatal(err)
		}
		retry, err := k.refresh(first) // a lost answer: the same successor
		if err != nil || retry.Tokens.Refresh.Reveal() != second.Tokens.Refresh.Reveal() {
			t.Fatalf("retry inside the grace: %v, want the same successor", err)
		}
		k.clock.advance(10 * time.Second) // retries do not extend the grace
		if _, err := k.refresh(first); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("first token after the grace = %v, want ErrNotAuthorized", err)
		}
		if _, err := k.refresh(second); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("newest token after the replay = %v, want the family ended", err)
		}
	})
}

func TestT4_TwoGenerationsOldEndsTheFamily(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	first := k.done(ada)
	second, _ := k.refresh(first)
	third, err := k.refresh(second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.refresh(first); !errors.Is(err, pool.ErrNotAuthorized) { // inside the grace of the second
		t.Errorf("first token = %v, want ErrNotAuthorized", err)
	}
	if _, err := k.refresh(third); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("newest token = %v, want the family ended", err)
	}
}

// Who knows a session's id must not be able to end it, nor who holds a token of another client.
func TestT4_ForgedTokensHaveNoEffect(t *testing.T) {
	t.Parallel()
	two := pool.Settings{Clients: []pool.Client{{ID: "web"}, {ID: "app"}}}
	k := open(t, func(c *pool.Config) { c.Settings = &two })
	up, err := k.SignUp(t.Context(), pool.SignUpInput{Client: "web", Username: ada, Password: right})
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, up.Ticket, k.code(ada, 1)); err != nil {
		t.Fatal(err)
	}
	done, err := pool.Finished(k.SignIn(t.Context(), pool.SignInInput{Client: "web", Username: ada, With: pool.Password{Value: right}}))
	if err != nil {
		t.Fatal(err)
	}
	good := done.Tokens.Refresh
	parsed, err := token.ParseRefresh(good.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	for _, generation := range []int64{0, 1, 2, 1 << 40} {
		forged := token.FormatRefresh(make([]byte, 32), "default", parsed.User, parsed.Session, "web", generation)
		if _, err := k.Refresh(t.Context(), pool.RefreshInput{Client: "web", Token: forged}); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("forged generation %d = %v, want ErrNotAuthorized", generation, err)
		}
		if err := k.SignOut(t.Context(), pool.SignOutInput{Client: "web", Token: forged}); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-out with forged generation %d = %v, want ErrNotAuthorized", generation, err)
		}
	}
	if _, err := k.Refresh(t.Context(), pool.RefreshInput{Client: "app", Token: good}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("as another client = %v, want ErrNotAuthorized", err)
	}
	text := good.Reveal()
	for n := range len(text) { // CVE class 28: truncated tokens
		if _, err := k.Refresh(t.Context(), pool.RefreshInput{Client: "web", Token: token.NewSecret(text[:n])}); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Fatalf("first %d bytes = %v, want ErrNotAuthorized", n, err)
		}
	}
	if _, err := k.Refresh(t.Context(), pool.RefreshInput{Client: "web", Token: good}); err != nil {
		t.Errorf("good token after all that = %v, want it to work", err)
	}
}

func TestT4_ParallelRefreshesShareOneSuccessor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		first := k.done(ada)
		const n = 64
		var (
			wg    sync.WaitGroup
			gate  = make(chan struct{})
			dones [n]*pool.Done
			errs  [n]error
		)
		for i := range n {
			wg.Go(func() {
				<-gate
				dones[i], errs[i] = k.refresh(first)
			})
		}
		close(gate)
		wg.Wait()
		for i := range n {
			if errs[i] != nil {
				t.Fatalf("refresh %d: %v", i, errs[i])
			}
			if dones[i].Tokens.Refresh.Reveal() != dones[0].Tokens.Refresh.Reveal() {
				t.Fatalf("refresh %d has a successor of its own", i)
			}
		}
		parsed, _ := token.ParseRefresh(dones[0].Tokens.Refresh.Reveal())
		if parsed.Generation != 2 {
			t.Errorf("generation = %d, want 2", parsed.Generation)
		}
	})
}

// Today's status decides at a refresh (security.md T1; CVE class 39).
func TestT3_DisabledUserIsOut(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	k.disable(ada)
	if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("refresh = %v, want ErrNotAuthorized", err)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("sign-in = %v, want ErrNotAuthorized", err)
	}
}

// An epoch that rose kills sessions and tickets of before, whatever else is well.
func TestT3_EpochEndsSessionsAndTickets(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	step, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: ticket, Code: k.code(ada, 1)})
	if err != nil {
		t.Fatal(err)
	}
	d := k.done(ada)
	u := k.user(ada)
	u.Epoch++
	if err := k.store.Store.Commit(t.Context(), storage.Put(u)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("refresh = %v, want ErrNotAuthorized", err)
	}
	need := step.(*pool.NeedPassword)
	if _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: right}}); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("ticket of before = %v, want ErrTicketGone", err)
	}
}

func TestT2_SessionEndsAtItsAbsoluteLimit(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	for range 2 {
		k.clock.advance(15*24*time.Hour - time.Second)
		var err error
		if d, err = k.refresh(d); err != nil {
			t.Fatalf("before the limit: %v", err)
		}
	}
	k.clock.advance(2 * time.Second)
	if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("at the limit = %v, want ErrNotAuthorized: refreshing must not move it (CVE class 64)", err)
	}
}
