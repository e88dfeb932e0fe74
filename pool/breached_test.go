package pool_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

var leaked = password.New("in every list of leaked passwords")

// lists is a service that knows of one breached password.
type lists struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // requests as they were sent
	broke func()   // instead of an answer
}

func (l *lists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dump, _ := httputil.DumpRequest(r, true)
	l.mu.Lock()
	l.asked = append(l.asked, string(dump))
	broke := l.broke
	l.mu.Unlock()
	if broke != nil {
		broke()
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	sum := fmt.Sprintf("%X", sha1.Sum([]byte(leaked.Reveal())))
	fmt.Fprintf(w, "%s:0\r\n", strings.Repeat("0", 35))
	if strings.HasSuffix(r.URL.Path, "/"+sum[:5]) {
		fmt.Fprintf(w, "%s:12\r\n", sum[5:])
	}
}

// fail lets the service do something instead of answering.
func (l *lists) fail(instead func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broke = instead
}

// questions returns what was asked since it was last called.
func (l *lists) questions() (asked []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked, l.asked = l.asked, nil
	return asked
}

// asking returns a service and what lets a pool ask it.
func asking(t *testing.T, closed bool, change ...func(*password.BreachedConfig)) (*lists, func(*pool.Config)) {
	t.Helper()
	l := &lists{}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	c := password.BreachedConfig{URL: l.URL + "/range/", FailClosed: closed, InsecureLoopback: true, Timeout: time.Minute} // machines are shared
	for _, f := range change {
		f(&c)
	}
	b, err := password.NewBreached(c)
	if err != nil {
		t.Fatal(err)
	}
	return l, func(c *pool.Config) { c.Breached = b }
}

// choosing are the ways to choose a password, each up to the choice.
var choosing = map[string]func(k *kit) func(password.Secret) error{
	"sign up": func(k *kit) func(password.Secret) error {
		return func(pw password.Secret) error { return up(k, "new@example.com", pw.Reveal()) }
	},
	"reset": func(k *kit) func(password.Secret) error {
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		return func(pw password.Secret) error { return k.reset(ticket, code, pw) }
	},
	"change": func(k *kit) func(password.Secret) error {
		k.confirmed(ada)
		a, err := k.Account(k.t.Context(), k.done(ada).Tokens.Access)
		if err != nil {
			k.t.Fatal(err)
		}
		return func(pw password.Secret) error {
			_, err := a.ChangePassword(k.t.Context(), pool.ChangePasswordInput{Old: right, New: pw})
			return err
		}
	},
	"new password": func(k *kit) func(password.Secret) error {
		k.temporary(ada)
		ticket := k.asked(ada)
		return func(pw password.Secret) error { _, err := k.choose(ticket, pw); return err }
	},
}

func TestBreachedPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	for name, way := range choosing {
		for _, closed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/closed=%v", name, closed), func(t *testing.T) {
				t.Parallel()
				l, with := asking(t, closed)
				k := open(t, with)
				choose := way(k)
				l.questions()
				hashes := k.Hashes()
				if err := choose(password.New("short")); !errors.Is(err, pool.ErrInvalid) || len(l.questions()) != 0 {
					t.Errorf("a short one = %v: what other rules refuse is not asked about", err)
				}
				err := choose(leaked)
				if !errors.Is(err, pool.ErrInvalid) || !strings.Contains(err.Error(), "found in a breach") {
					t.Errorf("a leaked one = %v, want the rule's words", err)
				}
				asked := l.questions()
				sum := fmt.Sprintf("%X", sha1.Sum([]byte(leaked.Reveal())))
				if len(asked) != 1 || !strings.HasPrefix(asked[0], "GET /range/"+sum[:5]+" ") || strings.Contains(asked[0], sum[5:]) {
					t.Errorf("asked %q, want five digits, once", asked)
				}
				if name == "sign up" && k.Hashes() != hashes {
					t.Error("a leaked one was hashed")
				}
				l.fail(func() {})
				err = choose(another)
				if closed && (!errors.Is(err, pool.ErrUnavailable) || strings.Contains(err.Error(), "/range/")) || !closed && err != nil {
					t.Errorf("closed %v, the service is broken: %v", closed, err)
				}
				if n := len(l.questions()); n != 1 {
					t.Errorf("asked %d times, want once", n)
				}
				if closed {
					l.fail(nil)
					if err := choose(another); err != nil {
						t.Errorf("after the service came back: %v", err)
					}
				}
				l.questions()
				if _, err := k.signIn(ada, another); err != nil && name != "sign up" {
					t.Errorf("sign-in: %v", err)
				}
				if n := len(l.questions()); n != 0 {
					t.Errorf("a sign-in asked %d times, want never", n)
				}
			})
		}
	}
}

// A service that does not answer in time is one that is broken.
func TestSlowBreachedService(t *testing.T) {
	t.Parallel()
	for _, closed := range []bool{false, true} {
		l, with := asking(t, closed, func(c *password.BreachedConfig) { c.Timeout = 10 * time.Millisecond })
		k := open(t, with)
		done := make(chan struct{})
		l.fail(func() { <-done })
		err := up(k, ada, right.Reveal())
		close(done)
		if closed != errors.Is(err, pool.ErrUnavailable) || !closed && err != nil {
			t.Errorf("closed %v: sign up = %v", closed, err)
		}
	}
}

