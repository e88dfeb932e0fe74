package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// animal is a challenge whose right answer is "wombat".
func animal() hook.Set {
	return hook.Set{
		CreateChallenge: func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			return hook.CreateChallengeAnswer{
				Params: map[string]string{"question": "your animal?"}, Private: map[string]string{"answer": "wombat"},
			}, nil
		},
		VerifyChallenge: func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
			return e.Answer == e.Private["answer"], nil
		},
	}
}

// challenges requires a second factor of everybody, and takes the program's own.
func challenges(s hook.Set, kinds ...mfa.Kind) func(*pool.Config) {
	return func(c *pool.Config) {
		c.Hooks = s
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.MFA = pool.MFASettings{Require: mfa.Required, Kinds: append(kinds, mfa.KindCustom)}
	}
}

func onBubble(c *pool.Config) { c.Now = time.Now }

// challenged signs in with the right password and returns the challenge that is asked for.
func (k *kit) challenged(login string) *pool.NeedCustom {
	k.t.Helper()
	step, err := k.signIn(login, right)
	need, ok := step.(*pool.NeedCustom)
	if err != nil || !ok {
		k.t.Fatalf("SignIn = %v, %v, want NeedCustom", step, err)
	}
	return need
}

func (k *kit) replies(ticket, answer string) (pool.Step, error) {
	return k.answer(ticket, pool.CustomAnswer{Value: answer})
}

// TestT1_ChallengeIsAskedFor: where a second factor is required and the program has one of its own, there
// is no session without its right answer, which is one proof and good once (CVE class 4).
func TestT1_ChallengeIsAskedFor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		need := k.challenged(ada)
		if need.Name != "" || need.Params["question"] != "your animal?" || len(need.Params) != 1 || len(need.Others) != 0 {
			t.Errorf("NeedCustom = %+v", need)
		}
		for _, bad := range []string{"koala", "Wombat", "wombat "} {
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
		for _, bad := range []string{"", "a\x00", "\xff", strings.Repeat("a", 4097)} {
			if _, err := k.replies(need.Ticket, bad); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("an answer of no form: %v, want ErrInvalid", err)
			}
		}
		done, err := pool.Finished(k.replies(need.Ticket, "wombat"))
		if err != nil {
			t.Fatalf("the right answer: %v", err)
		}
		if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("an answer that was used: %v, want ErrTicketGone", err)
		}
		v, err := k.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		claims, err := v.Verify(t.Context(), done.Tokens.Access.Reveal())
		if err != nil || claims.ACR != token.AAL1 {
			t.Errorf("acr %q, %v, want aal1: nobody knows what the program has asked", claims.ACR, err)
		}
		if _, err := k.refresh(done); err != nil {
			t.Errorf("Refresh: %v", err)
		}
	}, challenges(animal()))
}

// TestS8_ChallengeIsForWhoMustHaveTwo: a challenge of the program's own is asked of nobody of whom no
// second factor is.
func TestS8_ChallengeIsForWhoMustHaveTwo(t *testing.T) {
	t.Parallel()
	k := open(t, challenges(animal()), func(c *pool.Config) { c.Settings.MFA.Require = mfa.Optional })
	k.confirmed(ada)
	k.done(ada)
}

// TestS8_ChallengesGoTogether: settings that need challenges, and hooks that are of no use without each
// other, are refused where a pool is opened.
func TestS8_ChallengesGoTogether(t *testing.T) {
	t.Parallel()
	all := animal()
	all.DefineChallenge = func(context.Context, hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
		return hook.DefineChallengeAnswer{Enough: true}, nil
	}
	named := []mfa.Kind{mfa.KindCustom}
	for what, tt := range map[string]struct {
		hooks    hook.Set
		settings pool.Settings
	}{
		"Create alone":   {hook.Set{CreateChallenge: all.CreateChallenge}, pool.Settings{}},
		"Verify alone":   {hook.Set{VerifyChallenge: all.VerifyChallenge}, pool.Settings{}},
		"Define alone":   {hook.Set{DefineChallenge: all.DefineChallenge}, pool.Settings{}},
		"none":           {hook.Set{}, pool.Settings{MFA: pool.MFASettings{Kinds: named}}},
		"a first factor": {hook.Set{}, pool.Settings{SignIn: pool.SignInSettings{First: named}}},
		"no other where two are required": {all, pool.Settings{
			SignIn: pool.SignInSettings{First: named}, MFA: pool.MFASettings{Require: mfa.Required},
		}},
	} {
		_, err := pool.Open(t.Context(), memory.New(), pool.Config{Hooks: tt.hooks, Settings: &tt.settings})
		if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
			t.Errorf("%s: %v, want a SettingsError", what, err)
		}
	}
	k := open(t)
	_, v, err := k.admin().Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = k.admin().PutSettings(t.Context(), pool.Settings{MFA: pool.MFASettings{Kinds: named}}, v)
	if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
		t.Error("settings that need hooks were taken")
	}
}

