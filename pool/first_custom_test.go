package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// byChallenge begins sign-ins by challenges of the program's own as well.
func byChallenge(s hook.Set) func(*pool.Config) {
	return func(c *pool.Config) {
		c.Hooks = s
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.SignIn.First = []mfa.Kind{mfa.KindPassword, mfa.KindCustom}
	}
}

// riddle begins a sign-in of login by a challenge.
func (k *kit) riddle(login string) *pool.NeedCustom {
	k.t.Helper()
	step, err := k.start(login, pool.Choice{Kind: mfa.KindCustom})
	need, ok := step.(*pool.NeedCustom)
	if err != nil || !ok {
		k.t.Fatalf("SignIn by a challenge = %v, %v, want NeedCustom", step, err)
	}
	return need
}

// led are two challenges, c0 and c1, both of which must be answered rightly.
func led() hook.Set {
	s := animal()
	s.DefineChallenge = func(_ context.Context, e hook.DefineChallenge) (a hook.DefineChallengeAnswer, err error) {
		wrong := slices.ContainsFunc(e.Asked, func(c hook.Challenge) bool { return !c.Right })
		switch {
		case len(e.Asked) < 2:
			a.Name = fmt.Sprint("c", len(e.Asked))
		case wrong:
			a.Fail = true
		default:
			a.Enough = true
		}
		return a, nil
	}
	return s
}

// TestS8_SignInByChallenge: a challenge of the program's own alone signs in where the pool says so, by
// its right answer, which is good once and for its own ticket.
func TestS8_SignInByChallenge(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		step, err := k.start(ada, nil)
		choice, ok := step.(*pool.NeedChoice)
		if err != nil || !ok || fmt.Sprint(choice.Kinds) != "[password custom]" {
			t.Fatalf("SignIn = %+v, %v, want a choice of both", step, err)
		}
		if _, err := k.replies(choice.Ticket, "wombat"); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("before it was chosen: %v, want ErrWrongStep", err)
		}
		need := k.riddle(ada)
		if need.Params["question"] != "your animal?" || len(need.Params) != 1 || fmt.Sprint(need.Others) != "[password]" {
			t.Errorf("NeedCustom = %+v", need)
		}
		for _, bad := range []string{"koala", "Wombat"} {
			if _, err := k.replies(need.Ticket, bad); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("%q: %v, want ErrBadCode", bad, err)
			}
		}
		for _, with := range []pool.Response{
			pool.Code{Value: "wombat"}, pool.Password{Value: right}, pool.RecoveryCode{Value: "wombat"}, pool.Choice{Kind: mfa.KindTOTP},
		} {
			if _, err := k.answer(need.Ticket, with); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("a %T: %v, want ErrWrongStep", with, err)
			}
		}
		done, err := pool.Finished(k.replies(need.Ticket, "wombat"))
		if err != nil {
			t.Fatalf("the right answer: %v", err)
		}
		if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("an answer that was used: %v, want ErrTicketGone", err)
		}
		if _, err := k.refresh(done); err != nil {
			t.Errorf("Refresh: %v", err)
		}
		if _, err := pool.Finished(k.respond(k.other(k.riddle(ada), mfa.KindPassword), right)); err != nil {
			t.Errorf("with the password after all: %v", err)
		}
	}, byChallenge(animal()))
}

// other chooses another kind in place of a challenge, and returns the ticket.
func (k *kit) other(need *pool.NeedCustom, kind mfa.Kind) string {
	k.t.Helper()
	if _, err := k.answer(need.Ticket, pool.Choice{Kind: kind}); err != nil {
		k.t.Fatal(err)
	}
	return need.Ticket
}

// TestS8_ParallelAnswersBeginOnce: of 64 right answers at once by which a sign-in begins one makes a
// session.
func TestS8_ParallelAnswersBeginOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		need := k.riddle(ada)
		k.oneReplyWins(need.Ticket)
	}, byChallenge(animal()))
}

