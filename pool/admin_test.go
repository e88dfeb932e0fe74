package pool_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// admin is the administrator of a test.
func (k *kit) admin() *pool.Admin { return k.Admin(pool.Actor{Name: "root"}) }

// invited makes a user with an email address and a temporary password, which is right.
func (k *kit) invited(login string) user.ID {
	k.t.Helper()
	u, err := k.admin().CreateUser(k.t.Context(), pool.CreateUserInput{Username: login, EmailVerified: true, Password: right})
	if err != nil {
		k.t.Fatalf("CreateUser(%q): %v", login, err)
	}
	return u.ID
}

// An invitation is all that it takes to come in, once.
func TestCreateUser(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{
			Username: "Ada@example.com", EmailVerified: true, Groups: []string{"staff", "admin", "staff"},
			Attributes: user.Attributes{"name": "Ada", "locale": "de", "nickname": ""},
		})
		if err != nil {
			t.Fatal(err)
		}
		if made.Status != user.ForceChangePassword || made.Disabled || made.Username != "Ada@example.com" || !made.EmailVerified ||
			!maps.Equal(made.Attributes, user.Attributes{"name": "Ada", "locale": "de"}) || !slices.Equal(made.Groups, []string{"admin", "staff"}) ||
			!made.Expires.Equal(k.clock.Now().Add(password.DefaultTemporaryValidity)) {
			t.Errorf("CreateUser = %+v", made)
		}
		for _, get := range []func() (pool.User, error){
			func() (pool.User, error) { return k.admin().GetUser(t.Context(), made.ID) },
			func() (pool.User, error) { return k.admin().FindUser(t.Context(), "ADA@example.com") },
		} {
			if got, err := get(); err != nil || fmt.Sprint(got) != fmt.Sprint(made) {
				t.Errorf("= %+v, %v, want %+v", got, err, made)
			}
		}
		mail := k.mails("Ada@example.com", 1)[0]
		if mail.Kind != message.Invitation || mail.Locale != "de" || !strings.Contains(mail.Text, "Ada@example.com") {
			t.Fatalf("mail = %+v", mail)
		}
		step, err := k.signIn(ada, password.New(temporary(mail)))
		need, ok := step.(*pool.NeedNewPassword)
		if !ok {
			t.Fatalf("sign-in by the password of the invitation = %T, %v", step, err)
		}
		if _, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.NewPassword{Value: right}})); err != nil {
			t.Fatal(err)
		}
		if got, err := k.admin().GetUser(t.Context(), made.ID); err != nil || got.Status != user.Confirmed || !got.Expires.IsZero() {
			t.Errorf("afterwards %+v, %v", got, err)
		}
	}, groups("staff", "admin"))
}

// temporary returns the password of an invitation, which stands on the last indented line.
func temporary(m message.Message) (last string) {
	for line := range strings.Lines(m.Text) {
		if word, indented := strings.CutPrefix(line, "    "); indented {
			last = strings.TrimSpace(word)
		}
	}
	return last
}

