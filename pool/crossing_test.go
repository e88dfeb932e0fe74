package pool_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// twins is a directory of two pools with the same clients, groups, keyring and people.
type twins struct {
	*city
	watch *watching
	boxes map[string]*mailbox.Mailbox
	made  int // users, for their names
}

// watching is a store that notes what callers, not chores, ask of any pool but one, and what they
// commit.
type watching struct {
	storage.Store

	mu     sync.Mutex
	home   user.PoolID // "" means that nobody looks
	strays []string
	writes []storage.Change
}

func (w *watching) note(ctx context.Context, what string, id user.PoolID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.home != "" && id != w.home && ctx.Value(byChore{}) == nil {
		w.strays = append(w.strays, fmt.Sprintf("%s of pool %q", what, id))
	}
}

func (w *watching) Read(ctx context.Context, id user.PoolID, q storage.Want) (storage.Got, error) {
	w.note(ctx, "Read", id)
	for _, k := range q.Counters {
		w.note(ctx, "counter", k.Pool)
	}
	return w.Store.Read(ctx, id, q)
}

func (w *watching) Users(ctx context.Context, id user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	w.note(ctx, "Users", id)
	return w.Store.Users(ctx, id, q)
}

func (w *watching) Sessions(ctx context.Context, id user.PoolID, q storage.SessionQuery) (storage.SessionPage, error) {
	w.note(ctx, "Sessions", id)
	return w.Store.Sessions(ctx, id, q)
}

func (w *watching) Documents(ctx context.Context, id user.PoolID, q storage.DocumentQuery) (storage.DocumentPage, error) {
	w.note(ctx, "Documents", id)
	return w.Store.Documents(ctx, id, q)
}

func (w *watching) Events(ctx context.Context, id user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	w.note(ctx, "Events", id)
	return w.Store.Events(ctx, id, q)
}

func (w *watching) Pools(ctx context.Context, q storage.PoolQuery) (storage.PoolPage, error) {
	w.note(ctx, "Pools", q.ID)
	return w.Store.Pools(ctx, q)
}

func (w *watching) Commit(ctx context.Context, changes ...storage.Change) error {
	if id, err := storage.Check(changes); err == nil {
		w.note(ctx, "Commit", id)
	}
	err := w.Store.Commit(ctx, changes...)
	if err == nil && ctx.Value(byChore{}) == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.writes = append(w.writes, changes...)
	}
	return err
}

// during runs f and returns what was asked of other pools than one, and what was written.
func (w *watching) during(home user.PoolID, f func()) (strays []string, writes []storage.Change) {
	w.mu.Lock()
	w.home, w.strays, w.writes = home, nil, nil
	w.mu.Unlock()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.home = ""
	return w.strays, w.writes
}

// openTwins opens both, with ada, who is confirmed, in either.
func openTwins(t *testing.T, st storage.Store, byLink bool) (tw twins, a, b *kit) {
	t.Helper()
	tw = twins{watch: &watching{Store: st}, boxes: map[string]*mailbox.Mailbox{"a": mailbox.New(), "b": mailbox.New()}}
	tw.city = openCity(t, tw.watch, func(c *pool.DirectoryConfig) {
		c.ConfirmURL = "/confirm"
		c.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error { return tw.boxes[m.Pool].Send(ctx, m) })
	})
	both := [2]*kit{}
	for i, id := range []user.PoolID{"a", "b"} {
		k := tw.kit(tw.create(id, pool.Settings{
			SignUp: pool.SignUpSettings{ByLink: byLink}, Groups: []pool.Group{{Name: "staff"}}, Clients: []pool.Client{{ID: "web"}},
		}))
		k.box = tw.boxes[string(id)]
		k.confirmed(ada)
		if err := k.Admin(operator).AddToGroup(t.Context(), k.idAt(ada), "staff"); err != nil {
			t.Fatal(err)
		}
		both[i] = k
	}
	return tw, both[0], both[1]
}