// TestS8_ChallengeIsNoTwoFactors: what the program asks opens nothing where two factors are required,
// whoever requires them, and backs up no other challenge of its own.
func TestS8_ChallengeIsNoTwoFactors(t *testing.T) {
	t.Parallel()
	twice := func(c *pool.Config) { c.Settings.MFA.Kinds = []mfa.Kind{mfa.KindTOTP, mfa.KindCustom} }
	strict := open(t, byChallenge(animal()), twice, func(c *pool.Config) { c.Settings.MFA.Require = mfa.Required })
	strict.confirmed(ada)
	if _, err := strict.start(ada, pool.Choice{Kind: mfa.KindCustom}); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("where it is required: %v, want ErrWrongStep", err)
	}
	k := open(t, with(animal()))
	k.put(func(s *pool.Settings) {
		c := pool.Config{Settings: s}
		byChallenge(animal())(&c)
		twice(&c)
		s.Groups = []pool.Group{{Name: "staff", RequireMFA: true}}
	})
	k.confirmed(ada)
	seed := k.enrolled(ada)
	step, err := k.replies(k.riddle(ada).Ticket, "wombat")
	need, ok := step.(*pool.NeedChoice)
	if err != nil || !ok || fmt.Sprint(need.Kinds) != "[totp password]" {
		t.Fatalf("of who has an app: %+v, %v, want a choice of the app and the password", step, err)
	}
	done, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: seed.Code(k.clock.Now())}))
	if err != nil {
		t.Fatal(err)
	}
	k.change(ada, func(u *user.User) { u.Groups = []string{"staff"} })
	if _, err := k.refresh(done); err == nil {
		t.Error("a session that began by a challenge went on where two factors are required")
	}
	open, began := k.riddle(ada), k.riddle(ada)
	if step, err := k.replies(open.Ticket, "wombat"); err != nil || step.Kind() == pool.KindDone || step.Kind() == pool.KindCustom {
		t.Errorf("of a group that requires two: %v, %v, want another factor", step, err)
	}
	k.put(func(s *pool.Settings) { s.MFA.Require = mfa.Required })
	if _, err := k.replies(began.Ticket, "wombat"); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("required since it was asked: %v, want ErrWrongStep", err)
	}
}

// TestS8_FirstChallengesDeny: a hook that errs, panics, hangs or ends lets nobody begin a sign-in, runs
// once, and is counted, also where there is nobody: no stranger can have the program work without end.
func TestS8_FirstChallengesDeny(t *testing.T) {
	t.Parallel()
	for name, r := range refusals {
		for _, which := range []string{"DefineChallenge", "CreateChallenge", "VerifyChallenge", "DefineChallenge after"} {
			t.Run(name+" "+which, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var runs atomic.Int32
					k := open(t, byChallenge(unwilling(which, r.say, &runs)), onBubble)
					k.confirmed(ada)
					for _, login := range []string{ada, "nobody@example.com"} {
						runs.Store(0)
						k.store.reset()
						counted := []string{"requests"}
						step, err := k.start(login, pool.Choice{Kind: mfa.KindCustom})
						if need, ok := step.(*pool.NeedCustom); ok {
							counted = []string{"code:sign_in", "tries", "failures"}
							k.store.reset()
							_, err = k.replies(need.Ticket, "wombat")
						}
						denies(t, err, strings.TrimSuffix(which, " after"), r.is)
						if runs.Load() != 1 {
							t.Errorf("%s: ran %d times", login, runs.Load())
						}
						_, commits := k.store.counted()
						for _, name := range counted {
							if !counts(commits[len(commits)-1], name) {
								t.Errorf("%s: the last commit counts %v, want %q", login, kinds(commits), name)
							}
						}
					}
					time.Sleep(2 * time.Hour) // what is deaf ends with the bubble
				})
			})
		}
	}
}

// TestS8_FirstChallengesSeeNobody: hooks are told UserNotFound, and no user, where nobody could sign in
// by the challenge; and the login as it was typed.
func TestS8_FirstChallengesSeeNobody(t *testing.T) {
	t.Parallel()
	for state, make := range states {
		var mu sync.Mutex
		var told []string
		tell := func(what string, e hook.Event, nobody bool) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprintln(what, nobody, e.User != "", len(e.Attributes) > 0, e.Username, e.Source))
		}
		base, s := led(), hook.Set{}
		s.DefineChallenge = func(ctx context.Context, e hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
			tell("define", e.Event, e.UserNotFound)
			return base.DefineChallenge(ctx, e)
		}
		s.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			tell("create", e.Event, e.UserNotFound)
			return base.CreateChallenge(ctx, e)
		}
		s.VerifyChallenge = func(ctx context.Context, e hook.VerifyChallenge) (bool, error) {
			tell("verify", e.Event, e.UserNotFound)
			return base.VerifyChallenge(ctx, e)
		}
		k := open(t, byChallenge(s))
		make(k, ada)
		need := k.riddle("ADA@example.com")
		if _, err := k.replies(need.Ticket, "koala"); err != nil {
			t.Errorf("%s: %v", state, err)
		}
		seen := "true false false"
		if state == "confirmed" {
			seen = "false true true"
		}
		for i, what := range []string{"define", "create", "verify", "define", "create"} {
			if want := what + " " + seen + " ADA@example.com Authentication\n"; i >= len(told) || told[i] != want {
				t.Errorf("%s: hooks were told %q, want %q as number %d", state, told, want, i)
			}
		}
	}
}