// Whoever is made a user owns a chosen name, and of addresses those that are vouched for.
func TestT7_AdminOwnsWhatIsVouchedFor(t *testing.T) {
	t.Parallel()
	const mail = "Ada@example.com"
	for name, tt := range map[string]struct {
		in     pool.CreateUserInput
		takes  []pool.Identifier
		logins string
		proven string // addresses
		field  string // that is refused; "" means none
	}{
		"a name alone":               {pool.CreateUserInput{Username: "ada", Suppress: true}, nil, "ada", "", ""},
		"an address, unvouched":      {pool.CreateUserInput{Username: mail}, nil, "", "", "EmailVerified"},
		"an address, vouched":        {pool.CreateUserInput{Username: mail, EmailVerified: true}, nil, mail, mail, ""},
		"an address, twice":          {pool.CreateUserInput{Username: mail, Attributes: user.Attributes{"email": ada}, EmailVerified: true}, nil, mail, mail, ""},
		"another address":            {pool.CreateUserInput{Username: mail, Attributes: user.Attributes{"email": "eve@example.com"}, EmailVerified: true}, nil, "", "", "Attributes.email"},
		"the other kind vouched":     {pool.CreateUserInput{Username: mail, Attributes: user.Attributes{"phone_number": phone}, PhoneVerified: true}, nil, "", "", "EmailVerified"},
		"a number, unvouched":        {pool.CreateUserInput{Username: phone}, nil, "", "", "PhoneVerified"},
		"a name and an address":      {pool.CreateUserInput{Username: "ada", Attributes: user.Attributes{"email": mail}}, nil, "ada", "", ""},
		"a name and a proven one":    {pool.CreateUserInput{Username: "ada", Attributes: user.Attributes{"email": mail}, EmailVerified: true}, nil, "ada " + mail, mail, ""},
		"a proven one that is no ID": {pool.CreateUserInput{Username: "ada", Attributes: user.Attributes{"email": mail}, EmailVerified: true}, []pool.Identifier{pool.Username}, "ada", mail, ""},
		"all of it": {pool.CreateUserInput{
			Username: "ada", Attributes: user.Attributes{"email": mail, "phone_number": phone}, EmailVerified: true, PhoneVerified: true,
		}, nil, "ada " + mail + " " + phone, mail + phone, ""},
		"nothing to vouch for":   {pool.CreateUserInput{Username: "ada", Suppress: true, EmailVerified: true}, nil, "", "", "EmailVerified"},
		"nowhere to invite to":   {pool.CreateUserInput{Username: "ada"}, nil, "", "", "Channel"},
		"no number to invite to": {pool.CreateUserInput{Username: mail, EmailVerified: true, Channel: message.SMS}, nil, "", "", "Channel"},
		"suppressed, by SMS":     {pool.CreateUserInput{Username: "ada", Suppress: true, Channel: message.SMS}, nil, "", "", "Channel"},
		"permanent, none given":  {pool.CreateUserInput{Username: "ada", Permanent: true}, nil, "", "", "Password"},
		"a word for verified":    {pool.CreateUserInput{Username: "ada", Suppress: true, Attributes: user.Attributes{"email_verified": "true"}}, nil, "", "", "Attributes.email_verified"},
		"no such group":          {pool.CreateUserInput{Username: "ada", Suppress: true, Groups: []string{"root"}}, nil, "", "", "Groups"},
		"a kind not taken":       {pool.CreateUserInput{Username: mail, EmailVerified: true}, []pool.Identifier{pool.Username}, "", "", "Username"},
		"a guessable password":   {pool.CreateUserInput{Username: "ada", Suppress: true, Password: password.New("password1")}, nil, "", "", "Password"},
		"made of the name":       {pool.CreateUserInput{Username: "zorblaxine", Suppress: true, Password: password.New("zorblaxine1")}, nil, "", "", "Password"},
		"one that mails cannot":  {pool.CreateUserInput{Username: mail, EmailVerified: true, Password: password.New("tab\tand some more of it")}, nil, "", "", "Password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := tt.takes
			if ids == nil {
				ids = []pool.Identifier{pool.Username, pool.Email, pool.Phone}
			}
			k := open(t, takes(ids...))
			k.store.reset()
			made, err := k.admin().CreateUser(t.Context(), tt.in)
			if tt.field != "" {
				v, _ := errors.AsType[*pool.ValidationError](err)
				if v == nil || len(v.Fields) != 1 || v.Fields[0].Field != tt.field {
					t.Errorf("= %v, want a fault of %s alone", err, tt.field)
				}
				if reads, commits := k.store.counted(); reads+len(commits) > 0 {
					t.Errorf("%d reads and %d commits after a fault", reads, len(commits))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var logins []string
			u := k.user(strings.ToLower(tt.in.Username))
			for _, l := range u.Logins {
				logins = append(logins, l.Display)
			}
			if got := strings.Join(logins, " "); got != tt.logins {
				t.Errorf("owns %q, want %q", got, tt.logins)
			}
			proven := ""
			if made.EmailVerified {
				proven = made.Email
			}
			if made.PhoneVerified {
				proven += made.Phone
			}
			if proven != tt.proven {
				t.Errorf("has proven %q, want %q", proven, tt.proven)
			}
		})
	}
}

// A login has one owner, whoever came first: a user, or a sign-up that loses then.
func TestT7_AdminAndVisitorWantOneLogin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		ticket := k.signUp(ada)
		code := k.code(ada, 1)
		k.invited(ada)
		if _, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: ticket, Code: code}); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("a sign-up confirmed after an administrator gave the address away = %v, want ErrLoginTaken", err)
		}
		k.store.reset()
		for _, in := range []pool.CreateUserInput{
			{Username: ada, EmailVerified: true},
			{Username: "countess", Attributes: user.Attributes{"email": ada}, EmailVerified: true},
		} {
			if _, err := k.admin().CreateUser(t.Context(), in); !errors.Is(err, pool.ErrLoginTaken) {
				t.Errorf("again as %s = %v, want ErrLoginTaken", in.Username, err)
			}
		}
		if _, err := k.admin().FindUser(t.Context(), "countess"); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("of whom was refused there is %v", err)
		}

		var wait sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			wait.Go(func() {
				_, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: "bob@example.com", EmailVerified: true, Suppress: true})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, pool.ErrLoginTaken) {
					t.Errorf("CreateUser = %v", err)
				}
			})
		}
		if wait.Wait(); won != 1 {
			t.Errorf("of 8 at once %d made the user, want 1", won)
		}
	}, takes(pool.Username, pool.Email))
}

