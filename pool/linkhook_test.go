package pool_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/user"
)

// Where a link and a password sign somebody in, the hook before a sign-in is asked first; where a
// link alone only opens a form, it is not.
func TestS8_PasswordsBesideALinkAreAskedAbout(t *testing.T) {
	t.Parallel()
	denied := errors.New("staff only")
	var told []map[string]string
	k := open(t, byLink, func(c *pool.Config) {
		c.Hooks.PreAuthentication = func(_ context.Context, e hook.PreAuthentication) error {
			told = append(told, e.Metadata)
			return denied
		}
	})
	k.signUp(ada)
	ticket := k.opened(k.link(ada, 1))
	for _, pw := range []password.Secret{right, wrong} {
		_, err := k.Respond(t.Context(), pool.RespondInput{
			Ticket: ticket, With: pool.Password{Value: pw}, Metadata: map[string]string{"campaign": "spring"},
		})
		if h, ok := errors.AsType[*pool.HookError](err); !ok || h.Hook != "PreAuthentication" {
			t.Errorf("Respond = %v, want the hook's refusal", err)
		}
	}
	if len(told) != 2 || told[0]["campaign"] != "spring" || k.user(ada).Status != user.Unconfirmed {
		t.Errorf("the hook was told %v", told)
	}
}

// A confirmation by link is one, wherever the link was opened.
func TestPostHooksOfALink(t *testing.T) {
	t.Parallel()
	for _, here := range []bool{false, true} {
		h := &heard{}
		c := pool.Config{Hooks: h.hooks()}
		byLink(&c)
		k := pooltest.New(t, pooltest.WithConfig(c))
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right})
		if err != nil {
			t.Fatal(err)
		}
		_, link, _ := strings.Cut(k.Mail.Link(ada), "&link=")
		in := pool.LinkInput{Link: link}
		if here {
			in.Ticket = up.Ticket
		}
		step, err := k.ConfirmLink(t.Context(), in)
		need, ok := step.(*pool.NeedPassword)
		if k.Clock.Advance(0); err != nil || !ok || len(h.all()) == 0 == here {
			t.Fatalf("here %v: ConfirmLink = %T, %v, told %v", here, step, err, h.all())
		}
		answer := pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: right}}
		if _, err := pool.Finished(k.Respond(t.Context(), answer)); err != nil {
			t.Fatal(err)
		}
		k.Clock.Advance(0)
		var told []hook.Source
		for _, e := range h.all() {
			told = append(told, e.Source)
		}
		slices.Sort(told)
		if want := []hook.Source{hook.Authentication, hook.ConfirmSignUp}; !slices.Equal(told, want) {
			t.Errorf("here %v: told of %v, want %v", here, told, want)
		}
	}
}