// TestS19_ChallengesDoNotTell: whoever is behind a login, a challenge to begin by gives the same steps
// and the same answers, and is made and judged by the same hooks after the same work, right or wrong,
// whether one challenge is asked or several, and once it is locked as before. What the right answer
// gives is for whom it signs in alone.
func TestS19_ChallengesDoNotTell(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]struct {
		hooks   hook.Set
		answers []string // of one ticket after another, none of which is right to the end
	}{
		"one": {animal(), []string{"koala koala koala", "koala koala koala", "wombat wombat", "wombat"}},
		"two": {led(), []string{"wombat koala wombat", "koala wombat wombat", "wombat wombat", "wombat"}},
	} {
		for _, typed := range []string{"ada", ada} {
			t.Run(name+" by "+typed, func(t *testing.T) {
				t.Parallel()
				h := new(riddles)
				w := town{settings: []func(*pool.Config){named, byChallenge(h.hooks(asked.hooks))}, people: "ada", typed: typed}
				w.tellsNothing(t, func(k *kit, login string) (seen []string) {
					h.all = nil
					for _, answers := range asked.answers {
						step, err := k.start(login, pool.Choice{Kind: mfa.KindCustom})
						need, ok := step.(*pool.NeedCustom)
						seen = append(seen, fmt.Sprint(ok, err))
						if !ok {
							continue
						}
						for answer := range strings.FieldsSeq(answers) {
							step, err := k.replies(need.Ticket, answer)
							shown := ""
							if next, ok := step.(*pool.NeedCustom); ok {
								shown = fmt.Sprint(next.Name, next.Params, next.Others, next.Ticket == need.Ticket)
							}
							seen = append(seen, fmt.Sprint(shown, err))
						}
					}
					return append(seen, h.all...)
				}, false)
			})
		}
	}
}

// riddles are which hooks of challenges ran, in order.
type riddles struct {
	mu  sync.Mutex
	all []string
}

func (h *riddles) add(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, what)
}

// hooks returns hooks that are heard.
func (h *riddles) hooks(s hook.Set) hook.Set {
	of := hook.Set{
		CreateChallenge: func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			h.add("create " + e.Name)
			return s.CreateChallenge(ctx, e)
		},
		VerifyChallenge: func(ctx context.Context, e hook.VerifyChallenge) (bool, error) {
			h.add("verify " + e.Name)
			return s.VerifyChallenge(ctx, e)
		},
	}
	if s.DefineChallenge != nil {
		of.DefineChallenge = func(ctx context.Context, e hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
			h.add(fmt.Sprint("define ", e.Asked))
			return s.DefineChallenge(ctx, e)
		}
	}
	return of
}

// TestT5_FirstChallengeGuessesAreCounted: guesses count at the ticket and at the account, whatever
// tickets they are at, beside nobody's; no hook runs for who is locked, and the owner's password works.
func TestT5_FirstChallengeGuessesAreCounted(t *testing.T) {
	t.Parallel()
	h := new(riddles)
	k := open(t, byChallenge(h.hooks(animal())))
	k.confirmed(ada)
	need := k.riddle(ada)
	for range 5 {
		if _, err := k.replies(need.Ticket, "koala"); !errors.Is(err, pool.ErrBadCode) {
			t.Fatalf("a wrong answer: %v, want ErrBadCode", err)
		}
	}
	if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("the sixth answer: %v, want ErrTicketGone", err)
	}
	next := k.riddle(ada)
	ran := len(h.all)
	if _, err := k.replies(next.Ticket, "wombat"); !errors.Is(err, pool.ErrBadCode) || len(h.all) != ran {
		t.Errorf("right, while locked: %v, want ErrBadCode of no hook", err)
	}
	if _, err := pool.Finished(k.signIn(ada, right)); err != nil {
		t.Errorf("the password meanwhile: %v", err)
	}
	k.clock.advance(2 * time.Second)
	if _, err := pool.Finished(k.replies(next.Ticket, "wombat")); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// TestT3_FirstChallengesDieWithTheirUser: who may not sign in any more does not by a challenge of before,
// and it looks like a wrong answer.
func TestT3_FirstChallengesDieWithTheirUser(t *testing.T) {
	t.Parallel()
	for name, change := range barred {
		k := open(t, byChallenge(animal()))
		k.confirmed(ada)
		need := k.riddle(ada)
		k.change(ada, change)
		if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("%s: %v, want ErrBadCode", name, err)
		}
	}
	k := open(t, with(animal()))
	k.put(func(s *pool.Settings) { s.SignIn.First = []mfa.Kind{mfa.KindCustom} })
	k.confirmed(ada)
	need := k.riddle(ada)
	k.put(func(s *pool.Settings) { s.SignIn.First = []mfa.Kind{mfa.KindPassword} })
	if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("taken out of the settings: %v, want ErrWrongStep", err)
	}
}