// statuses make somebody in each status, who is found by login.
var statuses = map[user.Status]func(k *kit, login string){
	user.Unconfirmed:         func(k *kit, login string) { k.signUp(login) },
	user.Confirmed:           func(k *kit, login string) { k.confirmed(login) },
	user.ForceChangePassword: func(k *kit, login string) { k.confirmed(login); k.status(login, user.ForceChangePassword) },
	user.ResetRequired:       func(k *kit, login string) { k.confirmed(login); k.status(login, user.ResetRequired) },
	user.External:            func(k *kit, login string) { k.confirmed(login); k.status(login, user.External) },
}

func (k *kit) status(login string, s user.Status) {
	k.t.Helper()
	u := k.user(login)
	u.Status = s
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
		k.t.Fatal(err)
	}
}

// acts are what administrators do to users, with what becomes of a status; those that are not named
// are refused.
var acts = map[string]struct {
	do      func(a *pool.Admin, ctx context.Context, id user.ID) error
	to      map[user.Status]user.Status // nil means that it stays
	revokes bool
}{
	"ConfirmSignUp": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		return a.ConfirmSignUp(ctx, pool.ConfirmUserInput{ID: id})
	}, map[user.Status]user.Status{user.Unconfirmed: user.Confirmed}, true},
	"ResendInvitation": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		return a.ResendInvitation(ctx, pool.ResendInvitationInput{ID: id})
	}, map[user.Status]user.Status{user.ForceChangePassword: user.ForceChangePassword}, true},
	"SetPassword": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		return a.SetPassword(ctx, pool.SetPasswordInput{ID: id, Password: another, Permanent: true})
	}, all(user.Confirmed), true},
	"SetPassword, temporary": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		return a.SetPassword(ctx, pool.SetPasswordInput{ID: id, Password: another})
	}, all(user.ForceChangePassword), true},
	"ResetPassword": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		_, err := a.ResetPassword(ctx, pool.RequireResetInput{ID: id})
		return err
	}, map[user.Status]user.Status{user.Confirmed: user.ResetRequired, user.ResetRequired: user.ResetRequired}, true},
	"UpdateAttributes": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		return a.UpdateAttributes(ctx, pool.UpdateAttributesInput{ID: id, Attributes: user.Attributes{"name": "Ada"}})
	}, nil, false},
	"Disable":           {(*pool.Admin).Disable, nil, true},
	"Enable":            {(*pool.Admin).Enable, nil, false},
	"SignOutEverywhere": {(*pool.Admin).SignOutEverywhere, nil, true},
	"AddToGroup": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		return a.AddToGroup(ctx, id, "staff")
	}, map[user.Status]user.Status{ // who is nobody yet is in no group
		user.Confirmed: user.Confirmed, user.ForceChangePassword: user.ForceChangePassword, user.ResetRequired: user.ResetRequired, user.External: user.External,
	}, false},
	"RemoveFromGroup": {func(a *pool.Admin, ctx context.Context, id user.ID) error {
		return a.RemoveFromGroup(ctx, id, "gone")
	}, nil, false},
	"DeleteUser": {(*pool.Admin).DeleteUser, all(""), true},
}

// all moves every status to one.
func all(to user.Status) map[user.Status]user.Status {
	m := map[user.Status]user.Status{}
	for s := range statuses {
		m[s] = to
	}
	return m
}

