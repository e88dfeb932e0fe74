package pool_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
)

// nothing is a sender that drops what it is given.
var nothing = message.SenderFunc(func(context.Context, message.Message) error { return nil })

// flaky is a sender that fails as it is told, and remembers what it was given.
type flaky struct {
	mu    sync.Mutex
	fail  error
	tried []message.Message
	sent  []message.Message
}

func (f *flaky) Send(_ context.Context, m message.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = append(f.tried, m)
	if f.fail == nil {
		f.sent = append(f.sent, m)
	}
	return f.fail
}

func (f *flaky) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *flaky) counts() (tried, sent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tried), len(f.sent)
}

// A dead mail server loses nothing and blocks nobody: it is tried again, ever more rarely, under the
// same message id.
func TestOutboxRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{fail: errors.New("no route to host")}
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = mail, time.Now })
		k.signUp(ada)
		time.Sleep(time.Hour)
		synctest.Wait()
		tried, sent := mail.counts()
		if sent != 0 || tried < 5 || tried > 15 {
			t.Errorf("tried %d times in an hour, want 5 to 15", tried)
		}
		mail.set(nil)
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if _, sent := mail.counts(); sent != 1 {
			t.Errorf("%d messages sent after the server came back, want 1", sent)
		}
		for _, m := range mail.tried {
			if m.ID != mail.tried[0].ID {
				t.Error("a repeat has another message id")
			}
		}
	})
}

func TestOutboxDropsWhatIsRefusedForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{fail: fmt.Errorf("no such mailbox: %w", message.ErrRefused)}
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = mail, time.Now })
		k.signUp(ada)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if tried, _ := mail.counts(); tried != 1 {
			t.Errorf("tried %d times, want once", tried)
		}
	})
}

// A recipient at which the mail server hangs costs nobody else their mail, and is tried ever more
// rarely.
func TestOutboxSlowRecipientBlocksNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{}
		slow := message.SenderFunc(func(ctx context.Context, m message.Message) error {
			if m.To == "slow@example.com" {
				mail.Send(ctx, m)
				<-ctx.Done() // until its time is over
				return ctx.Err()
			}
			return mail.Send(ctx, m)
		})
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = slow, time.Now })
		k.signUp("slow@example.com")
		time.Sleep(time.Second)
		for i := range 20 {
			k.signUp(fmt.Sprintf("user%d@example.com", i))
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if tried, _ := mail.counts(); tried < 21 {
			t.Errorf("%d messages were tried within half a minute, want all 21", tried)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if tried, _ := mail.counts(); tried > 21+15 {
			t.Errorf("the slow recipient was tried %d times in an hour", tried-20)
		}
	})
}

// A message that was sent but cannot be taken out of the store is not sent again.
func TestOutboxDoesNotRepeatWhatItSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{}
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = mail, time.Now })
		k.store.keepMail(true)
		k.signUp(ada)
		time.Sleep(time.Hour)
		synctest.Wait()
		if tried, _ := mail.counts(); tried != 1 {
			t.Errorf("sent %d times, want once", tried)
		}
		k.store.keepMail(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		left, err := k.store.Store.Due(t.Context(), nil, -1, time.Now(), 10)
		if err != nil || len(left) != 0 {
			t.Errorf("%d messages left, %v, want none", len(left), err)
		}
	})
}

