package pool_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

func TestS1_ParallelLinksHaveOneWinner(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		ticket, link := k.signUp(ada), k.link(ada, 1)
		elsewhere := k.opened(link)
		var (
			wg   sync.WaitGroup
			gate = make(chan struct{})
			errs [64]error
		)
		for i := range errs {
			wg.Go(func() {
				<-gate
				if i%2 == 0 {
					_, errs[i] = k.confirmLink(link, ticket)
					return
				}
				_, errs[i] = k.Respond(t.Context(), pool.RespondInput{Ticket: elsewhere, With: pool.Password{Value: right}, Caller: from(i)})
			})
		}
		close(gate)
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, pool.ErrTicketGone) && !errors.Is(err, pool.ErrLimited) { // the door sheds
				t.Errorf("loser = %v, want ErrTicketGone", err)
			}
		}
		if won != 1 {
			t.Errorf("%d winners, want 1", won)
		}
	}, byLink)
}

// Wrong passwords beside a link are counted like others, against the account and the ticket.
func TestT5_PasswordsBesideALinkAreCounted(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	first := k.signUp(ada)
	link := k.link(ada, 1)
	elsewhere := k.opened(link)
	for i := range 5 {
		if _, err := k.respond(elsewhere, wrong); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Fatalf("guess %d = %v, want ErrNotAuthorized", i, err)
		}
	}
	for _, act := range map[string]func() (pool.Step, error){
		"the password":  func() (pool.Step, error) { return k.respond(elsewhere, right) },
		"opened again":  func() (pool.Step, error) { return k.confirmLink(link, "") },
		"with a ticket": func() (pool.Step, error) { return k.confirmLink(link, first) },
	} {
		if _, err := act(); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("after five guesses = %v, want ErrTicketGone", err)
		}
	}
	if _, err := k.signIn(ada, right); err != nil { // guesses at an address that nobody owns are counted apart
		t.Fatal(err)
	}
	again := k.opened(k.link(ada, 2))
	before := k.Hashes()
	if _, err := k.respond(again, right); !errors.Is(err, pool.ErrNotAuthorized) || k.Hashes() != before {
		t.Errorf("the right password while locked = %v, want ErrNotAuthorized without a hash", err)
	}
	k.clock.advance(3 * time.Second)
	if _, err := pool.Finished(k.respond(again, right)); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// A link where a code is asked is as good as beside a ticket; a code where a link was sent is wrong.
func TestLinkAsCode(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	ticket := k.signUp(ada)
	link := k.link(ada, 1)
	for _, code := range []string{"123456", link[:63], flip(link, 60), "link." + link[5:], secretOf(t, link)} {
		k.clock.advance(time.Minute)
		if err := confirm(k, ticket, code); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("code %.9q = %v, want ErrBadCode", code, err)
		}
		if code == flip(link, 60) {
			break
		}
	}
	if err := confirm(k, ticket, link); err != nil {
		t.Errorf("the link as a code: %v", err)
	}
}

// secretOf returns the secret in a ticket or link, as text of its own.
func secretOf(t *testing.T, s string) string {
	t.Helper()
	return base64.RawURLEncoding.EncodeToString([]byte(rawSecret(t, s)))
}

// The link as a ticket takes a password and nothing else.
func TestLinkAsTicket(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	k.signUp(ada)
	link := k.link(ada, 1)
	ticket := k.opened(link)
	for name, tt := range map[string]struct {
		act  func() error
		want error
	}{
		"code": {func() error {
			_, err := k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Code{Value: link}})
			return err
		}, pool.ErrWrongStep},
		"confirm":     {func() error { return confirm(k, ticket, link) }, pool.ErrWrongStep},
		"itself":      {func() error { _, err := k.confirmLink(link, ticket); return err }, nil}, // opened again
		"bare":        {func() error { _, err := k.respond(link, right); return err }, pool.ErrTicketGone},
		"other case":  {func() error { _, err := k.respond("LINK."+link, right); return err }, pool.ErrTicketGone},
		"twice":       {func() error { _, err := k.respond("link."+ticket, right); return err }, pool.ErrTicketGone},
		"no password": {func() error { _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: ticket}); return err }, pool.ErrInvalid},
		"resend": {func() error {
			_, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket})
			return err
		}, pool.ErrTicketGone},
		"resend, bare": {func() error {
			_, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: link})
			return err
		}, pool.ErrTicketGone},
		"reset": {func() error { return k.reset(ticket, "12345678", another) }, pool.ErrTicketGone},
	} {
		k.store.reset()
		if err := tt.act(); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", name, err, tt.want)
		}
		if _, commits := k.store.counted(); len(commits) != 0 {
			t.Errorf("%s wrote %v", name, kinds(commits))
		}
	}
	if k.user(ada).Status != user.Unconfirmed {
		t.Error("something confirmed the sign-up")
	}
}