// Every act in every status: what it may do it does, in one commit that its event is in and after
// which old sessions are over where it says so; what it may not changes nothing.
func TestT3_AdminActsInEveryStatus(t *testing.T) {
	t.Parallel()
	for name, act := range acts {
		for status, make := range statuses {
			t.Run(name+"/"+string(status), func(t *testing.T) {
				t.Parallel()
				k := open(t, func(c *pool.Config) {
					c.Settings = &pool.Settings{
						SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Email}}, Groups: []pool.Group{{Name: "staff"}},
					}
				})
				make(k, "ada")
				was := k.user("ada")
				want, able := act.to[status]
				if act.to == nil {
					want, able = status, true
				}
				k.store.reset()
				err := act.do(k.admin(), t.Context(), was.ID)
				reads, commits := k.store.counted()
				now := k.user("ada")
				if !able {
					if !errors.Is(err, pool.ErrNotAllowed) || errors.Is(err, user.ErrTransition) == (name == "AddToGroup") || len(commits) > 0 || now.Version != was.Version {
						t.Errorf("= %v after %d commits, want ErrNotAllowed and none", err, len(commits))
					}
					return
				}
				if err != nil || reads != 1 || len(commits) != 1 {
					t.Fatalf("= %v after %d reads and %d commits, want one of each", err, reads, len(commits))
				}
				if e := k.acted(was.ID); e.Actor != "root" || e.Outcome != "success" {
					t.Errorf("event = %+v, want a success of root's", e)
				}
				revoked := kinds(commits)["PutRecord*storage.Revocation"] == 1
				if want == "" {
					if now != nil || !revoked {
						t.Errorf("there is still %+v, revoked %v", now, revoked)
					}
					return
				}
				if now.Status != want || now.Epoch > was.Epoch != act.revokes || revoked != act.revokes || now.Updated.Before(was.Updated) {
					t.Errorf("status %q, epoch %d after %d, revoked %v; want %q, %v", now.Status, now.Epoch, was.Epoch, revoked, want, act.revokes)
				}
			})
		}
	}
}

// acted returns the event of an administrator's act on a user.
func (k *kit) acted(id user.ID) pool.Event {
	k.t.Helper()
	page, err := k.ListEvents(k.t.Context(), pool.EventQuery{User: id})
	if err != nil || len(page.Events) == 0 {
		k.t.Fatalf("no events of %s: %v", id, err)
	}
	found := page.Events[0]
	for _, e := range page.Events { // of one instant they have no order
		if e.Actor != "" {
			found = e
		}
	}
	return found
}

// What is nobody's, of nobody, or from nobody is a typed error at the door.
func TestAdminRefuses(t *testing.T) {
	t.Parallel()
	k := open(t, groups("staff"))
	k.confirmed(ada)
	id := k.user(ada).ID
	for name, act := range acts {
		for _, nobody := range []user.ID{"", "nobody", user.NewID(), "a\x00b", "\xff", user.ID(strings.Repeat("a", 1<<20)), user.ID(ada)} {
			if err := act.do(k.admin(), t.Context(), nobody); !errors.Is(err, pool.ErrNotFound) || len(err.Error()) > 100 {
				t.Errorf("%s of %.20q = %.200v, want ErrNotFound", name, nobody, err)
			}
		}
		for _, actor := range []string{"", strings.Repeat("x", 129), "a\nb", "a\x00", "\xff", "a\u202eb"} {
			if err := act.do(k.Admin(pool.Actor{Name: actor}), t.Context(), id); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("%s by %.20q = %v, want ErrInvalid", name, actor, err)
			}
		}
	}
	for _, login := range []string{"", "countess", "a\x00@example.com", strings.Repeat("a", 1<<20)} {
		if _, err := k.admin().FindUser(t.Context(), login); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("FindUser(%.20q) = %v, want ErrInvalid", login, err)
		}
	}
	if _, err := k.admin().FindUser(t.Context(), "eve@example.com"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("FindUser of a stranger = %v, want ErrNotFound", err)
	}
	for _, group := range []string{"", "root", "Staff", "a\x00b", "\xff", strings.Repeat("a", 1<<20)} {
		if err := k.admin().AddToGroup(t.Context(), id, group); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("AddToGroup(%.20q) = %v, want ErrInvalid", group, err)
		}
		if err := k.admin().RemoveFromGroup(t.Context(), id, group); err != nil {
			t.Errorf("RemoveFromGroup(%.20q) = %v", group, err)
		}
	}
}