// TestS8_FirstChallengesStayPrivate: what an answer is judged by stands nowhere but sealed, nobody's too.
func TestS8_FirstChallengesStayPrivate(t *testing.T) {
	t.Parallel()
	k := open(t, byChallenge(animal()))
	for _, login := range []string{ada, "nobody@example.com"} {
		if login == ada {
			k.confirmed(ada)
		}
		k.store.reset()
		need := k.riddle(login)
		text, err := pool.MarshalStep(need)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = k.replies(need.Ticket, "koala")
		_, commits := k.store.counted()
		written := string(text) + reasons(k)
		for _, c := range slices.Concat(commits...) {
			if put, ok := c.(storage.PutRecord); ok {
				written += fmt.Sprintf("%+v %s\n", put.Record, stateOf(put.Record))
			}
		}
		if strings.Contains(written, "wombat") || strings.Contains(written, "koala") {
			t.Errorf("what is private is told: %s", written)
		}
	}
}

// TestS8_AProcessWithoutTheHooksServesNobody: a process that lacks the hooks of challenges which the stored
// settings ask for is no way around them: it opens no pool, and one that it has open answers nobody, for
// as long as the settings are so.
func TestS8_AProcessWithoutTheHooksServesNobody(t *testing.T) {
	t.Parallel()
	r, st := ring(t, seal.Generate()), memory.New()
	a := openOn(t, st, with(animal()), func(c *pool.Config) { c.Keys = r })
	b := openOn(t, st, func(c *pool.Config) { c.Keys, c.Now, c.Sender = r, a.clock.Now, a.box })
	a.confirmed(ada)
	d := b.done(ada)
	a.put(func(s *pool.Settings) { s.SignIn.First = []mfa.Kind{mfa.KindPassword, mfa.KindCustom} })
	need := a.riddle(ada)
	for what, call := range map[string]func() error{
		"a password":        func() error { return second(b.signIn(ada, right)) },
		"asked what to use": func() error { return second(b.start(ada, nil)) },
		"a challenge":       func() error { return second(b.start(ada, pool.Choice{Kind: mfa.KindCustom})) },
		"an answer":         func() error { return second(b.replies(need.Ticket, "wombat")) },
		"a refresh":         func() error { return second(b.refresh(d)) },
	} {
		if err := call(); !errors.Is(err, pool.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
	_, err := pool.Open(t.Context(), st, pool.Config{Keys: r, Now: a.clock.Now})
	if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
		t.Errorf("Open: %v, want a SettingsError", err)
	}
	if _, err := pool.Finished(a.replies(need.Ticket, "wombat")); err != nil {
		t.Errorf("where it was asked: %v", err)
	}
	a.put(func(s *pool.Settings) { s.SignIn.First = nil })
	if _, err := b.refresh(d); err != nil {
		t.Errorf("once the settings are others: %v", err)
	}
}

// TestT1_RiskStaysWithChallenges: the risk in which one challenge was answered stays with those that
// follow: who goes to a better network in between is let in as if all had come of the worse one. And no
// session of a challenge is of more than one factor.
func TestT1_RiskStaysWithChallenges(t *testing.T) {
	t.Parallel()
	risk := hook.NoRisk
	s := led()
	s.AssessRisk = func(context.Context, hook.AssessRisk) (hook.Risk, error) { return risk, nil }
	k := open(t, byChallenge(s), func(c *pool.Config) { c.Settings.Risk = pool.RiskSettings{High: pool.RiskBlock} })
	k.confirmed(ada)
	ends := func(first hook.Risk) (*pool.Done, error) {
		t.Helper()
		risk = first
		need := k.riddle(ada)
		if _, err := k.replies(need.Ticket, "wombat"); err != nil {
			t.Fatal(err)
		}
		risk = hook.NoRisk
		return pool.Finished(k.replies(need.Ticket, "wombat"))
	}
	done, err := ends(hook.NoRisk)
	if err != nil {
		t.Fatal(err)
	}
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	claims, err := v.Verify(t.Context(), done.Tokens.Access.Reveal())
	if err != nil || claims.ACR != token.AAL1 || len(claims.AMR) != 0 {
		t.Errorf("acr %q, amr %q, %v, want aal1 and none", claims.ACR, claims.AMR, err)
	}
	if _, err := ends(hook.HighRisk); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("begun at a risk: %v, want ErrBadCode", err)
	}
}