// idAt returns the id of the user behind a login, as an administrator finds it.
func (k *kit) idAt(login string) user.ID {
	k.t.Helper()
	u, err := k.Admin(operator).FindUser(k.t.Context(), login)
	if err != nil {
		k.t.Fatalf("FindUser(%q): %v", login, err)
	}
	return u.ID
}

// hold is what somebody holds of a pool: each is tried wherever it may go.
type hold struct {
	id           user.ID
	ticket, code string
	text         string // a link, a page token, a cookie, an id
	secret       token.Secret
	device       string
}

// held gathers all that pool a gives out, of every kind.
func (tw *twins) held(t *testing.T, a *kit) (all []hold) {
	t.Helper()
	ctx, admin := t.Context(), a.Admin(operator)
	id, done := a.idAt(ada), a.done(ada)
	browser, err := pool.Finished(a.SignIn(ctx, pool.SignInInput{
		Username: ada, With: pool.Password{Value: right}, Caller: pool.Caller{Browser: true},
	}))
	if err != nil {
		t.Fatal(err)
	}
	const bob = "bob@example.com"
	tickets := [][2]string{{a.signUp(bob), ""}}
	proof := a.mails(bob, 1)[0]
	tickets[0][1] = a.box.Code(bob)
	if proof.Kind == message.ConfirmSignUpLink {
		_, tickets[0][1], _ = strings.Cut(a.box.Link(bob), "link=")
	}
	forgot, err := a.ForgotPassword(ctx, pool.ForgotPasswordInput{Username: ada})
	if err != nil {
		t.Fatal(err)
	}
	tickets = append(tickets, [2]string{forgot.Ticket, a.code(ada, 2)})
	step, err := a.signIn(bob, right)
	if need, ok := step.(*pool.NeedConfirm); ok && err == nil {
		tickets = append(tickets, [2]string{need.Ticket, tickets[0][1]})
	} else {
		t.Fatalf("SignIn = %T, %v", step, err)
	}
	temporary := pool.CreateUserInput{Username: "carol@example.com", EmailVerified: true, Password: right, Suppress: true}
	if _, err := admin.CreateUser(ctx, temporary); err != nil {
		t.Fatal(err)
	}
	if need, ok := stepOf(a.signIn("carol@example.com", right)).(*pool.NeedNewPassword); ok {
		tickets = append(tickets, [2]string{need.Ticket, "000000"})
	} else {
		t.Fatal("a temporary password needs no new one")
	}
	users, err := admin.ListUsers(ctx, pool.UserQuery{Limit: 1})
	if err != nil || users.Next == "" {
		t.Fatalf("ListUsers = %+v, %v", users, err)
	}
	events, err := a.ListEvents(ctx, pool.EventQuery{Limit: 1})
	if err != nil || events.Next == "" {
		t.Fatalf("ListEvents = %+v, %v", events, err)
	}
	account, err := a.Account(ctx, done.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := account.Sessions(ctx)
	if err != nil || len(sessions) == 0 {
		t.Fatalf("Sessions = %v, %v", sessions, err)
	}
	_, version, err := admin.Settings(ctx)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{users.Next, events.Next, sessions[0].ID, string(id), string(version), browser.Cookie.Reveal(), tickets[0][1]}
	secrets := []token.Secret{done.Tokens.Access, done.Tokens.ID, done.Tokens.Refresh, browser.Cookie}
	for i := range max(len(texts), len(secrets), len(tickets)) {
		tk := tickets[i%len(tickets)]
		all = append(all, hold{id, tk[0], tk[1], texts[i%len(texts)], secrets[i%len(secrets)], done.Device})
	}
	return all
}

func stepOf(s pool.Step, _ error) pool.Step { return s }

// fill makes an argument out of what somebody holds of another pool, and reports whether any of it
// is in.
func (h hold) fill(v reflect.Value, name string) (used bool) {
	switch v.Interface().(type) {
	case pool.Caller:
		v.Set(reflect.ValueOf(pool.Caller{IP: from(7).IP, Device: h.device}))
		return false
	case pool.Settings, user.Attributes:
		return false
	case password.Secret:
		v.Set(reflect.ValueOf(right))
		return false
	case token.Secret:
		v.Set(reflect.ValueOf(h.secret))
		return true
	case user.ID:
		v.SetString(string(h.id))
		return true
	}
	switch kind := v.Kind(); {
	case kind == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && h.fill(v.Field(i), f.Name) {
				used = true
			}
		}
	case kind == reflect.String:
		text, theirs := h.named(name)
		v.SetString(text)
		return theirs
	case kind == reflect.Interface && reflect.TypeFor[pool.Code]().Implements(v.Type()):
		v.Set(reflect.ValueOf(pool.Code{Value: h.code}))
	}
	return used
}