// An administrator's word confirms a sign-up, and proves no address that it does not vouch for.
func TestT7_AdminConfirmsWithoutProof(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		login, email         string
		vouch                bool
		owns, verified, fail bool // the email address
	}{
		"a name":                 {"countess", "ada@example.com", false, false, false, false},
		"a name, vouched":        {"countess", "ada@example.com", true, true, true, false},
		"an address":             {"ada@example.com", "", false, false, false, true},
		"an address, vouched":    {"ada@example.com", "", true, true, true, false},
		"a number, not an email": {phone, "", true, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, takes(pool.Username, pool.Email, pool.Phone))
			in := pool.SignUpInput{Username: tt.login, Password: right}
			if tt.email != "" {
				in.Attributes = user.Attributes{"email": tt.email}
			}
			up, err := k.SignUp(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			id := k.user(tt.login).ID
			err = k.admin().ConfirmSignUp(t.Context(), pool.ConfirmUserInput{ID: id, EmailVerified: tt.vouch})
			if tt.fail {
				if !errors.Is(err, pool.ErrInvalid) || k.user(tt.login).Somebody() {
					t.Errorf("= %v, want ErrInvalid", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := confirm(k, up.Ticket, "123456"); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("the ticket of the sign-up = %v, want ErrTicketGone", err)
			}
			k.done(tt.login)
			got, err := k.admin().GetUser(t.Context(), id)
			if err != nil || got.EmailVerified != tt.verified || got.Email != "ada@example.com" {
				t.Errorf("GetUser = %+v, %v", got, err)
			}
			if owner := k.user("ada@example.com"); (owner != nil && owner.Somebody()) != tt.owns {
				t.Errorf("the address is owned by %+v", owner)
			}
		})
	}
}

// A temporary password that was replaced is sent to nobody, though its message was waiting.
func TestT4_AnInvitationDiesWithItsPassword(t *testing.T) {
	t.Parallel()
	var k *kit
	var down atomic.Bool
	down.Store(true)
	tried := make(chan struct{}, 100)
	k = open(t, func(c *pool.Config) {
		c.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error {
			if down.Load() {
				tried <- struct{}{}
				return errors.New("down")
			}
			return k.box.Send(ctx, m)
		})
	})
	made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	<-tried
	if err := k.admin().ResendInvitation(t.Context(), pool.ResendInvitationInput{ID: made.ID}); err != nil {
		t.Fatal(err)
	}
	down.Store(false)
	k.clock.advance(time.Minute)
	first := k.mails(ada, 1)[0] // messages to one person keep their order
	step, err := k.signIn(ada, password.New(temporary(first)))
	if _, ok := step.(*pool.NeedNewPassword); !ok {
		t.Errorf("the password of the first mail that came = %T, %v", step, err)
	}
}

// The hook may refuse whom an administrator makes; what it vouches for is ignored, and nobody is
// confirmed.
func TestCreateUserHooks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []hook.Event
	var say error
	refuse := errors.New("not here")
	note := func(e hook.Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
	}
	k := open(t, with(hook.Set{
		PreSignUp: func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			note(e.Event)
			return hook.PreSignUpAnswer{Confirm: true, VerifyPhone: true}, say
		},
		PostConfirmation: func(_ context.Context, e hook.PostConfirmation) error { note(e.Event); return nil },
		CustomMessage: func(_ context.Context, e hook.CustomMessage) (hook.CustomMessageAnswer, error) {
			if e.Kind == message.Invitation {
				note(e.Event)
			}
			return hook.CustomMessageAnswer{Subject: "Welcome", Text: "{username} " + e.Code}, nil
		},
	}))
	in := pool.CreateUserInput{Username: ada, EmailVerified: true, Password: right, Attributes: user.Attributes{"name": "Ada"}, Metadata: map[string]string{"plan": "pro"}}
	made, err := k.admin().CreateUser(t.Context(), in)
	if err != nil || made.Status != user.ForceChangePassword {
		t.Fatalf("CreateUser = %+v, %v", made, err)
	}
	if m := k.mails(ada, 1)[0]; m.Text != ada+" "+right.Reveal() {
		t.Errorf("mail = %q", m.Text)
	}
	mu.Lock()
	if len(told) != 2 || told[0].Source != hook.AdminCreateUser || told[0].Attributes["email"] != ada || told[0].Metadata["plan"] != "pro" ||
		told[1].Source != hook.AdminCreateUser || told[1].User != made.ID {
		t.Errorf("hooks were told %+v", told)
	}
	say = refuse
	mu.Unlock()
	in.Username = "bob@example.com"
	if _, err := k.admin().CreateUser(t.Context(), in); !errors.Is(err, refuse) {
		t.Errorf("CreateUser = %v, want the hook's error", err)
	}
	if _, err := k.admin().FindUser(t.Context(), in.Username); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("somebody whom the hook refused is there: %v", err)
	}
}

