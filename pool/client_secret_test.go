package pool_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
)

// apps gives a pool clients.
func apps(clients ...pool.Client) func(*pool.Config) {
	return func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.Clients = clients
	}
}

var (
	server = pool.Client{ID: "server", Confidential: true}
	chosen = password.New("a-secret-that-was-chosen-elsewhere-01")
)

// secret gives a client a secret.
func (k *kit) secret(client string) password.Secret {
	k.t.Helper()
	s, err := k.admin().AddClientSecret(k.t.Context(), pool.AddClientSecretInput{Client: client})
	if err != nil {
		k.t.Fatalf("AddClientSecret: %v", err)
	}
	return s.Value
}

// secrets lists the secrets of a client.
func (k *kit) secrets(client string) []pool.ClientSecret {
	k.t.Helper()
	list, err := k.admin().ListClientSecrets(k.t.Context(), client)
	if err != nil {
		k.t.Fatalf("ListClientSecrets: %v", err)
	}
	return list
}

// permanent makes a user with the right password, as an administrator.
func (k *kit) permanent(login string) {
	k.t.Helper()
	in := pool.CreateUserInput{Username: login, EmailVerified: true, Password: right, Permanent: true}
	if _, err := k.admin().CreateUser(k.t.Context(), in); err != nil {
		k.t.Fatalf("CreateUser: %v", err)
	}
}

// signInWith signs ada in for a pool's only client.
func (k *kit) signInWith(s password.Secret) (*pool.Done, error) {
	in := pool.SignInInput{ClientSecret: s, Username: ada, With: pool.Password{Value: right}}
	return pool.Finished(k.SignIn(k.t.Context(), in))
}

// journey is all that a visitor does at a pool of one client, which shows a secret of its own.
func (k *kit) journey(with password.Secret) error {
	ctx := k.t.Context()
	up, err := k.SignUp(ctx, pool.SignUpInput{ClientSecret: with, Username: ada, Password: right})
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	k.code(ada, 1) // which was sent before it is replaced
	if up, err = k.ResendCode(ctx, pool.ResendInput{ClientSecret: with, Ticket: up.Ticket}); err != nil {
		return fmt.Errorf("resend: %w", err)
	}
	step, err := k.ConfirmSignUp(ctx, pool.CodeInput{ClientSecret: with, Ticket: up.Ticket, Code: k.code(ada, 2)})
	if err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	answer := pool.RespondInput{ClientSecret: with, Ticket: step.(*pool.NeedPassword).Ticket, With: pool.Password{Value: right}}
	if _, err = k.Respond(ctx, answer); err != nil {
		return fmt.Errorf("respond: %w", err)
	}
	d, err := pool.Finished(k.SignIn(ctx, pool.SignInInput{ClientSecret: with, Username: ada, With: pool.Password{Value: right}}))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if d, err = pool.Finished(k.Refresh(ctx, pool.RefreshInput{ClientSecret: with, Token: d.Tokens.Refresh})); err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	if err := k.SignOut(ctx, pool.SignOutInput{ClientSecret: with, Token: d.Tokens.Refresh}); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	forgot, err := k.ForgotPassword(ctx, pool.ForgotPasswordInput{ClientSecret: with, Username: ada})
	if err != nil {
		return fmt.Errorf("forgot: %w", err)
	}
	reset := pool.ResetPasswordInput{ClientSecret: with, Ticket: forgot.Ticket, Code: k.code(ada, 3), Password: another}
	if _, err := k.ResetPassword(ctx, reset); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	return nil
}

// With a live secret a confidential client does all that a public one does; with either of two.
func TestConfidentialClient(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		first := k.secret("server")
		second, err := k.admin().AddClientSecret(t.Context(), pool.AddClientSecretInput{Secret: chosen})
		if err != nil || !second.Value.IsZero() {
			t.Fatalf("a chosen secret = %v, %v, and is not told again", second, err)
		}
		if n := len(first.Reveal()); n != 43 {
			t.Errorf("a secret of %d characters, want 43", n)
		}
		if err := k.journey(first); err != nil {
			t.Error(err)
		}
		if _, err := k.SignIn(t.Context(), pool.SignInInput{ClientSecret: chosen, Username: ada, With: pool.Password{Value: another}}); err != nil {
			t.Errorf("with the other secret: %v", err)
		}
	}, apps(server))
}