// TestT5_ChallengeGuessesAreCounted: the ticket takes five wrong answers and the account locks, whatever
// tickets they are at; the network has a budget of them, too.
func TestT5_ChallengeGuessesAreCounted(t *testing.T) {
	t.Parallel()
	k := open(t, challenges(animal()))
	k.confirmed(ada)
	need := k.challenged(ada)
	for range 5 {
		if _, err := k.replies(need.Ticket, "koala"); !errors.Is(err, pool.ErrBadCode) {
			t.Fatalf("a wrong answer: %v, want ErrBadCode", err)
		}
	}
	if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("the sixth answer: %v, want ErrTicketGone", err)
	}
	next := k.challenged(ada)
	if _, err := k.replies(next.Ticket, "wombat"); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("right, while locked: %v, want ErrBadCode", err)
	}
	k.clock.advance(2 * time.Second)
	if _, err := k.replies(next.Ticket, "koala"); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a wrong answer: %v, want ErrBadCode", err)
	}
	k.clock.advance(time.Second)
	if _, err := k.replies(next.Ticket, "wombat"); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("right, in the lock of two seconds: %v, want ErrBadCode", err)
	}
	k.clock.advance(2 * time.Second)
	if _, err := pool.Finished(k.replies(next.Ticket, "wombat")); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// TestS8_ChosenChallengesAreBounded: whoever holds a ticket has the program make no challenge without
// end by choosing it again and again.
func TestS8_ChosenChallengesAreBounded(t *testing.T) {
	t.Parallel()
	var made atomic.Int32
	s := animal()
	create := s.CreateChallenge
	s.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		made.Add(1)
		return create(ctx, e)
	}
	k := open(t, challenges(s, mfa.KindTOTP))
	k.confirmed(ada)
	k.enrolled(ada)
	step, err := k.signIn(ada, right)
	need, ok := step.(*pool.NeedChoice)
	if err != nil || !ok {
		t.Fatalf("SignIn = %v, %v, want NeedChoice", step, err)
	}
	if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("before it was chosen: %v, want ErrWrongStep", err)
	}
	for range 5 {
		if step, err = k.answer(need.Ticket, pool.Choice{Kind: mfa.KindCustom}); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(step.(*pool.NeedCustom).Others); got != "[totp]" {
		t.Errorf("Others = %s, want [totp]", got)
	}
	if _, err := k.answer(need.Ticket, pool.Choice{Kind: mfa.KindCustom}); !errors.Is(err, pool.ErrTicketGone) || made.Load() != 5 {
		t.Errorf("the sixth: %v after %d, want ErrTicketGone after 5", err, made.Load())
	}
}

// TestS8_ChoicesAtOnceAreBounded: nor by choosing it again while it is made.
func TestS8_ChoicesAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	var k *kit
	var made atomic.Int32
	var ticket string
	s := animal()
	create := s.CreateChallenge
	s.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		if made.Add(1) < 10 {
			_, _ = k.answer(ticket, pool.Choice{Kind: mfa.KindCustom})
		}
		return create(ctx, e)
	}
	k = open(t, byChallenge(s))
	k.confirmed(ada)
	for _, login := range []string{ada, "nobody@example.com"} {
		step, err := k.start(login, nil)
		choice, ok := step.(*pool.NeedChoice)
		if err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedChoice", step, err)
		}
		made.Store(0)
		ticket = choice.Ticket
		_, _ = k.answer(ticket, pool.Choice{Kind: mfa.KindCustom})
		if made.Load() != 5 {
			t.Errorf("%s: %d challenges, want five", login, made.Load())
		}
	}
}

// oneReplyWins answers a challenge rightly 64 times at once.
func (k *kit) oneReplyWins(ticket string) {
	k.t.Helper()
	var won atomic.Int32
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if _, err := pool.Finished(k.replies(ticket, "wombat")); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		k.t.Errorf("%d won", won.Load())
	}
}

// TestS8_OneOfParallelAnswersWins: of 64 right answers at once one makes a session.
func TestS8_OneOfParallelAnswersWins(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		need := k.challenged(ada)
		k.oneReplyWins(need.Ticket)
	}, challenges(animal()))
}

