package pool_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

const confirmURL = "http://localhost:8080/confirm?lang=en"

// byLink lets sign-ups be confirmed by a link.
func byLink(c *pool.Config) {
	c.Settings, c.ConfirmURL = &pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}}, confirmURL
}

// link returns what the link in the n-th mail to login carries.
func (k *kit) link(login string, n int) string {
	k.t.Helper()
	k.mails(login, n)
	u, err := url.Parse(k.box.Link(login))
	if err != nil {
		k.t.Fatal(err)
	}
	return u.Query().Get("link")
}

func (k *kit) confirmLink(link, ticket string) (pool.Step, error) {
	return k.ConfirmLink(k.t.Context(), pool.LinkInput{Link: link, Ticket: ticket})
}

// opened opens a link without a ticket, and returns the step's.
func (k *kit) opened(link string) string {
	k.t.Helper()
	step, err := k.confirmLink(link, "")
	need, ok := step.(*pool.NeedPassword)
	if err != nil || !ok {
		k.t.Fatalf("ConfirmLink = %T, %v, want *NeedPassword", step, err)
	}
	return need.Ticket
}

func (k *kit) respond(ticket string, pw password.Secret) (pool.Step, error) {
	return k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Password{Value: pw}})
}

func TestLinkInTheSameBrowser(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		ticket := k.signUp(ada)
		m := k.mails(ada, 1)[0]
		link := k.link(ada, 1)
		if want := confirmURL + "&link=" + link; m.Kind != message.ConfirmSignUpLink || k.box.Link(ada) != want || k.box.Code(ada) != "" {
			t.Errorf("%s with link %q and code %q, want %q alone", m.Kind, k.box.Link(ada), k.box.Code(ada), want)
		}
		k.store.reset()
		step, err := k.confirmLink(link, ticket)
		need, ok := step.(*pool.NeedPassword)
		if err != nil || !ok || k.user(ada).Status != user.Confirmed {
			t.Fatalf("ConfirmLink = %T, %v, want *NeedPassword", step, err)
		}
		if reads, commits := k.store.counted(); reads != 1 || len(commits) != 1 {
			t.Errorf("%d reads and %d commits, want 1 and 1", reads, len(commits))
		}
		if _, err := pool.Finished(k.respond(need.Ticket, right)); err != nil {
			t.Errorf("Respond: %v", err)
		}
		for _, own := range []string{ticket, ""} {
			if _, err := k.confirmLink(link, own); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("a used link = %v, want ErrTicketGone", err)
			}
		}
	}, byLink)
}

func TestLinkAfterTheRightPassword(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	k.signUp(ada)
	k.mails(ada, 1)
	step, err := k.signIn(ada, right)
	need, ok := step.(*pool.NeedConfirm)
	if err != nil || !ok {
		t.Fatalf("SignIn = %T, %v, want *NeedConfirm", step, err)
	}
	if _, err := pool.Finished(k.confirmLink(k.link(ada, 2), need.Ticket)); err != nil {
		t.Errorf("ConfirmLink: %v", err)
	}
}

// A link that is opened elsewhere changes nothing, however often, until the password comes beside
// it.
func TestT7_LinkElsewhereNeedsThePassword(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.signUp(ada)
		link := k.link(ada, 1)
		k.store.reset()
		var ticket string
		for range 200 { // a mail scanner on a busy network
			ticket = k.opened(link)
		}
		if _, commits := k.store.counted(); len(commits) != 0 {
			t.Errorf("opening a link wrote %v", kinds(commits))
		}
		if _, err := k.respond(ticket, wrong); !errors.Is(err, pool.ErrNotAuthorized) || k.user(ada).Status != user.Unconfirmed {
			t.Errorf("a wrong password = %v, want ErrNotAuthorized", err)
		}
		ticket = k.opened(link)
		k.store.reset()
		before := k.Hashes()
		done, err := pool.Finished(k.respond(ticket, right))
		if err != nil || done.Tokens.Access.IsZero() || k.user(ada).Status != user.Confirmed {
			t.Fatalf("the right password = %v, want tokens", err)
		}
		if reads, commits := k.store.counted(); reads != 1 || len(commits) != 1 || k.Hashes()-before != 1 {
			t.Errorf("%d reads, %d commits, %d hashes, want 1 of each", reads, len(commits), k.Hashes()-before)
		}
		for _, pw := range []password.Secret{right, wrong} {
			if _, err := k.respond(ticket, pw); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("again = %v, want ErrTicketGone", err)
			}
		}
	}, byLink)
}