// A confidential client is asked for its secret by each call that a visitor makes, before anything
// of a user is judged: whatever is wrong with it, the answer is that of a client that there is not,
// and no password was hashed.
func TestT4_ClientSecretsAreAskedFor(t *testing.T) {
	t.Parallel()
	k := open(t, apps(server, pool.Client{ID: "other", Confidential: true}, pool.Client{ID: "web"}))
	mine, others := k.secret("server"), k.secret("other")
	calls := k.calls(mine)
	for i := range reflect.TypeFor[*pool.Pool]().NumMethod() {
		m := reflect.TypeFor[*pool.Pool]().Method(i)
		if m.Type.NumIn() == 3 && strings.HasSuffix(m.Type.In(2).Name(), "Input") && calls[m.Name] == nil && m.Name != "CancelChange" { // which is for who holds a mailbox, whatever the app
			t.Errorf("%s is a visitor's call that is not here", m.Name)
		}
	}
	for name, call := range calls {
		for what, s := range map[string]password.Secret{
			"none": {}, "another's": others, "wrong": chosen, "short": password.New("x"),
			"long": password.New(strings.Repeat("x", 1<<20)), "more": password.New(mine.Reveal() + "x"),
			"cut": password.New(mine.Reveal()[:42]), "capital": password.New(strings.ToUpper(mine.Reveal())),
		} {
			k.store.reset()
			before := k.Hashes()
			err := call("server", s)
			reads, commits := k.store.counted()
			if !errors.Is(err, pool.ErrUnknownClient) || k.Hashes() != before || reads > 1 || len(commits) > 1 {
				t.Errorf("%s with %s secret = %v, after %d hashes, %d reads, %v", name, what, err, k.Hashes()-before, reads, kinds(commits))
			}
		}
		if !byTicket[name] { // which names its client itself
			if err := call("web", chosen); !errors.Is(err, pool.ErrUnknownClient) {
				t.Errorf("%s: a secret of a client that has none = %v", name, err)
			}
		}
	}
	for name, call := range calls {
		if err := call("server", mine); errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("%s with the right secret = %v", name, err)
		}
	}
}

var byTicket = map[string]bool{"ConfirmSignUp": true, "ConfirmLink": true, "ResendCode": true, "Respond": true, "ResetPassword": true}

// calls are all calls of a visitor, of whom the client "server" knows the tickets and tokens.
func (k *kit) calls(s password.Secret) map[string]func(client string, s password.Secret) error {
	ctx := k.t.Context()
	up, err := k.SignUp(ctx, pool.SignUpInput{Client: "server", ClientSecret: s, Username: "bob@example.com", Password: right})
	if err != nil {
		k.t.Fatal(err)
	}
	k.permanent("ida@example.com")
	signIn := pool.SignInInput{Client: "server", ClientSecret: s, Username: "ida@example.com", With: pool.Password{Value: right}}
	d, err := pool.Finished(k.SignIn(ctx, signIn))
	if err != nil {
		k.t.Fatal(err)
	}
	forgot, err := k.ForgotPassword(ctx, pool.ForgotPasswordInput{Client: "server", ClientSecret: s, Username: "ida@example.com"})
	if err != nil {
		k.t.Fatal(err)
	}
	return map[string]func(string, password.Secret) error{
		"SignUp": func(c string, s password.Secret) error {
			return second(k.SignUp(ctx, pool.SignUpInput{Client: c, ClientSecret: s, Username: ada, Password: right}))
		},
		"ConfirmSignUp": func(_ string, s password.Secret) error {
			return second(k.ConfirmSignUp(ctx, pool.CodeInput{ClientSecret: s, Ticket: up.Ticket, Code: "12345"}))
		},
		"ConfirmLink": func(_ string, s password.Secret) error {
			return second(k.ConfirmLink(ctx, pool.LinkInput{ClientSecret: s, Ticket: up.Ticket, Link: up.Ticket}))
		},
		"ResendCode": func(_ string, s password.Secret) error {
			return second(k.ResendCode(ctx, pool.ResendInput{ClientSecret: s, Ticket: up.Ticket}))
		},
		"SignIn": func(c string, s password.Secret) error {
			return second(k.SignIn(ctx, pool.SignInInput{Client: c, ClientSecret: s, Username: ada, With: pool.Password{Value: right}}))
		},
		"Respond": func(_ string, s password.Secret) error {
			return second(k.Respond(ctx, pool.RespondInput{ClientSecret: s, Ticket: up.Ticket, With: pool.Code{Value: "12345"}}))
		},
		"ForgotPassword": func(c string, s password.Secret) error {
			return second(k.ForgotPassword(ctx, pool.ForgotPasswordInput{Client: c, ClientSecret: s, Username: ada}))
		},
		"ForgotUsername": func(c string, s password.Secret) error {
			return second(k.ForgotUsername(ctx, pool.ForgotUsernameInput{Client: c, ClientSecret: s, Address: ada}))
		},
		"ResetPassword": func(_ string, s password.Secret) error {
			in := pool.ResetPasswordInput{ClientSecret: s, Ticket: forgot.Ticket, Code: "1234567", Password: another}
			return second(k.ResetPassword(ctx, in))
		},
		"Refresh": func(c string, s password.Secret) error {
			return second(k.Refresh(ctx, pool.RefreshInput{Client: c, ClientSecret: s, Token: d.Tokens.Refresh}))
		},
		"SignOut": func(c string, s password.Secret) error {
			return k.SignOut(ctx, pool.SignOutInput{Client: c, ClientSecret: s, Token: d.Tokens.Refresh})
		},
	}
}