// TestS8_AnswersAreJudgedOnce: what a hook has said holds for all rounds of a call, but not for another
// challenge that a ticket has come to meanwhile.
func TestS8_AnswersAreJudgedOnce(t *testing.T) {
	t.Parallel()
	var judged, made atomic.Int32
	s := animal()
	create := s.CreateChallenge
	s.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		made.Add(1)
		return create(ctx, e)
	}
	s.VerifyChallenge = func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
		judged.Add(1)
		return e.Answer == e.Private["answer"], nil
	}
	k := open(t, challenges(s))
	k.confirmed(ada)
	touch := func() { k.change(ada, func(u *user.User) { u.Updated = u.Updated.Add(time.Second) }) }
	k.store.meanwhile(touch)
	need := k.challenged(ada)
	if made.Load() != 1 {
		t.Errorf("%d challenges made in one call", made.Load())
	}
	k.store.meanwhile(touch)
	if _, err := pool.Finished(k.replies(need.Ticket, "wombat")); err != nil || judged.Load() != 1 {
		t.Errorf("%v, judged %d times, want once", err, judged.Load())
	}
	need = k.challenged(ada)
	k.store.meanwhile(func() {
		if _, err := k.answer(need.Ticket, pool.Choice{Kind: mfa.KindCustom}); err != nil {
			t.Error(err)
		}
	})
	if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("the answer to a challenge that is over: %v, want ErrTicketGone", err)
	}
}

// badParams are answers that are malformed.
var badParams = map[string]hook.CreateChallengeAnswer{
	"no key":          {Params: map[string]string{"": "a"}},
	"NUL":             {Params: map[string]string{"a": "\x00"}},
	"no UTF-8":        {Private: map[string]string{"a": "\xff"}},
	"too much":        {Params: map[string]string{"a": strings.Repeat("a", 4096)}},
	"too much inside": {Private: map[string]string{"a": strings.Repeat("a", 4096)}},
}

// TestS8_MalformedChallenges: what may not be asked is not, and not what may not be said either.
func TestS8_MalformedChallenges(t *testing.T) {
	t.Parallel()
	for name, a := range badParams {
		s := animal()
		s.CreateChallenge = func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) { return a, nil }
		k := open(t, challenges(s))
		k.confirmed(ada)
		_, err := k.signIn(ada, right)
		denies(t, err, "CreateChallenge", hook.ErrMalformed)
		if got := len(k.user(ada).Attributes); got > 1 {
			t.Errorf("%s: %d", name, got)
		}
	}
	for name, a := range map[string]hook.DefineChallengeAnswer{
		"nothing": {}, "two": {Name: "a", Enough: true}, "other two": {Name: "a", Fail: true}, "all": {Name: "a", Enough: true, Fail: true},
		"enough of nothing": {Enough: true}, "two lines": {Name: "a\nb"}, "long": {Name: strings.Repeat("a", 65)},
	} {
		s := animal()
		s.DefineChallenge = func(context.Context, hook.DefineChallenge) (hook.DefineChallengeAnswer, error) { return a, nil }
		k := open(t, challenges(s))
		k.confirmed(ada)
		step, err := k.signIn(ada, right)
		if step != nil {
			t.Errorf("%s: %v", name, step)
		}
		denies(t, err, "DefineChallenge", hook.ErrMalformed)
	}
}

// unwilling are hooks that let everybody in, but for one of them, which says something else, and counts how
// often it runs.
func unwilling(which string, say func(context.Context) error, runs *atomic.Int32) hook.Set {
	at := func(ctx context.Context, name string) error {
		if name != which {
			return nil
		}
		runs.Add(1)
		return say(ctx)
	}
	s := animal()
	create := s.CreateChallenge
	s.DefineChallenge = func(ctx context.Context, e hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
		if len(e.Asked) == 0 {
			return hook.DefineChallengeAnswer{Name: "a"}, at(ctx, "DefineChallenge")
		}
		return hook.DefineChallengeAnswer{Enough: true}, at(ctx, "DefineChallenge after")
	}
	s.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		a, _ := create(ctx, e)
		return a, at(ctx, "CreateChallenge")
	}
	s.VerifyChallenge = func(ctx context.Context, _ hook.VerifyChallenge) (bool, error) {
		return true, at(ctx, "VerifyChallenge")
	}
	return s
}