// A disabled sign-up stays out, password and link or not.
func TestLinkOfADisabledSignUp(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	ticket, link := k.signUp(ada), k.link(ada, 1)
	elsewhere := k.opened(link)
	k.change(ada, func(u *user.User) { u.Disabled = true })
	if _, err := k.respond(elsewhere, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("password beside the link = %v, want ErrNotAuthorized", err)
	}
	if _, err := k.confirmLink(link, ticket); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("link beside the ticket = %v, want ErrNotAuthorized", err)
	}
	if k.user(ada).Status != user.Unconfirmed {
		t.Error("a disabled sign-up was confirmed")
	}
}

// A sign-up by link costs what one by code does, change by change.
func TestLinkCostsWhatACodeDoes(t *testing.T) {
	t.Parallel()
	var seen [2][]map[string]int
	for i, change := range []func(*pool.Config){func(*pool.Config) {}, byLink} {
		k := open(t, change)
		k.store.reset()
		ticket := k.signUp(ada)
		k.mails(ada, 1)
		res, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket})
		if err != nil {
			t.Fatal(err)
		}
		k.mails(ada, 2)
		if i == 0 {
			err = confirm(k, res.Ticket, k.box.Code(ada))
		} else {
			_, err = k.confirmLink(k.link(ada, 2), res.Ticket)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, commits := k.store.counted()
		for _, c := range commits {
			seen[i] = append(seen[i], kinds([][]storage.Change{c}))
		}
	}
	if len(seen[0]) != 3 || len(seen[1]) != 3 {
		t.Fatalf("by code %v, by link %v", seen[0], seen[1])
	}
	for i := range seen[0] {
		for _, kind := range slices.Concat(keys(seen[0][i]), keys(seen[1][i])) {
			if seen[0][i][kind] != seen[1][i][kind] {
				t.Errorf("commit %d by code %v, by link %v", i, seen[0][i], seen[1][i])
			}
		}
	}
}

func keys(m map[string]int) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestLinkEvents(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	k.signUp(ada)
	ticket := k.opened(k.link(ada, 1))
	k.respond(ticket, wrong)
	if _, err := k.respond(ticket, right); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range k.events(pool.EventQuery{}) {
		got = append(got, e.Kind+" "+e.Outcome+" "+e.Reason)
	}
	slices.Sort(got) // within one commit they have one time
	want := []string{"confirm_sign_up refused no_proof", "confirm_sign_up success ", "sign_in success ", "sign_up step "}
	if !slices.Equal(got, want) {
		t.Errorf("events = %q, want %q", got, want)
	}
}

// Neither the database nor the log holds a link that is still good (security.md T4).
func TestT4_DatabaseAndLogHoldNoLink(t *testing.T) {
	t.Parallel()
	dir, log, box := t.TempDir(), &lockedBuffer{}, mailbox.New()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "userpool.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c := pool.Config{
		Keys: ring(t, seal.Generate()), InsecureHash: &cheap,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Sender: message.SenderFunc(func(ctx context.Context, m message.Message) error {
			_ = box.Send(ctx, m)
			return errors.New("down") // so that the letter stays
		}),
	}
	byLink(&c)
	p, err := pool.Open(t.Context(), st, c)
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{Pool: p, t: t, box: box}
	k.signUp(ada)
	link := k.link(ada, 1)
	k.respond(k.opened(link), wrong)
	p.Close(context.Background())
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	dump := dumped(t, dir, log)
	for name, secret := range map[string]string{
		"the link": link, "its secret": rawSecret(t, link), "its secret as text": secretOf(t, link), "the page": confirmURL,
	} {
		if bytes.Contains(dump, []byte(secret)) {
			t.Errorf("%s stands in the database or the log", name)
		}
	}
	if !bytes.Contains(dump, []byte(ada)) || !bytes.Contains(dump, []byte("down")) {
		t.Error("the dump does not even hold the login and the log: the search proves nothing")
	}
}

// FuzzConfirmLink: no text confirms anything but the link itself.
func FuzzConfirmLink(f *testing.F) {
	k := open(f, byLink)
	ticket, link := k.signUp(ada), k.link(ada, 1)
	for _, s := range []string{"", "link.", link[:63], flip(link, 20), ticket, "link." + link, link[:62] + "\r\n"} {
		f.Add(s, ticket)
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, typed, own string) {
		if typed == link {
			return
		}
		step, err := k.ConfirmLink(t.Context(), pool.LinkInput{Link: typed, Ticket: own})
		if !errors.Is(err, pool.ErrTicketGone) || step != nil {
			t.Errorf("ConfirmLink(%q, %q) = %T, %v, want ErrTicketGone", typed, own, step, err)
		}
	})
}