// Of two live secrets either is good and a third is refused, however many are added at once; one
// that is deleted is over at once, on every node, where the settings are in code as where they are
// not.
func TestT4_ClientSecretsRotate(t *testing.T) {
	t.Parallel()
	ns := nodes(t, memory.New(), 2, apps(server))
	k, elsewhere, admin := ns[0], ns[1], ns[0].admin()
	k.secret("server")
	k.permanent(ada)
	for _, s := range k.secrets("server") {
		if err := admin.DeleteClientSecret(t.Context(), "server", s.ID); err != nil {
			t.Fatal(err)
		}
	}
	added := make(chan pool.ClientSecret, 16)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			s, err := ns[i%2].admin().AddClientSecret(t.Context(), pool.AddClientSecretInput{Client: "server"})
			if err == nil {
				added <- s
			} else if !errors.Is(err, pool.ErrSecretLimit) && !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("AddClientSecret = %v, want ErrSecretLimit", err)
			}
		})
	}
	wg.Wait()
	close(added)
	var live []pool.ClientSecret
	for s := range added {
		live = append(live, s)
	}
	if len(live) != 2 || len(k.secrets("server")) != 2 {
		t.Fatalf("%d secrets were added, want 2", len(live))
	}
	var d *pool.Done
	for _, s := range live {
		var err error
		if d, err = elsewhere.signInWith(s.Value); err != nil {
			t.Fatalf("with a live secret: %v", err)
		}
	}
	if err := admin.DeleteClientSecret(t.Context(), "server", live[1].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.signInWith(live[1].Value); !errors.Is(err, pool.ErrUnknownClient) {
		t.Errorf("sign-in with a deleted secret = %v", err)
	}
	for _, n := range ns {
		in := pool.RefreshInput{ClientSecret: live[1].Value, Token: d.Tokens.Refresh}
		if _, err := n.Refresh(t.Context(), in); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("refresh with a deleted secret = %v", err)
		}
	}
	if _, err := elsewhere.Refresh(t.Context(), pool.RefreshInput{ClientSecret: live[0].Value, Token: d.Tokens.Refresh}); err != nil {
		t.Errorf("refresh with the other secret = %v", err)
	}
}

// Wrong client secrets are counted against the network that shows them, and from there none is judged
// any more. But whoever shares a network with a server does not keep it out: with the right one it
// goes on, as itself and for its visitors.
func TestT5_ClientSecretsAreCounted(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.permanent(ada)
		s := k.secret("server")
		try := func(c pool.Caller, s password.Secret) error {
			return second(k.SignIn(t.Context(), pool.SignInInput{
				Client: "server", ClientSecret: s, Username: ada, With: pool.Password{Value: right}, Caller: c,
			}))
		}
		k.store.reset()
		for n := range 100 {
			if err := try(from(1), password.New(fmt.Sprintf("%032d", n))); !errors.Is(err, pool.ErrUnknownClient) {
				t.Fatalf("guess %d = %v, want ErrUnknownClient", n, err)
			}
		}
		if _, commits := k.store.counted(); kinds(commits)["Count"] != 100 {
			t.Errorf("100 guesses = %v", kinds(commits))
		}
		k.store.reset()
		if err := try(from(1), chosen); !errors.Is(err, pool.ErrLimited) {
			t.Errorf("a wrong secret afterwards = %v, want ErrLimited", err)
		}
		if _, commits := k.store.counted(); len(commits) != 0 {
			t.Errorf("it wrote %v", kinds(commits))
		}
		if err := try(from(1), s); err != nil {
			t.Errorf("the right secret from there = %v", err)
		}
		app, err := k.App(t.Context(), "server", s, from(1))
		if err != nil {
			t.Fatalf("the app, from there = %v", err)
		}
		if _, err := app.Introspect(t.Context(), token.Secret{}); err != nil {
			t.Errorf("the app, from there = %v", err)
		}
		if err := try(from(2), s); err != nil {
			t.Errorf("the right secret from elsewhere = %v", err)
		}
		in := pool.SignInInput{Client: "web", Username: ada, With: pool.Password{Value: right}, Caller: from(1)}
		if _, err := k.SignIn(t.Context(), in); err != nil {
			t.Errorf("at a public client, in the same network = %v", err)
		}
		k.clock.advance(15 * time.Minute)
		if err := try(from(1), chosen); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("a wrong secret after 15 minutes = %v, want ErrUnknownClient", err)
		}
	}, apps(server, pool.Client{ID: "web"}))
}