// named returns what goes into a text of a name, and whether it is of the other pool: names that the
// pools have in common are not, and whatever is not known here is tried as everything.
func (h hold) named(name string) (text string, theirs bool) {
	switch name {
	case "Username", "Address", "Login", "Email", "Preferred":
		return ada, false
	case "Client", "ClientSecret", "Locale", "Description", "Channel", "Status", "Kind":
		return "", false
	case "Name", "Group", "Role":
		return "staff", false
	case "Ticket":
		return h.ticket, true
	case "Code":
		return h.code, true
	}
	return h.text, true
}

// args makes the arguments of a method.
func (h hold) args(ctx context.Context, m reflect.Value) (args []reflect.Value, used bool) {
	args = []reflect.Value{reflect.ValueOf(ctx)}
	for i := 1; i < m.Type().NumIn(); i++ {
		if m.Type().IsVariadic() && i == m.Type().NumIn()-1 {
			break
		}
		v, name := reflect.New(m.Type().In(i)).Elem(), ""
		if i > 1 {
			name = "Group" // beside a user
		}
		used = h.fill(v, name) || used
		args = append(args, v)
	}
	return args, used
}

// asksOnly reports whether no more was written than that something was asked for.
func asksOnly(changes []storage.Change) bool {
	for _, c := range changes {
		if put, ok := c.(storage.PutRecord); ok {
			if _, event := put.Record.(*storage.Event); !event {
				return false
			}
		}
		if _, deleted := c.(storage.DeleteRecord); deleted {
			return false
		}
	}
	return true
}

// TestCVE46_NothingCrossesPools: whatever one pool gave out is of no use at another of the same
// names and keyring, with any command there is, and no command at one reads or writes the other. New
// commands join by themselves.
func TestCVE46_NothingCrossesPools(t *testing.T) {
	t.Parallel()
	for _, byLink := range []bool{false, true} {
		t.Run(fmt.Sprintf("link=%v", byLink), func(t *testing.T) {
			t.Parallel()
			onStores(t, func(t *testing.T, st storage.Store) { nothingCrosses(t, st, byLink) })
		})
	}
}

func nothingCrosses(t *testing.T, st storage.Store, byLink bool) {
	tw, a, b := openTwins(t, st, byLink)
	all := tw.held(t, a)
	tried := map[string]bool{}
	// call calls each command of b that takes what a gave out, or each that takes none.
	call := func(h hold, foreign bool) {
		for name, face := range tw.faces(b) {
			for i := range face.NumMethod() {
				what, m := name+"."+face.Type().Method(i).Name, face.Method(i)
				if m.Type().NumIn() == 0 || m.Type().In(0) != reflect.TypeFor[context.Context]() || what == "Pool.Close" {
					continue // it asks the store nothing
				}
				args, used := h.args(t.Context(), m)
				if used != foreign {
					continue
				}
				if !foreign {
					m = tw.faces(b)[name].Method(i) // the last command may have ended that one
				}
				tried[what] = true
				tw.clock.advance(time.Minute) // locks and budgets are not what this is about
				var out []reflect.Value
				strays, writes := tw.watch.during("b", func() { out = m.Call(args) })
				err, _ := out[len(out)-1].Interface().(error)
				if len(strays) > 0 {
					t.Errorf("%s asks for %v", what, strays)
				}
				if foreign && err == nil && !asksOnly(writes) {
					t.Errorf("%s takes what is of another pool (%+v) and writes %v", what, args[1:], writes)
				}
			}
		}
	}
	before := a.Settings()
	for _, h := range all {
		call(h, true)
	}
	call(all[0], false)
	if len(tried) < 50 {
		t.Errorf("only %d commands were tried", len(tried))
	}
	// And all is as it was where it came from.
	if after := a.Settings(); !reflect.DeepEqual(before, after) {
		t.Errorf("settings were %+v and are %+v", before, after)
	}
	d := a.done(ada)
	if u := a.idAt(ada); u != all[0].id {
		t.Errorf("ada is %s, and was %s", u, all[0].id)
	}
	if _, err := a.refresh(d); err != nil {
		t.Errorf("refresh: %v", err)
	}
	if _, err := verifier(t, b.Pool).Verify(t.Context(), d.Tokens.Access.Reveal()); err == nil {
		t.Error("a token is good at the twin")
	}
	if _, err := verifier(t, a.Pool).Verify(t.Context(), d.Tokens.Access.Reveal()); err != nil {
		t.Errorf("a token is not good at its own pool: %v", err)
	}
}

