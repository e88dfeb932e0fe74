// Command mfa walks through second factors, one act for each: what a program calls, what the pool
// answers, and what the visitor would see and do. Users are kept in memory, mail in a mailbox, and
// time goes on when the walk says so. It exits with 1 if anything is not as it says.
//
//	go run ./examples/mfa
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal("mfa: ", err)
	}
}

// secret is the password of everybody.
var secret = password.New("correct horse battery staple")

// acts are the walk, in order.
var acts = []struct {
	title string
	play  func(*walk, context.Context) error
}{
	{"Ada sets up an authenticator app", (*walk).app},
	{"She signs in by it, and not twice with one code", (*walk).signInByApp},
	{"She has lost her phone, and uses a recovery code", (*walk).recoveryCode},
	{"She has been away from the screen: the shop asks for a newer sign-in", (*walk).stepUp},
	{"She makes a passkey", (*walk).passkey},
	{"She has this browser remembered", (*walk).remembered},
	{"She has lost phone and codes, and sets up another app after a wait", (*walk).lost},
	{"Bob is made one of the staff, who must have a second factor", (*walk).mustEnrol},
	{"Carol signs in by a code that is mailed", (*walk).mailed},
	{"Dora has codes sent to her phone as a second factor", (*walk).texted},
	{"Another pool asks a question of the program's own", (*walk).question},
	{"And another one looks at where sign-ins come from", (*walk).risk},
}

// run plays all acts, and tells of them.
func run(ctx context.Context, out io.Writer) error {
	w, shut, err := begin(ctx, &walk{out: out, start: time.Now()}, pool.Config{
		Passkeys:  passkey.New(),
		CancelURL: "http://localhost/not-me", // a page that ends what somebody else has begun
		Settings: &pool.Settings{
			MFA: pool.MFASettings{
				Kinds:        []mfa.Kind{mfa.KindTOTP, mfa.KindPasskey, mfa.KindSMS},
				RecoveryHold: 72 * time.Hour,
			},
			Branding: pool.Branding{Name: "Harbour Books"},
			SignIn:   pool.SignInSettings{First: []mfa.Kind{mfa.KindPassword, mfa.KindPasskey, mfa.KindEmail}},
			Groups:   []pool.Group{{Name: "staff", RequireMFA: true}},
			Devices:  pool.DeviceSettings{Remember: pool.RememberByChoice},
		},
	})
	if err != nil {
		return err
	}
	defer shut()
	for i, act := range acts {
		fmt.Fprintf(out, "\n%d. %s\n", i+1, act.title)
		if err := act.play(w, ctx); err != nil {
			return fmt.Errorf("%s: %w", act.title, err)
		}
	}
	return nil
}

// begin opens a pool with a mailbox for a walk that tells what and when from does; shut closes it.
func begin(ctx context.Context, from *walk, c pool.Config) (w *walk, shut func(), err error) {
	w = &walk{out: from.out, start: from.today(), box: mailbox.New()}
	c.Sender, c.Now = w.box, w.today
	if w.pool, err = pool.Open(ctx, memory.New(), c); err != nil {
		return nil, nil, err
	}
	return w, func() { w.pool.Close(ctx) }, nil
}

// walk is what the acts have in common.
type walk struct {
	pool  *pool.Pool
	box   *mailbox.Mailbox
	out   io.Writer
	start time.Time
	later atomic.Int64 // how much time has passed since; the pool's own chores read the clock, too

	seed  mfa.Seed   // in the app of ada's phone
	codes []string   // her recovery codes
	done  *pool.Done // her last sign-in
}

func (w *walk) say(format string, args ...any) { fmt.Fprintf(w.out, "   "+format+"\n", args...) }

// join signs somebody up, with the code of the mail.
func (w *walk) join(ctx context.Context, email string) error {
	up, err := w.pool.SignUp(ctx, pool.SignUpInput{Username: email, Password: secret})
	if err != nil {
		return err
	}
	mails, err := w.box.Wait(ctx, email, 1)
	if err != nil {
		return err
	}
	_, err = w.pool.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: w.box.Code(mails[0].To)})
	return err
}

// signIn gives the password, and tells which step comes next.
func (w *walk) signIn(ctx context.Context, email string) (pool.Step, error) {
	step, err := w.pool.SignIn(ctx, pool.SignInInput{Username: email, With: pool.Password{Value: secret}})
	if err == nil {
		w.say("SignIn with the password gives the step %q.", step.Kind())
	}
	return step, err
}

// respond answers a step.
func (w *walk) respond(ctx context.Context, ticket string, with pool.Response) (pool.Step, error) {
	step, err := w.pool.Respond(ctx, pool.RespondInput{Ticket: ticket, With: with})
	if err == nil {
		w.say("Respond with a %T gives the step %q.", with, step.Kind())
	}
	return step, err
}

// account returns the account of who has signed in.
func (w *walk) account(ctx context.Context) (*pool.Account, error) {
	return w.pool.Account(ctx, w.done.Tokens.Access)
}

// finish notes that ada has signed in, and by what.
func (w *walk) finish(step pool.Step, err error) error {
	done, err := pool.Finished(step, err)
	if err != nil {
		return err
	}
	if done.Tokens.Refresh.IsZero() && w.done != nil { // after an act in her account the one of before stays good
		done.Tokens.Refresh = w.done.Tokens.Refresh
	}
	w.done = done
	return nil
}

// today is the clock of the walk.
func (w *walk) today() time.Time { return w.start.Add(time.Duration(w.later.Load())) }

// wait lets time pass.
func (w *walk) wait(d time.Duration) { w.later.Add(int64(d)) }

// unexpected is a step that the walk is not ready for. A program that meets one it does not know
// refuses, too: it lets nobody in.
func unexpected(step pool.Step, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("a step that was not expected: %s", step.Kind())
}

// refused returns nil where a call failed as it should have.
func refused(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("got %v, want %w", err, want)
}