// Of acts at once on one user every one counts, and none undoes another.
func TestAdminsAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d, id := k.done(ada), k.user(ada).ID
		var wait sync.WaitGroup
		for _, act := range []func() error{
			func() error { return k.admin().Disable(t.Context(), id) },
			func() error { return k.admin().AddToGroup(t.Context(), id, "staff") },
			func() error { return k.admin().AddToGroup(t.Context(), id, "admin") },
			func() error { return k.admin().SignOutEverywhere(t.Context(), id) },
			func() error { _, err := k.refresh(d); return ignore(err, pool.ErrNotAuthorized) },
			func() error { _, err := k.signIn(ada, right); return ignore(err, pool.ErrNotAuthorized) },
		} {
			wait.Go(func() {
				if err := act(); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		got, err := k.admin().GetUser(t.Context(), id)
		if err != nil || !got.Disabled || len(got.Groups) != 2 {
			t.Errorf("GetUser = %+v, %v", got, err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh of a disabled user = %v", err)
		}
		if err := k.admin().Enable(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh once enabled = %v: what ended stays over", err)
		}
		k.done(ada)
	}, groups("staff", "admin"))
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// A commit whose answer was lost is done once.
func TestAdminFindsOutWhatBecameOfACommit(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.store.answer(func(err error) error {
		if err != nil {
			return err
		}
		return storage.ErrUnknown
	})
	made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true, Suppress: true})
	if err != nil {
		t.Fatalf("CreateUser = %v", err)
	}
	if err := k.admin().Disable(t.Context(), made.ID); err != nil {
		t.Errorf("Disable = %v", err)
	}
	k.store.answer(nil)
	k.store.instead(storage.ErrUnknown)
	if err := k.admin().Enable(t.Context(), made.ID); !errors.Is(err, pool.ErrUnavailable) {
		t.Errorf("Enable that was not stored = %v, want ErrUnavailable", err)
	}
	k.store.instead(nil)
	if got, err := k.admin().GetUser(t.Context(), made.ID); err != nil || !got.Disabled {
		t.Errorf("GetUser = %+v, %v", got, err)
	}
}

// Whatever becomes of the commit of an act, it is done or it is not, and who asked is told which.
func TestAdminActsAreDoneOrNot(t *testing.T) {
	t.Parallel()
	for name, act := range acts {
		able := user.Confirmed
		if act.to != nil && act.to[able] == "" {
			for able = range act.to {
			}
		}
		for what, tt := range map[string]struct {
			instead error
			answer  func(error) error
			want    error
		}{
			"loses its answer":          {nil, func(error) error { return storage.ErrUnknown }, nil},
			"is lost":                   {storage.ErrUnknown, nil, pool.ErrUnavailable},
			"is refused for a moment":   {storage.ErrRetry, nil, pool.ErrUnavailable},
			"always comes too late":     {&storage.ChangeError{Err: storage.ErrStale}, nil, pool.ErrUnavailable},
			"meets a store that closed": {storage.ErrClosed, nil, pool.ErrClosed},
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				k := open(t, func(c *pool.Config) {
					c.Settings = &pool.Settings{
						SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Email}},
						Groups: []pool.Group{{Name: "staff"}},
					}
				})
				statuses[able](k, "ada")
				was := k.user("ada")
				k.store.instead(tt.instead)
				k.store.answer(tt.answer)
				err := act.do(k.admin(), t.Context(), was.ID)
				k.store.instead(nil)
				k.store.answer(nil)
				now := k.user("ada")
				if name == "DeleteUser" && tt.instead == nil { // nothing is left by which to tell
					if !errors.Is(err, pool.ErrUnavailable) || now != nil {
						t.Errorf("= %v, and there is %+v", err, now)
					}
					return
				}
				if !errors.Is(err, tt.want) || (now.Version != was.Version) != (err == nil) {
					t.Errorf("= %v, want %v; stamps %d and %d", err, tt.want, was.Version, now.Version)
				}
			})
		}
	}
}