// TestS8_ChallengesDeny: a hook of a challenge that errs, panics, hangs or ends lets nobody in. It has
// seen that the password, or an answer, was judged, so that is counted: who guesses has no more tries.
func TestS8_ChallengesDeny(t *testing.T) {
	t.Parallel()
	for name, r := range refusals {
		for _, which := range []string{"DefineChallenge", "CreateChallenge", "VerifyChallenge", "DefineChallenge after"} {
			t.Run(name+" "+which, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var runs atomic.Int32
					k := open(t, challenges(unwilling(which, r.say, &runs)), onBubble)
					k.confirmed(ada)
					step, err := k.signIn(ada, right)
					hookName := strings.TrimSuffix(which, " after")
					counter := "password"
					if need, ok := step.(*pool.NeedCustom); ok {
						counter = "custom"
						k.store.reset()
						_, err = k.replies(need.Ticket, "wombat")
					}
					denies(t, err, hookName, r.is)
					if runs.Load() != 1 {
						t.Errorf("ran %d times", runs.Load())
					}
					_, commits := k.store.counted()
					if last := commits[len(commits)-1]; !counts(last, counter) || !counts(last, "failures") {
						t.Errorf("the last commit counts %v, want %q and the network", kinds(commits), counter)
					}
					if strings.Contains(reasons(k), "staff") || !strings.Contains(reasons(k), "sign_in hook:"+hookName) {
						t.Errorf("events: %s", reasons(k))
					}
					time.Sleep(2 * time.Hour) // what is deaf ends with the bubble
				})
			})
		}
	}
}

// TestT5_HangingUpOnChallengesIsCounted: who goes while a hook takes its time, which shows that the
// password was right, has used up a guess; so has who goes while an answer is judged.
func TestT5_HangingUpOnChallengesIsCounted(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"create", "verify"} {
		var hang context.CancelFunc
		s := animal()
		if which == "create" {
			s.CreateChallenge = func(ctx context.Context, _ hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
				hang()
				<-ctx.Done()
				return hook.CreateChallengeAnswer{}, ctx.Err()
			}
		} else {
			s.VerifyChallenge = func(ctx context.Context, _ hook.VerifyChallenge) (bool, error) {
				hang()
				<-ctx.Done()
				return false, ctx.Err()
			}
		}
		k := open(t, challenges(s))
		k.confirmed(ada)
		ctx, cancel := context.WithCancel(t.Context())
		hang = cancel
		counter, err := "password", error(nil)
		if which == "create" {
			_, err = k.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Password{Value: right}})
		} else {
			counter = "custom"
			_, err = k.Respond(ctx, pool.RespondInput{Ticket: k.challenged(ada).Ticket, With: pool.CustomAnswer{Value: "koala"}})
		}
		_, commits := k.store.counted()
		if last := commits[len(commits)-1]; !errors.Is(err, context.Canceled) || !counts(last, counter) {
			t.Errorf("%s: %v, commits %v, want %q counted", which, err, kinds(commits), counter)
		}
	}
}

// TestS8_DefineLeads: the program leads through several challenges, and sees how each ended; wrong ones
// count though another challenge follows, and by one ticket.
func TestS8_DefineLeads(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	s := animal()
	s.DefineChallenge = func(_ context.Context, e hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %v %v", e.Source, e.Shown, e.Asked))
		rightly := 0
		for _, c := range e.Asked {
			if c.Right {
				rightly++
			}
		}
		switch {
		case rightly == 2:
			return hook.DefineChallengeAnswer{Enough: true}, nil
		case len(e.Asked)-rightly == 2:
			return hook.DefineChallengeAnswer{Fail: true}, nil
		}
		return hook.DefineChallengeAnswer{Name: fmt.Sprint("c", len(e.Asked))}, nil
	}
	k := open(t, challenges(s))
	k.confirmed(ada)
	first := k.challenged(ada)
	next := func(answer, name string) {
		t.Helper()
		step, err := k.replies(first.Ticket, answer)
		if need, ok := step.(*pool.NeedCustom); err != nil || !ok || need.Name != name || need.Ticket != first.Ticket {
			t.Fatalf("%q: %+v, %v, want %s by the same ticket", answer, step, err, name)
		}
	}
	next("wombat", "c1")
	next("koala", "c2")
	if _, err := pool.Finished(k.replies(first.Ticket, "wombat")); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	got := strings.Join(seen, "\n")
	mu.Unlock()
	want := `Authentication [password] []
Authentication [password] [{c0 true}]
Authentication [password] [{c0 true} {c1 false}]
Authentication [password] [{c0 true} {c1 false} {c2 true}]`
	if got != want {
		t.Errorf("saw %s\nwant %s", got, want)
	}
	first = k.challenged(ada)
	next("koala", "c1")
	if _, err := k.replies(first.Ticket, "koala"); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("failed: %v, want ErrNotAuthorized", err)
	}
	if _, err := k.replies(first.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after it: %v, want ErrTicketGone", err)
	}
}