// After a clean restart the next process sends at once: no lease is left behind.
func TestOutboxRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail, st, r := &flaky{}, memory.New(), ring(t, seal.Generate())
		for i := range 2 {
			p, err := pool.Open(t.Context(), st, pool.Config{Keys: r, Sender: mail, InsecureHash: &cheap})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if _, sent := mail.counts(); sent != i+1 {
				t.Errorf("%d messages sent within two seconds of opening, want %d", sent, i+1)
			}
			if err := p.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What makes a code useless stops its mail: another code that confirmed, and tries that are used up.
func TestT4_UselessCodesAreNotSent(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(k *kit, ticket, code string){
		"confirmed": func(k *kit, ticket, code string) {
			if err := confirm(k, ticket, code); err != nil {
				k.t.Fatal(err)
			}
		},
		"resent": func(k *kit, ticket, _ string) {
			if _, err := k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: ticket}); err != nil {
				k.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mail := &flaky{}
				box := mailbox.New()
				k := open(t, func(c *pool.Config) {
					c.Now = time.Now
					c.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error {
						if err := mail.Send(ctx, m); err != nil {
							return err
						}
						return box.Send(ctx, m)
					})
				})
				ticket := k.signUp(ada)
				time.Sleep(2 * time.Second)
				code := box.Code(ada)
				mail.set(errors.New("down"))
				if _, err := k.signIn(ada, right); err != nil { // queues a second code
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				kill(k, ticket, code)
				mail.set(nil)
				time.Sleep(time.Hour)
				synctest.Wait()
				want := map[string]int{"confirmed": 1, "resent": 3}[name] // a resend leaves the second ticket good
				if _, sent := mail.counts(); sent != want {
					t.Errorf("%d messages sent, want %d", sent, want)
				}
			})
		})
	}
}

// A dead code is never sent: its message goes with its ticket (security.md T4).
func TestT4_DeadCodesAreNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{fail: errors.New("down")}
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = mail, time.Now })
		k.signUp(ada)
		time.Sleep(23 * time.Hour)
		mail.set(nil) // the next try would succeed, but only after the code's 24 hours
		k.signUp("bob@example.com")
		time.Sleep(time.Second)
		due, err := k.store.Store.Due(t.Context(), nil, -1, time.Now().Add(time.Hour), 10)
		if err != nil || len(due) > 1 {
			t.Fatalf("Due = %d messages, %v", len(due), err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		left, err := k.store.Store.Due(t.Context(), nil, -1, time.Now().Add(100*time.Hour), 10)
		if err != nil || len(left) != 0 {
			t.Errorf("%d messages left, %v, want none", len(left), err)
		}
	})
}

// Two processes on one store do not send a message twice.
func TestOutboxSendsOnceAcrossProcesses(t *testing.T) {
	t.Parallel()
	mail := &flaky{}
	r := ring(t, seal.Generate())
	k := open(t, func(c *pool.Config) { c.Keys, c.Sender = r, mail })
	for range 3 {
		if _, err := reopen(t, k.store.Store, pool.Config{Keys: r, Sender: mail, Now: k.clock.Now}); err != nil {
			t.Fatal(err)
		}
	}
	const n = 20
	for i := range n {
		k.signUp(fmt.Sprintf("user%d@example.com", i))
	}
	waitFor(t, func() bool { _, sent := mail.counts(); return sent == n })
	due, err := k.store.Store.Due(t.Context(), nil, -1, k.clock.Now(), 100)
	if err != nil || len(due) != 0 {
		t.Errorf("Due after all was sent = %d, %v, want none", len(due), err)
	}
	if tried, _ := mail.counts(); tried != n {
		t.Errorf("tried %d times, want %d", tried, n)
	}
}

// The body in the store is sealed, and gone once it was sent.
func TestT4_OutboxBodiesAreSealed(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	mail := message.SenderFunc(func(ctx context.Context, m message.Message) error { <-stop; return nil })
	k := open(t, func(c *pool.Config) { c.Sender = mail })
	t.Cleanup(sync.OnceFunc(func() { close(stop) }))
	k.signUp(ada)
	var due []*storage.Outgoing
	waitFor(t, func() bool {
		due, _ = k.store.Store.Due(t.Context(), nil, -1, k.clock.Now(), 10)
		return len(due) == 1
	})
	if containsFold(string(due[0].Body), ada) || containsFold(string(due[0].Body), "code") {
		t.Error("the body can be read")
	}
}