// What happens between the read and the commit of an act is not overwritten by it, nor it by that.
func TestAdminAndVisitorMeanwhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, k *kit){
		"confirms, and the visitor does": func(t *testing.T, k *kit) {
			ticket := k.signUp(ada)
			code := k.code(ada, 1)
			id := k.user(ada).ID
			k.store.meanwhile(func() {
				if err := confirm(k, ticket, code); err != nil {
					t.Error(err)
				}
			})
			err := k.admin().ConfirmSignUp(t.Context(), pool.ConfirmUserInput{ID: id, EmailVerified: true})
			if !errors.Is(err, pool.ErrNotAllowed) {
				t.Errorf("= %v, want ErrNotAllowed", err)
			}
		},
		"disables, and the visitor signs in": func(t *testing.T, k *kit) {
			k.confirmed(ada)
			var d *pool.Done
			k.store.meanwhile(func() { d = k.done(ada) })
			if err := k.admin().Disable(t.Context(), k.user(ada).ID); err != nil {
				t.Fatal(err)
			}
			if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("refresh = %v", err)
			}
		},
		"signs in, and is disabled": func(t *testing.T, k *kit) {
			k.confirmed(ada)
			id := k.user(ada).ID
			k.store.meanwhile(func() {
				if err := k.admin().Disable(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
			if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("sign-in = %v, want ErrNotAuthorized", err)
			}
		},
		"signs in, and is deleted": func(t *testing.T, k *kit) {
			k.confirmed(ada)
			id := k.user(ada).ID
			k.store.meanwhile(func() {
				if err := k.admin().DeleteUser(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
			if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("sign-in = %v, want ErrNotAuthorized", err)
			}
		},
		"answers a temporary password, and is invited again": func(t *testing.T, k *kit) {
			id := k.invited(ada)
			step, err := k.signIn(ada, right)
			need, ok := step.(*pool.NeedNewPassword)
			if !ok {
				t.Fatal(step, err)
			}
			k.store.meanwhile(func() {
				if err := k.admin().ResendInvitation(t.Context(), pool.ResendInvitationInput{ID: id, Password: another}); err != nil {
					t.Error(err)
				}
			})
			in := pool.RespondInput{Ticket: need.Ticket, With: pool.NewPassword{Value: password.New("a third horse battery")}}
			if _, err := k.Respond(t.Context(), in); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("= %v, want ErrTicketGone", err)
			}
			if step, err := k.signIn(ada, another); err != nil || step.Kind() != pool.KindNewPassword {
				t.Errorf("the newer password = %v, %v", step, err)
			}
		},
		"sets the password, and another administrator does": func(t *testing.T, k *kit) {
			k.confirmed(ada)
			id := k.user(ada).ID
			k.store.meanwhile(func() {
				in := pool.SetPasswordInput{ID: id, Password: password.New("a third horse battery"), Permanent: true}
				if err := k.Admin(pool.Actor{Name: "eve"}).SetPassword(t.Context(), in); err != nil {
					t.Error(err)
				}
			})
			if err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: id, Password: another, Permanent: true}); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
				t.Errorf("the later password = %v", err)
			}
		},
		"makes a user, and another administrator does": func(t *testing.T, k *kit) {
			k.store.meanwhile(func() { k.invited(ada) })
			_, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true})
			if !errors.Is(err, pool.ErrLoginTaken) {
				t.Errorf("= %v, want ErrLoginTaken", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); onEach(t, test) })
	}
}

// The code that an administrator has sent sets a new password, with the ticket that goes with it.
func TestAdminResetPassword(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d, id, old := k.done(ada), k.user(ada).ID, k.forgot(ada)
		oldCode := k.code(ada, 2)
		res, err := k.admin().ResetPassword(t.Context(), pool.RequireResetInput{ID: id})
		if err != nil || res.Delivery.Destination != ada {
			t.Fatalf("ResetPassword = %+v, %v", res, err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the old password = %v, want ErrNotAuthorized", err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a refresh = %v, want ErrNotAuthorized", err)
		}
		if err := k.reset(old, oldCode, another); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a code of before = %v, want ErrBadCode", err)
		}
		if err := k.reset(res.Ticket, k.code(ada, 3), another); err != nil {
			t.Fatalf("the code = %v", err)
		}
		if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
			t.Errorf("the new password = %v", err)
		}
		if err := k.admin().Disable(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := k.admin().ResetPassword(t.Context(), pool.RequireResetInput{ID: id}); !errors.Is(err, pool.ErrNotAllowed) {
			t.Errorf("of somebody disabled = %v, want ErrNotAllowed", err)
		}
	})
}