// CVE class 21: whatever a victim does with the link of an attacker's sign-up, and in whatever
// browser, the attacker's password opens nothing.
func TestT7_PreHijackByLink(t *testing.T) {
	t.Parallel()
	attackers := password.New("the attacker's password")
	for _, signsIn := range []bool{false, true} { // to earn a ticket that carries the password
		for name, click := range map[string]func(k *kit, link string){
			"opens it":     func(k *kit, link string) { k.opened(link) },
			"own password": func(k *kit, link string) { k.respond(k.opened(link), right) },
			"own sign-up":  func(k *kit, link string) { k.confirmLink(link, k.signUp(ada)) },
			"as a ticket":  func(k *kit, link string) { k.confirmLink(link, link) },
			"in the field": func(k *kit, link string) { confirm(k, k.signUp(ada), link) },
			"in its field": func(k *kit, link string) { confirm(k, k.opened(link), link) },
			"asks again": func(k *kit, link string) {
				for _, ticket := range []string{link, k.opened(link)} {
					res, _ := k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: ticket})
					k.confirmLink(link, res.Ticket)
				}
			},
		} {
			t.Run(fmt.Sprintf("%s, signed in %v", name, signsIn), func(t *testing.T) {
				t.Parallel()
				k := open(t, byLink)
				up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: attackers})
				if err != nil {
					t.Fatal(err)
				}
				ticket, link := up.Ticket, k.link(ada, 1)
				if signsIn {
					step, err := k.signIn(ada, attackers)
					need, ok := step.(*pool.NeedConfirm)
					if err != nil || !ok {
						t.Fatalf("SignIn = %T, %v", step, err)
					}
					ticket, link = need.Ticket, k.link(ada, 2)
				}
				click(k, link)
				if owner := k.user(ada); owner != nil && owner.Somebody() {
					t.Fatalf("the click confirmed %+v", owner)
				}
				if _, err := pool.Finished(k.signIn(ada, attackers)); !errors.Is(err, pool.ErrUnfinished) && !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("the attacker's password = %v", err)
				}
				if _, err := k.respond(ticket, attackers); err == nil {
					t.Error("the attacker's ticket is answered by a password")
				}
			})
		}
	}
}

// The owner of an address who has signed up too gets it with their own link; the attacker's is then
// good for nothing.
func TestT7_OwnLinkBesideAnAttackers(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	attackers := password.New("the attacker's password")
	up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: attackers})
	if err != nil {
		t.Fatal(err)
	}
	theirs := k.link(ada, 1)
	k.clock.advance(time.Second)
	ticket := k.signUp(ada)
	mine := k.link(ada, 2)
	k.opened(theirs)
	if _, err := k.confirmLink(mine, ticket); err != nil {
		t.Fatalf("own link: %v", err)
	}
	if _, err := k.confirmLink(theirs, up.Ticket); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("the attacker's link with their ticket = %v, want ErrLoginTaken", err)
	}
	if _, err := k.respond(k.opened(theirs), attackers); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("the attacker's link with their password = %v, want ErrLoginTaken", err)
	}
	if _, err := pool.Finished(k.signIn(ada, right)); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// A link may be opened in a browser and end there, whoever asked for it; beside its ticket it ends
// where that began.
func TestLinkInABrowser(t *testing.T) {
	t.Parallel()
	k := open(t, byLink)
	ticket := k.signUp(ada)
	in := pool.LinkInput{Link: k.link(ada, 1), Ticket: ticket, Caller: pool.Caller{Browser: true}}
	if _, err := k.ConfirmLink(t.Context(), in); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("beside a ticket that is no browser's = %v, want ErrWrongStep", err)
	}
	in.Ticket = ""
	step, err := k.ConfirmLink(t.Context(), in)
	need, ok := step.(*pool.NeedPassword)
	if err != nil || !ok {
		t.Fatalf("ConfirmLink = %T, %v, want *NeedPassword", step, err)
	}
	done, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: right}, Caller: in.Caller}))
	if err != nil || done.Cookie.IsZero() {
		t.Errorf("Respond = %v, want a cookie", err)
	}
}

// Who signs up by number gets a code, by name a link to the email address that they gave.
func TestLinkOfOtherLogins(t *testing.T) {
	t.Parallel()
	k := open(t, byLink, takes(pool.Phone))
	ticket := k.signUp(phone)
	if m := k.mails(phone, 1)[0]; m.Channel != message.SMS || k.box.Link(phone) != "" {
		t.Errorf("%s by %s: %q", m.Kind, m.Channel, m.Text)
	}
	if err := confirm(k, ticket, k.box.Code(phone)); err != nil {
		t.Errorf("a code: %v", err)
	}
	k = open(t, byLink, named)
	k.signUp("ada")
	done, err := pool.Finished(k.respond(k.opened(k.link(addressOf("ada"), 1)), right))
	if u := k.user("ada"); err != nil || done.Tokens.Access.IsZero() || !u.Somebody() {
		t.Errorf("a link = %v, of %+v", err, u)
	}
	for _, login := range []string{"ada", addressOf("ada")} {
		if _, err := pool.Finished(k.signIn(login, right)); err != nil {
			t.Errorf("sign-in as %s: %v", login, err)
		}
	}
}

