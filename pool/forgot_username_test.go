package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
)

// forgotName asks for the user name behind an address.
func (k *kit) forgotName(address string) error {
	_, err := k.ForgotUsername(k.t.Context(), pool.ForgotUsernameInput{Address: address})
	return err
}

// A user name goes to the address that its owner has proven, by mail or SMS, in their language.
func TestForgotUsername(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.made("Countess", true, true)
		for i, tt := range []struct {
			typed, to, locale, says string
			n                       int
		}{
			{"ADA@example.com", ada, "", "    Countess\n", 1},
			{ada, ada, "de", "Er lautet:", 2},
			{phone, phone, "", "Your user name: Countess", 1},
		} {
			k.clock.advance(time.Millisecond) // events are listed by time
			to, err := k.ForgotUsername(t.Context(), pool.ForgotUsernameInput{Address: tt.typed, Caller: pool.Caller{Locale: tt.locale}})
			if err != nil || to.Destination != tt.typed {
				t.Fatalf("%d: %+v, %v", i, to, err)
			}
			ms := k.mails(tt.to, tt.n)
			if m := ms[len(ms)-1]; m.Kind != message.ForgotUsername || !strings.Contains(m.Text, tt.says) || !strings.Contains(m.Text, "Countess") {
				t.Errorf("%d: %s: %q", i, m.Kind, m.Text)
			}
		}
		u := k.user(ada)
		if got := k.last(u.ID); got.Kind != "forgot_username" || u.Epoch != 1 {
			t.Errorf("event = %+v, epoch %d", got, u.Epoch)
		}
	}, takes(pool.Username, pool.Email, pool.Phone))
}

// Nothing is sent to who has proven nothing, may not sign in, or has had enough.
func TestForgotUsernameSendsNothing(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.made("ada", false, false)
	k.signUp("bob") // not confirmed
	k.confirmed("carol")
	k.disable("carol")
	k.mails("carol@example.com", 1)
	for _, address := range []string{ada, "bob@example.com", "carol@example.com", "nobody@example.com"} {
		if err := k.forgotName(address); err != nil {
			t.Fatalf("%s: %v", address, err)
		}
	}
	k.confirmed("dora")
	for range 8 {
		if err := k.forgotName("dora@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	k.delivered()
	for address, want := range map[string]int{
		ada: 0, "bob@example.com": 1, "carol@example.com": 1, "nobody@example.com": 0, "dora@example.com": 1 + 5,
	} {
		if ms := k.mails(address, want); len(ms) != want {
			t.Errorf("%d messages to %s, want %d", len(ms), address, want)
		}
	}
}

func TestForgotUsernameRefuses(t *testing.T) {
	t.Parallel()
	for address, settings := range map[string]func(*pool.Config){
		"ada": named, phone: named, ada: takes(pool.Username), "": named, "ada@": named, "@": named,
		strings.Repeat("a", 1<<20) + "@example.com": named,
	} {
		k := open(t, settings)
		k.store.reset()
		if err := k.forgotName(address); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("%.40q = %v, want ErrInvalid", address, err)
		}
		if reads, commits := k.store.counted(); reads+len(commits) > 0 {
			t.Errorf("%.40q: %d reads, %d commits", address, reads, len(commits))
		}
	}
	k := open(t)
	if _, err := k.ForgotUsername(t.Context(), pool.ForgotUsernameInput{Address: ada, Client: "none"}); !errors.Is(err, pool.ErrUnknownClient) {
		t.Errorf("unknown client = %v", err)
	}
	for i := range 100 {
		if err := k.forgotName(fmt.Sprintf("user%d@example.com", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.forgotName(ada); !errors.Is(err, pool.ErrLimited) {
		t.Errorf("beyond the network's budget = %v, want ErrLimited", err)
	}
}

// A forgotten name and a forgotten password share the messages of an address: neither way floods it.
func TestT6_ForgottenNamesShareTheMails(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.confirmed("ada")
	for range 4 {
		k.forgot(ada)
		k.clock.advance(time.Second)
		if err := k.forgotName(ada); err != nil {
			t.Fatal(err)
		}
	}
	k.delivered()
	if ms := k.mails(ada, 1+5); len(ms) != 1+5 {
		t.Errorf("%d messages, want that of the sign-up and five", len(ms))
	}
}