// A pool has words of its own, and others in the languages there are.
func TestMessagesOfThePoolsOwn(t *testing.T) {
	t.Parallel()
	own := message.Settings{Templates: []message.Template{{
		Kind: message.ConfirmSignUp, Locale: "fr", Subject: "Bienvenue", Text: "Votre code: {####}", HTML: "<p>Votre code: {####}</p>",
	}}}
	k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{Messages: own} })
	for login, tt := range map[string]struct{ locale, subject string }{
		"fr@example.com": {"fr-CA,fr;q=0.9", "Bienvenue"}, "en@example.com": {"", "Confirm your email address"},
		"xx@example.com": {strings.Repeat("x", 1<<16), "Confirm your email address"},
	} {
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right, Caller: pool.Caller{Locale: tt.locale}})
		if err != nil {
			t.Fatal(err)
		}
		if ms := k.mails(login, 1); ms[0].Subject != tt.subject {
			t.Errorf("%s: subject %q, want %q", login, ms[0].Subject, tt.subject)
		}
	}
	own.Templates[0].Text = "no code"
	_, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &pool.Settings{Messages: own}})
	if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
		t.Errorf("Open with a template that lacks its code = %v, want a *SettingsError", err)
	}
}

// Messages of one person keep their order, also where the clock stands still.
func TestOutboxKeepsOrder(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.signUp(ada)
	for range 3 {
		if _, err := k.signIn(ada, right); err != nil {
			t.Fatal(err)
		}
	}
	step, err := k.signIn(ada, right)
	need, ok := step.(*pool.NeedConfirm)
	if err != nil || !ok {
		t.Fatalf("SignIn = %T, %v", step, err)
	}
	if err := confirm(k, need.Ticket, k.code(ada, 5)); err != nil {
		t.Errorf("the last code that came is not of the last step: %v", err)
	}
}

// A sender that panics at one message ends neither the process nor the others' mail.
func TestOutboxSurvivesAPanickingSender(t *testing.T) {
	t.Parallel()
	mail := &flaky{}
	k := open(t, func(c *pool.Config) {
		c.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error {
			if m.To == ada {
				panic("cannot draw this letter")
			}
			return mail.Send(ctx, m)
		})
	})
	k.signUp(ada)
	k.signUp("bob@example.com")
	waitFor(t, func() bool { _, sent := mail.counts(); return sent == 1 })
}

// A sender that ends its goroutine does not keep the lane: the message is sent the next time.
func TestOutboxSurvivesASenderThatExits(t *testing.T) {
	t.Parallel()
	mail, tries := &flaky{}, atomic.Int64{}
	k := open(t, func(c *pool.Config) {
		c.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error {
			if tries.Add(1) == 1 {
				runtime.Goexit()
			}
			return mail.Send(ctx, m)
		})
	})
	k.signUp(ada)
	waitFor(t, func() bool { return tries.Load() == 1 })
	waitFor(t, func() bool {
		k.clock.advance(time.Second)
		_, sent := mail.counts()
		return sent == 1
	})
}

// unheard is a store whose leases of lanes are taken, of which nobody hears before they stop.
type unheard struct {
	storage.Store
	taken chan struct{}
}

func (u unheard) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	held, err := u.Store.Lease(ctx, l)
	if strings.HasPrefix(l.Name, "outbox/") && l.Until.After(l.Now) {
		u.taken <- struct{}{}
		<-ctx.Done()
		return false, ctx.Err()
	}
	return held, err
}

// A process that stops as it is given a lease leaves it to the next one, which need not wait for its end.
func TestStoppingLeavesNoLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st, ring := memory.New(), ring(t, seal.Generate())
		c := pool.Config{Keys: ring, Sender: nothing, InsecureHash: &cheap}
		u := unheard{st, make(chan struct{}, 1)}
		p, err := pool.Open(t.Context(), u, c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right}); err != nil {
			t.Fatal(err)
		}
		<-u.taken
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		box := mailbox.New()
		c.Sender = box
		next, err := pool.Open(t.Context(), st, c)
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close(t.Context())
		began := time.Now()
		if _, err := box.Wait(t.Context(), ada, 1); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("mail waited for %v", took)
		}
	})
}