// Whether a password may be chosen at an address does not depend on who is behind it (security.md
// T7).
func TestS19_BreachedPasswordsDoNotTell(t *testing.T) {
	t.Parallel()
	for _, broken := range []bool{false, true} {
		want := ""
		for _, state := range []string{"absent", "attempt", "attempts", "confirmed", "disabled", "external", "forced change"} {
			l, with := asking(t, true)
			k := open(t, with)
			states[state](k, ada)
			if broken {
				l.fail(func() {})
			}
			l.questions()
			k.store.reset()
			k.hashed = k.Hashes()
			err := up(k, ada, leaked.Reveal())
			reads, commits := k.store.counted()
			got := fmt.Sprint(err, k.Hashes()-k.hashed, reads, kinds(commits), len(l.questions()))
			if want == "" {
				want = got
			}
			if err == nil || got != want {
				t.Errorf("%s: %s\nwant as for nobody: %s", state, got, want)
			}
		}
	}
}

// The service is asked only once what is shown was right, and what it says tells that: so it is
// counted.
func TestT5_BreachedPasswordsAreCounted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ locked error }{
		"reset": {pool.ErrBadCode}, "change": {pool.ErrNotAuthorized}, "new password": {pool.ErrNotAuthorized},
	} {
		for _, broken := range []bool{false, true} {
			l, with := asking(t, true)
			k := open(t, with)
			choose, want := choosing[name](k), pool.ErrInvalid
			if broken {
				l.fail(func() {})
				want = pool.ErrUnavailable
			}
			l.questions()
			n := 0
			for ; n < 10; n++ {
				if err := choose(leaked); errors.Is(err, tt.locked) {
					break
				} else if !errors.Is(err, want) {
					t.Fatalf("%s, broken %v: %v, want %v", name, broken, err, want)
				}
			}
			if asked := len(l.questions()); n > 5 || asked != n {
				t.Errorf("%s, broken %v: %d answers and %d questions before it locked, want at most 5", name, broken, n, asked)
			}
		}
	}
	l, with := asking(t, true)
	k := open(t, with)
	k.confirmed(ada)
	l.questions()
	for _, login := range []string{ada, "nobody@example.com"} {
		if err := k.reset(k.forgot(login), "00000000", leaked); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("%s: a wrong code = %v, want ErrBadCode", login, err)
		}
	}
	if n := len(l.questions()); n != 0 {
		t.Errorf("a wrong code asked %d times, want never", n)
	}
}

// A network asks no more than it may request, whether or not it waits for the answers.
func TestT6_QuestionsOfANetworkAreBounded(t *testing.T) {
	t.Parallel()
	l, with := asking(t, false)
	k := open(t, with)
	try := func(ctx context.Context, n int) error {
		_, err := k.SignUp(ctx, pool.SignUpInput{Username: fmt.Sprintf("%d@example.com", n), Password: leaked, Caller: from(1)})
		return err
	}
	for n := range 99 {
		if err := try(t.Context(), n); !errors.Is(err, pool.ErrInvalid) {
			t.Fatalf("question %d = %v, want ErrInvalid", n, err)
		}
	}
	ctx, hangUp := context.WithCancel(t.Context())
	l.fail(hangUp)
	if err := try(ctx, 99); !errors.Is(err, context.Canceled) {
		t.Errorf("who hangs up = %v, want context.Canceled", err)
	}
	l.questions()
	if err := try(t.Context(), 100); !errors.Is(err, pool.ErrLimited) || len(l.questions()) != 0 {
		t.Errorf("the question after a hundred = %v, want ErrLimited and nobody asked", err)
	}
}

// A network that has used up its requests asks nothing for those who have shown a code, either. That
// tells that the code was right, so it is counted.
func TestT5_QuestionsPastTheBudgetAreCounted(t *testing.T) {
	t.Parallel()
	l, with := asking(t, false)
	k := open(t, with)
	k.confirmed(ada)
	ticket := k.forgot(ada)
	code := k.code(ada, 2)
	for n := range 100 {
		in := pool.ForgotPasswordInput{Username: fmt.Sprintf("%d@example.com", n), Caller: from(1)}
		if _, err := k.ForgotPassword(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	l.questions()
	in := pool.ResetPasswordInput{Ticket: ticket, Code: code, Password: another, Caller: from(1)}
	for n := range 6 {
		want := pool.ErrLimited
		if n == 5 {
			want = pool.ErrBadCode // locked
		}
		if _, err := k.ResetPassword(t.Context(), in); !errors.Is(err, want) {
			t.Errorf("reset %d = %v, want %v", n, err, want)
		}
	}
	if n := len(l.questions()); n != 0 {
		t.Errorf("asked %d times past the budget", n)
	}
	k.clock.advance(time.Second)
	in.Caller = from(2)
	if _, err := k.ResetPassword(t.Context(), in); err != nil {
		t.Errorf("from another network = %v", err)
	}
}

// A call that loses a race asks no second time, and a sign-up counts as one request.
func TestBreachedIsAskedOnce(t *testing.T) {
	t.Parallel()
	l, with := asking(t, false)
	st := &rival{Store: memory.New()}
	k := openOn(t, st, with)
	choose := choosing["reset"](k)
	l.questions()
	st.once(func() { k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"name": "Ada"} }) })
	if err := choose(another); err != nil {
		t.Fatal(err)
	}
	if n := len(l.questions()); n != 1 {
		t.Errorf("asked %d times over two rounds, want once", n)
	}
	for n := range 101 {
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: fmt.Sprintf("%d@example.com", n), Password: right, Caller: from(1)})
		if n < 100 && err != nil || n == 100 && !errors.Is(err, pool.ErrLimited) {
			t.Fatalf("sign-up %d = %v", n, err)
		}
	}
}