// faces returns the faces of a pool: the account is a new user's, since commands may end it.
func (tw *twins) faces(k *kit) map[string]reflect.Value {
	k.t.Helper()
	tw.made++
	login := fmt.Sprintf("u%d@example.com", tw.made)
	in := pool.CreateUserInput{Username: login, EmailVerified: true, Password: right, Permanent: true}
	if _, err := k.Admin(operator).CreateUser(k.t.Context(), in); err != nil {
		k.t.Fatalf("CreateUser: %v", err)
	}
	account, err := k.Account(k.t.Context(), k.done(login).Tokens.Access)
	if err != nil {
		k.t.Fatal(err)
	}
	return map[string]reflect.Value{
		"Pool": reflect.ValueOf(k.Pool), "Account": reflect.ValueOf(account), "Admin": reflect.ValueOf(k.Admin(operator)),
	}
}

// TestCVE46_AppsOfTwins: the secret of a client opens the client of that name in its own pool alone,
// and an app learns and ends nothing by the tokens of another pool.
func TestCVE46_AppsOfTwins(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		c := openCity(t, st)
		type tenant struct {
			*pool.Pool
			secret password.Secret
			tokens token.Set
		}
		var both [2]tenant
		for i, id := range []user.PoolID{"a", "b"} {
			p := c.create(id, pool.Settings{Clients: []pool.Client{{ID: "api", Confidential: true}}})
			made, err := p.Admin(operator).AddClientSecret(t.Context(), pool.AddClientSecretInput{Client: "api"})
			if err != nil {
				t.Fatal(err)
			}
			in := pool.CreateUserInput{Username: ada, EmailVerified: true, Password: right, Permanent: true}
			if _, err := p.Admin(operator).CreateUser(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			d, err := pool.Finished(p.SignIn(t.Context(), pool.SignInInput{
				Username: ada, With: pool.Password{Value: right}, ClientSecret: made.Value,
			}))
			if err != nil {
				t.Fatal(err)
			}
			both[i] = tenant{p, made.Value, d.Tokens}
		}
		a, b := both[0], both[1]
		if wrong, err := b.App(t.Context(), "api", a.secret, pool.Caller{}); err == nil {
			if _, err := wrong.Introspect(t.Context(), b.tokens.Access); err == nil {
				t.Error("the secret of one pool opens the client of another")
			}
		}
		app, err := b.App(t.Context(), "api", b.secret, pool.Caller{})
		if err != nil {
			t.Fatal(err)
		}
		for _, foreign := range []token.Secret{a.tokens.Access, a.tokens.Refresh} {
			if said, err := app.Introspect(t.Context(), foreign); err != nil || said.Active {
				t.Errorf("a token of another pool: %+v, %v", said, err)
			}
			_ = app.Revoke(t.Context(), foreign)
		}
		in := pool.RefreshInput{Token: a.tokens.Refresh, ClientSecret: a.secret}
		if _, err := pool.Finished(a.Refresh(t.Context(), in)); err != nil {
			t.Errorf("after the app of another pool: %v", err)
		}
	})
}