// What is stored of a client secret opens nothing: not for whoever reads the database, nor, moved to
// another client or another id, for whoever writes it.
func TestT4_StoredClientSecretsAreBound(t *testing.T) {
	t.Parallel()
	st := memory.New()
	k := openOn(t, st, apps(server, pool.Client{ID: "other", Confidential: true}))
	s := k.secret("server")
	k.secret("other")
	page, err := st.Documents(t.Context(), "default", storage.DocumentQuery{Kind: "client"})
	if err != nil || len(page.Documents) != 2 {
		t.Fatalf("Documents = %v, %v", page.Documents, err)
	}
	other, own := page.Documents[0], page.Documents[1]
	if strings.Contains(string(own.Body), s.Reveal()) {
		t.Error("the secret stands in the database")
	}
	was := string(other.Body)
	for what, body := range map[string]string{
		"moved":         string(own.Body),
		"under its id":  strings.Replace(string(own.Body), k.secrets("server")[0].ID, k.secrets("other")[0].ID, 1),
		"without a MAC": `{"secrets":[{"id":"x","mac":"","created":"2026-05-01T12:00:00Z"}]}`,
		"none":          `{}`,
	} {
		got, err := st.Documents(t.Context(), "default", storage.DocumentQuery{Kind: "client"})
		if err != nil {
			t.Fatal(err)
		}
		got.Documents[0].Body = []byte(body)
		if err := st.Commit(t.Context(), storage.Put(got.Documents[0])); err != nil {
			t.Fatal(err)
		}
		in := pool.SignInInput{Client: "other", ClientSecret: s, Username: ada, With: pool.Password{Value: right}}
		if _, err := k.SignIn(t.Context(), in); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("%s = %v, want ErrUnknownClient (it was %s)", what, err, was)
		}
	}
}

// What an administrator may not ask for changes nothing.
func TestClientSecretsRefused(t *testing.T) {
	t.Parallel()
	k := open(t, apps(server, pool.Client{ID: "web"}))
	for what, tt := range map[string]struct {
		client, secret string
		want           error
	}{
		"unknown client":     {"nobody", chosen.Reveal(), pool.ErrUnknownClient},
		"no client":          {"", chosen.Reveal(), pool.ErrUnknownClient},
		"public client":      {"web", chosen.Reveal(), pool.ErrInvalid},
		"31 characters":      {"server", strings.Repeat("x", 31), pool.ErrInvalid},
		"257 characters":     {"server", strings.Repeat("x", 257), pool.ErrInvalid},
		"32 bytes of others": {"server", strings.Repeat("é", 16), pool.ErrInvalid},
		"a space":            {"server", strings.Repeat("x y", 16), pool.ErrInvalid},
	} {
		in := pool.AddClientSecretInput{Client: tt.client, Secret: password.New(tt.secret)}
		if _, err := k.admin().AddClientSecret(t.Context(), in); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", what, err, tt.want)
		}
	}
	for what, got := range map[string]error{
		"delete none":        expect(k.admin().DeleteClientSecret(t.Context(), "server", "x"), pool.ErrNotFound),
		"delete of a public": expect(k.admin().DeleteClientSecret(t.Context(), "web", "x"), pool.ErrInvalid),
		"delete of nobody's": expect(k.admin().DeleteClientSecret(t.Context(), "nobody", "x"), pool.ErrUnknownClient),
		"list of nobody's":   expect(second(k.admin().ListClientSecrets(t.Context(), "nobody")), pool.ErrUnknownClient),
		"add by nobody":      expect(second(k.Admin(pool.Actor{}).AddClientSecret(t.Context(), pool.AddClientSecretInput{})), pool.ErrInvalid),
		"list by nobody":     expect(second(k.Admin(pool.Actor{}).ListClientSecrets(t.Context(), "server")), pool.ErrInvalid),
		"delete by nobody":   expect(k.Admin(pool.Actor{}).DeleteClientSecret(t.Context(), "server", "x"), pool.ErrInvalid),
	} {
		if got != nil {
			t.Errorf("%s: %v", what, got)
		}
	}
	if n := len(k.secrets("server")); n != 0 {
		t.Errorf("there are %d secrets, want none", n)
	}
}

// A second secret of 32 characters is good, and so is one of 256.
func TestClientSecretsChosen(t *testing.T) {
	t.Parallel()
	k := open(t, apps(server))
	k.permanent(ada)
	for _, n := range []int{32, 256} {
		s := password.New(strings.Repeat("!~", n/2))
		if _, err := k.admin().AddClientSecret(t.Context(), pool.AddClientSecretInput{Secret: s}); err != nil {
			t.Fatalf("%d characters: %v", n, err)
		}
		if _, err := k.signInWith(s); err != nil {
			t.Errorf("with a secret of %d characters: %v", n, err)
		}
	}
}