// Whatever is wrong with a link, the answer is one, and nothing is confirmed.
func TestT7_DeadLinksAreAlike(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(k *kit) (link, ticket string){
		"none":         func(*kit) (string, string) { return "", "" },
		"1 MB":         func(*kit) (string, string) { return strings.Repeat("a", 1<<20), "" },
		"never sent":   func(*kit) (string, string) { return strings.Repeat("abcd", 16), "" },
		"truncated":    func(k *kit) (string, string) { t := k.signUp(ada); return k.link(ada, 1)[:63], t },
		"longer":       func(k *kit) (string, string) { t := k.signUp(ada); return k.link(ada, 1) + "A", t },
		"whole URL":    func(k *kit) (string, string) { t := k.signUp(ada); k.mails(ada, 1); return k.box.Link(ada), t },
		"prefixed":     func(k *kit) (string, string) { t := k.signUp(ada); return "link." + k.link(ada, 1), t },
		"other id":     func(k *kit) (string, string) { t := k.signUp(ada); return flip(k.link(ada, 1), 3), t },
		"other secret": func(k *kit) (string, string) { t := k.signUp(ada); return flip(k.link(ada, 1), 60), t },
		"other secret, elsewhere": func(k *kit) (string, string) {
			k.signUp(ada)
			return flip(k.link(ada, 1), 60), ""
		},
		"the ticket":       func(k *kit) (string, string) { t := k.signUp(ada); return t, t },
		"the ticket alone": func(k *kit) (string, string) { return k.signUp(ada), "" },
		"expired": func(k *kit) (string, string) {
			t, l := k.signUp(ada), k.link(ada, 1)
			k.clock.advance(24 * time.Hour)
			return l, t
		},
		"sent again": func(k *kit) (string, string) {
			t, l := k.signUp(ada), k.link(ada, 1)
			again, err := k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: t})
			if err != nil {
				k.t.Fatal(err)
			}
			return l, again.Ticket
		},
		"of a taken address": func(k *kit) (string, string) {
			t := k.signUp(ada)
			k.confirmLink(k.link(ada, 1), t)
			taken := k.signUp(ada)
			if ms := k.mails(ada, 2); ms[1].Kind != message.AlreadyRegistered {
				k.t.Errorf("the owner got %s", ms[1].Kind)
			}
			return taken, taken
		},
		"of a reset": func(k *kit) (string, string) {
			t := k.signUp(ada)
			k.confirmLink(k.link(ada, 1), t)
			reset := k.forgot(ada)
			return reset, reset
		},
		"of another pool": func(k *kit) (string, string) {
			other := open(k.t, byLink)
			return func() string { other.signUp(ada); return other.link(ada, 1) }(), k.signUp(ada)
		},
		"with a broken ticket": func(k *kit) (string, string) { t := k.signUp(ada); return k.link(ada, 1), t[:63] },
		"with a forged ticket": func(k *kit) (string, string) { t := k.signUp(ada); return k.link(ada, 1), flip(t, 60) },
		"tries used up": func(k *kit) (string, string) {
			t, l := k.signUp(ada), k.link(ada, 1)
			for range 5 {
				confirm(k, t, "123456")
			}
			return l, t
		},
		"of who has confirmed by another": func(k *kit) (string, string) {
			k.signUp(ada)
			l := k.link(ada, 1)
			step, err := k.signIn(ada, right)
			if err != nil {
				k.t.Fatal(err)
			}
			if _, err := k.confirmLink(k.link(ada, 2), step.(*pool.NeedConfirm).Ticket); err != nil {
				k.t.Fatal(err)
			}
			return l, ""
		},
		"of another epoch": func(k *kit) (string, string) {
			t, l := k.signUp(ada), k.link(ada, 1)
			k.change(ada, func(u *user.User) { u.Epoch++ })
			return l, t
		},
		"erased": func(k *kit) (string, string) {
			t, l := k.signUp(ada), k.link(ada, 1)
			for range 3 {
				k.clock.advance(time.Second)
				k.signUp(ada)
			}
			return l, t
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, byLink)
			link, ticket := arrange(k)
			before := k.user(ada)
			k.store.reset()
			step, err := k.confirmLink(link, ticket)
			if !errors.Is(err, pool.ErrTicketGone) || err.Error() != pool.ErrTicketGone.Error() || step != nil {
				t.Errorf("ConfirmLink = %T, %v, want ErrTicketGone", step, err)
			}
			if !strings.HasPrefix(name, "with ") { // the link is dead, not only what came with it
				if _, err := k.respond("link."+link, right); !errors.Is(err, pool.ErrTicketGone) {
					t.Errorf("Respond = %v, want ErrTicketGone", err)
				}
			}
			if after := k.user(ada); before != nil && (after.Status != before.Status || after.Version != before.Version) {
				t.Errorf("%+v became %+v", before, after)
			}
		})
	}
}