// A password that an administrator sets opens what guessing has locked for good, and its owner is
// told.
func TestT5_AdminSetsAPasswordAnew(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 5 {
		k.signIn(ada, wrong)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Fatalf("while locked = %v", err)
	}
	in := pool.SetPasswordInput{ID: k.user(ada).ID, Password: another, Permanent: true}
	if err := k.admin().SetPassword(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
		t.Errorf("the new password = %v", err)
	}
	for _, m := range k.mails(ada, 3)[1:] {
		if m.Kind != message.PasswordChanged && m.Kind != message.SignInAttempts || strings.Contains(m.Text, another.Reveal()) {
			t.Errorf("mail %s: %s", m.Kind, m.Text)
		}
	}
	in.Permanent = false
	if err := k.admin().SetPassword(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(7 * 24 * time.Hour)
	if _, err := k.signIn(ada, another); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("a temporary password after 7 days = %v, want ErrNotAuthorized", err)
	}
}

// A password that an administrator gives keeps the policy, and one that is made is asked about
// nowhere.
func TestAdminsPasswordsKeepThePolicy(t *testing.T) {
	t.Parallel()
	l, asks := asking(t, true)
	k := open(t, asks, func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.SignIn.Identifiers = []pool.Identifier{pool.Username, pool.Email}
		c.Settings.Passwords = password.Policy{History: 2, RequireSymbols: true, RequireNumbers: true, MinLength: 20}
	})
	made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	if asked := l.questions(); len(asked) > 0 {
		t.Errorf("%d questions about a password that was made", len(asked))
	}
	sent := temporary(k.mails(ada, 1)[0])
	first, second := password.New("1 correct horse battery staple!"), password.New("2 correct horse battery staple!")
	for _, tt := range []struct {
		name  string
		value password.Secret
		want  error
	}{
		{"the one that was made", password.New(sent), pool.ErrInvalid},
		{"without a digit", right, pool.ErrInvalid},
		{"short", password.New("1 horse!"), pool.ErrInvalid},
		{"none", password.Secret{}, pool.ErrInvalid},
		{"breached", password.New("1! " + leaked.Reveal()), nil},
		{"a first", first, nil},
		{"the same", first, pool.ErrInvalid},
		{"a second", second, nil},
		{"the one before", first, pool.ErrInvalid},
	} {
		was := k.user(ada).Version
		err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: made.ID, Password: tt.value, Permanent: true})
		if !errors.Is(err, tt.want) || (k.user(ada).Version != was) != (tt.want == nil) {
			t.Errorf("%s = %v, want %v", tt.name, err, tt.want)
		}
	}
	if asked := l.questions(); len(asked) == 0 {
		t.Error("nobody was asked about passwords that were given")
	}
	l.fail(func() {})
	if err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: made.ID, Password: password.New("3 correct horse battery staple!")}); !errors.Is(err, pool.ErrUnavailable) {
		t.Errorf("while nobody can be asked = %v, want ErrUnavailable", err)
	}
	l.fail(nil)
	for i := range 120 { // more than a network may
		in := pool.CreateUserInput{Username: fmt.Sprint("user", i), Suppress: true, Password: first}
		if _, err := k.admin().CreateUser(t.Context(), in); err != nil {
			t.Fatalf("user %d: %v", i, err)
		}
	}
	up := pool.SignUpInput{Username: "bobby", Attributes: user.Attributes{"email": "bob@example.com"}, Password: first}
	if _, err := k.SignUp(t.Context(), up); err != nil {
		t.Fatal(err)
	}
	in := pool.SetPasswordInput{ID: k.user("bobby").ID, Password: password.New("bobby-bobby-bobby-1-!"), Permanent: true}
	if err := k.admin().SetPassword(t.Context(), in); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("a password made of the name of a sign-up = %v, want ErrInvalid", err)
	}
}