// TestS8_ChallengesEnd: a program that never has enough gets no sixth answer judged.
func TestS8_ChallengesEnd(t *testing.T) {
	t.Parallel()
	s := animal()
	s.DefineChallenge = func(_ context.Context, e hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
		return hook.DefineChallengeAnswer{Name: "more"}, nil
	}
	k := open(t, challenges(s))
	k.confirmed(ada)
	need := k.challenged(ada)
	for range hook.MaxChallenges - 1 {
		if _, err := k.replies(need.Ticket, "wombat"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := k.replies(need.Ticket, "wombat")
	denies(t, err, "DefineChallenge", hook.ErrMalformed)
}

// TestS8_PrivateParametersStayPrivate: what an answer is judged by stands in no step, no event, no log
// and nowhere in the store but sealed; nor does the answer.
func TestS8_PrivateParametersStayPrivate(t *testing.T) {
	t.Parallel()
	logged := &lockedBuffer{}
	k := open(t, challenges(animal()), func(c *pool.Config) {
		c.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	k.confirmed(ada)
	k.store.reset()
	need := k.challenged(ada)
	text, err := pool.MarshalStep(need)
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{"koala", "wombat"} {
		_, _ = k.replies(need.Ticket, answer)
	}
	_, commits := k.store.counted()
	var written strings.Builder
	for _, commit := range commits {
		for _, c := range commit {
			if put, ok := c.(storage.PutRecord); ok {
				fmt.Fprintf(&written, "%+v %s\n", put.Record, stateOf(put.Record))
			}
		}
	}
	for where, what := range map[string]string{
		"the step": string(text), "the log": logged.String(), "the events": reasons(k), "the store": written.String(),
		"a logged step": fmt.Sprint(need.LogValue(), pool.CustomAnswer{Value: "wombat"}.LogValue()),
	} {
		if strings.Contains(what, "wombat") || strings.Contains(what, "koala") {
			t.Errorf("%s holds what is private: %s", where, what)
		}
	}
}

// TestS8_ChallengesAreGivenCopies: what a hook does with what it is given, or has given, changes nothing
// of ours, and it is given no ticket and no password.
func TestS8_ChallengesAreGivenCopies(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told strings.Builder
	params := map[string]string{"question": "your animal?"}
	private := map[string]string{"answer": "wombat"}
	s := hook.Set{
		CreateChallenge: func(_ context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&told, "%+v\n", e)
			maps.Copy(e.Attributes, map[string]string{"name": "Eve"})
			return hook.CreateChallengeAnswer{Params: params, Private: private}, nil
		},
		VerifyChallenge: func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			right := e.Answer == e.Private["answer"]
			fmt.Fprintf(&told, "%+v\n", e.Event)
			e.Private["answer"] = "koala"
			return right, nil
		},
	}
	k := open(t, challenges(s))
	k.confirmed(ada)
	need := k.challenged(ada)
	params["question"], private["answer"] = "changed", "koala"
	for range 2 {
		if _, err := k.replies(need.Ticket, "koala"); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("what a hook has changed since: %v, want ErrBadCode", err)
		}
	}
	if need.Params["question"] != "your animal?" {
		t.Errorf("Params = %v", need.Params)
	}
	if _, err := pool.Finished(k.replies(need.Ticket, "wombat")); err != nil {
		t.Error(err)
	}
	for _, secret := range []string{need.Ticket, right.Reveal()} {
		if strings.Contains(told.String(), secret) {
			t.Errorf("a hook was given %q", secret)
		}
	}
	if k.user(ada).Attributes["name"] == "Eve" {
		t.Error("a hook changed the user")
	}
}

// counts reports whether a commit counts at a counter of a name.
func counts(changes []storage.Change, name string) bool {
	for _, c := range changes {
		if count, ok := c.(storage.Count); ok && count.Key.Name == name {
			return true
		}
	}
	return false
}

// reasons returns the kinds and reasons of all events.
func reasons(k *kit) string {
	k.t.Helper()
	page, err := k.ListEvents(k.t.Context(), pool.EventQuery{})
	if err != nil {
		k.t.Fatal(err)
	}
	var all []string
	for _, e := range page.Events {
		all = append(all, e.Kind+" "+e.Reason)
	}
	return strings.Join(all, "; ")
}

// stateOf returns what a ticket carries.
func stateOf(r any) string {
	if t, ok := r.(*storage.Ticket); ok {
		return string(t.State)
	}
	return ""
}
