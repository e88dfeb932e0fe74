package pool_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// tell tells the owner of a login of changes to their factors.
func (k *kit) tell(login string, from pool.Caller, kinds ...message.Kind) {
	k.t.Helper()
	if err := pool.Tell(k.t.Context(), k.Pool, k.user(login).ID, from, message.Passkey, kinds...); err != nil {
		k.t.Fatalf("tell %s: %v", login, err)
	}
}

// got returns the messages of a kind to an address, once nothing is to be sent any more.
func (k *kit) got(to string, kind message.Kind) []message.Message {
	k.t.Helper()
	k.delivered()
	return slices.DeleteFunc(k.box.To(to), func(m message.Message) bool { return m.Kind != kind })
}

// firefox is a caller who says who they are.
var firefox = pool.Caller{
	IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Firefox/139.0 evil.example",
	Locale: "de",
}

// A change to the factors of an account is told to its owner: what, when, and from where; nothing of
// it in words that whoever did it has chosen.
func TestOwnerIsToldOfFactors(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.tell(ada, firefox, message.FactorAdded, message.RecoveryCodesMade)
		for _, kind := range []message.Kind{message.FactorAdded, message.RecoveryCodesMade} {
			ms := k.got(ada, kind)
			if len(ms) != 1 || ms[0].Locale != "de" || strings.Contains(ms[0].Text+ms[0].HTML, "evil") {
				t.Fatalf("%s: told %+v", kind, ms)
			}
			for _, part := range []string{"Wann: 2026-05-01 12:00 UTC\n", "Netz: 192.0.2.7\n", "Gerät: Firefox, Linux\n"} {
				if !strings.Contains(ms[0].Text, part) {
					t.Errorf("%s: %q is not told:\n%s", kind, part, ms[0].Text)
				}
			}
			if strings.Contains(ms[0].Text, "Was: Passkey\n") != (kind == message.FactorAdded) {
				t.Errorf("%s: of a factor:\n%s", kind, ms[0].Text)
			}
		}
	})
}

// Whoever takes an account over chooses no language that its owner does not read.
func TestOwnerIsToldInTheirLanguage(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"locale": "en-GB"} })
	k.tell(ada, firefox, message.FactorRemoved)
	if m := k.got(ada, message.FactorRemoved); len(m) != 1 || m[0].Locale != "en" {
		t.Errorf("told %+v", m)
	}
}

// What an administrator does tells nothing of where they are.
func TestOwnerIsToldOfNobodysNetwork(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.tell(ada, pool.Caller{}, message.FactorRemoved)
	m := k.got(ada, message.FactorRemoved)
	if len(m) != 1 || strings.Contains(m[0].Text, "Network") || strings.Contains(m[0].Text, "Device") || !strings.Contains(m[0].Text, "When") {
		t.Errorf("told %+v", m)
	}
}

// Five mails an hour tell enough, be they of factors or of the password: whoever changes something all
// day long fills no mailbox. An hour later there is news again.
func TestNoticesHaveALimit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		for range 7 {
			k.tell(ada, firefox, message.FactorAdded)
		}
		if n := len(k.got(ada, message.FactorAdded)); n != 5 {
			t.Errorf("told %d times, want 5", n)
		}
		k.clock.advance(time.Hour)
		k.tell(ada, firefox, message.FactorRemoved)
		if n := len(k.got(ada, message.FactorRemoved)); n != 1 {
			t.Errorf("after an hour told %d times, want once", n)
		}
	})
}

// By SMS it is three, which cost money. Where nothing is proven nobody is told.
func TestNoticesGoWhereSomethingIsProven(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Phone))
	k.confirmed(phone)
	for range 5 {
		k.tell(phone, firefox, message.FactorAdded)
	}
	ms := k.got(phone, message.FactorAdded)
	if len(ms) != 3 || ms[0].Channel != message.SMS || strings.Contains(ms[0].Text, "192.0.2.7") {
		t.Errorf("told %+v", ms)
	}
	bare := open(t, takes(pool.Username))
	if _, err := bare.admin().CreateUser(t.Context(), pool.CreateUserInput{
		Username: "ada", Attributes: user.Attributes{"email": ada}, Password: right, Permanent: true,
	}); err != nil {
		t.Fatal(err)
	}
	bare.tell("ada", firefox, message.FactorAdded)
	bare.delivered()
	if all := bare.box.All(); len(all) > 0 {
		t.Errorf("told %+v", all)
	}
}

// What a pool is silent about is not sent, and costs no turn of the rest.
func TestSilentNotices(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.put(func(s *pool.Settings) {
		s.Notices.InsecureSilent = []message.Kind{message.FactorAdded, message.PasswordChanged}
	})
	k.confirmed(ada)
	for range 5 {
		k.tell(ada, firefox, message.FactorAdded)
	}
	k.tell(ada, firefox, message.FactorAdded, message.FactorRemoved)
	if err := k.as(k.done(ada), func(a *pool.Account) error {
		return second(a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
	}); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[message.Kind]int{
		message.FactorAdded: 0, message.PasswordChanged: 0, message.FactorRemoved: 1,
	} {
		if n := len(k.got(ada, kind)); n != want {
			t.Errorf("%s: told %d times, want %d", kind, n, want)
		}
	}
	k.put(func(s *pool.Settings) { s.Notices = pool.NoticeSettings{} })
	k.tell(ada, firefox, message.FactorAdded)
	if n := len(k.got(ada, message.FactorAdded)); n != 1 {
		t.Errorf("once the pool speaks of it, told %d times, want once", n)
	}
}

// Codes, links and what is no message cannot be silenced, nor anything twice.
func TestS5_WhatCannotBeSilent(t *testing.T) {
	t.Parallel()
	for _, kinds := range [][]message.Kind{
		{message.AddressReplaced},
		{message.AddressAdded},
		{message.ConfirmSignUp},
		{message.ResetPassword},
		{message.AlreadyRegistered},
		{message.AccountDeleted},
		{message.Impersonated},
		{""},
		{"palm_reading"},
		{message.NewDevice, message.NewDevice},
		{message.NewDevice, message.Invitation},
	} {
		k := open(t)
		s, v := k.policy()
		s.Notices.InsecureSilent = kinds
		err := k.admin().PutSettings(t.Context(), s, v)
		if e, ok := errors.AsType[*pool.SettingsError](err); !ok || len(e.Problems) != 1 || !strings.HasPrefix(e.Problems[0], "notices: ") {
			t.Errorf("%q: %v", kinds, err)
		}
	}
}
