package pool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// onTwo runs a test on two processes' handles of one pool: on one store in memory, and on a SQLite
// file that each has opened for itself.
func onTwo(t *testing.T, test func(t *testing.T, a, b *kit), change ...func(*pool.Config)) {
	two := func(t *testing.T, open func() storage.Store) {
		r := ring(t, seal.Generate())
		a := openOn(t, open(), append(change, func(c *pool.Config) { c.Keys = r })...)
		b := openOn(t, open(), append(change, func(c *pool.Config) { c.Keys, c.Now, c.Sender = r, a.clock.Now, a.box })...)
		b.clock, b.box = a.clock, a.box
		test(t, a, b)
	}
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		two(t, func() storage.Store { return st })
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "userpool.db")
		two(t, func() storage.Store {
			st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return st
		})
	})
}

// policy reads the stored settings.
func (k *kit) policy() (pool.Settings, pool.Version) {
	k.t.Helper()
	s, v, err := k.admin().Settings(k.t.Context())
	if err != nil {
		k.t.Fatalf("Settings: %v", err)
	}
	return s, v
}

// put changes the stored settings.
func (k *kit) put(change func(*pool.Settings)) {
	k.t.Helper()
	s, v := k.policy()
	change(&s)
	if err := k.admin().PutSettings(k.t.Context(), s, v); err != nil {
		k.t.Fatalf("PutSettings: %v", err)
	}
}

func TestS18_PutSettings(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		before, v := a.policy()
		if !reflect.DeepEqual(before, a.Settings()) {
			t.Errorf("Settings = %+v, want %+v", before, a.Settings())
		}
		s := before
		s.SignUp.Closed, s.Branding.Name = true, "Shop"
		if err := a.admin().PutSettings(t.Context(), s, v); err != nil {
			t.Fatal(err)
		}
		if !a.Settings().SignUp.Closed {
			t.Error("they are not in force here")
		}
		if stored, next := b.policy(); !reflect.DeepEqual(stored, s) || next == v {
			t.Errorf("elsewhere %+v of version %q", stored, next)
		}
		if _, err := b.newcomer(ada); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-up elsewhere = %v, want ErrNotAuthorized", err)
		}
		page, err := a.ListEvents(t.Context(), pool.EventQuery{})
		if err != nil || len(page.Events) != 1 {
			t.Fatalf("%d events, %v, want 1", len(page.Events), err)
		}
		if e := page.Events[0]; e.Kind != "put_settings" || e.Actor != "root" || e.User != "" || e.Reason != "SignUp Branding" {
			t.Errorf("event = %+v", e)
		}
		if err := a.admin().PutSettings(t.Context(), before, v); !errors.Is(err, pool.ErrStale) {
			t.Errorf("by an old version = %v, want ErrStale", err)
		}
		if err := a.admin().PutSettings(t.Context(), before, ""); !errors.Is(err, pool.ErrStale) {
			t.Errorf("by no version = %v, want ErrStale", err)
		}
		b.put(func(s *pool.Settings) { s.SignUp.Closed = false })
		waitFor(t, func() bool { return !a.Settings().SignUp.Closed }) // a second: nothing is tightened
	})
}

// What is wrong is said all at once, and nothing of it is done.
func TestPutSettingsRefuses(t *testing.T) {
	t.Parallel()
	k := open(t)
	before, v := k.policy()
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, tt := range map[string]struct {
		change func(*pool.Settings)
		want   []string
	}{
		"all at once": {func(s *pool.Settings) {
			s.Passwords.MinLength, s.Branding.Color, s.SignUp.ByLink = 5, "red", true
			s.Groups = []pool.Group{{Name: "a b"}}
			s.Clients = []pool.Client{{ID: "web"}, {ID: "web"}}
			s.Messages.Templates = []message.Template{{Kind: "none"}}
			s.SignIn.Identifiers = []pool.Identifier{"fax"}
		}, []string{"minimum length", "color", "ConfirmURL", `group "a b"`, `client "web"`, "no such kind", "identifiers"}},
		"what this process lacks": {func(s *pool.Settings) { s.SignUp.ByLink = true }, []string{"ConfirmURL"}},
		"too large together": {func(s *pool.Settings) {
			for i := range 60 {
				s.Groups = append(s.Groups, pool.Group{Name: fmt.Sprint(i), Description: long(2000)})
			}
			for _, locale := range []string{"de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv"} {
				s.Messages.Templates = append(s.Messages.Templates, message.Template{
					Kind: message.ResetPassword, Locale: locale, Subject: "Code", Text: "{####}" + long(19_000),
				})
			}
		}, []string{"together they are"}},
	} {
		s, _ := k.policy()
		tt.change(&s)
		err := k.admin().PutSettings(t.Context(), s, v)
		wrong, ok := errors.AsType[*pool.SettingsError](err)
		if !ok {
			t.Errorf("%s: %v, want a *SettingsError", name, err)
			continue
		}
		for _, text := range tt.want {
			if !strings.Contains(strings.Join(wrong.Problems, "\n"), text) {
				t.Errorf("%s: %q does not say %q", name, wrong.Problems, text)
			}
		}
		if len(wrong.Problems) != len(tt.want) {
			t.Errorf("%s: %d problems, want %d: %q", name, len(wrong.Problems), len(tt.want), wrong.Problems)
		}
	}
	for name, actor := range map[string]string{"nobody": "", "a bell": "\a"} {
		a := k.Admin(pool.Actor{Name: actor})
		if _, _, err := a.Settings(t.Context()); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("Settings of %s = %v, want ErrInvalid", name, err)
		}
		if err := a.PutSettings(t.Context(), before, v); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("PutSettings of %s = %v, want ErrInvalid", name, err)
		}
	}
	if after, now := k.policy(); now != v || !reflect.DeepEqual(after, before) {
		t.Error("refused settings were stored")
	}
	if err := k.admin().PutSettings(t.Context(), before, v); err != nil {
		t.Error(err)
	}
	if _, now := k.policy(); now != v {
		t.Error("the same settings again are a change")
	}
	k.Close(context.Background())
	if _, _, err := k.admin().Settings(context.Background()); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("Settings = %v, want ErrClosed", err)
	}
	if err := k.admin().PutSettings(context.Background(), before, v); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("PutSettings = %v, want ErrClosed", err)
	}
}

// Where the program gives the settings, they change with the program.
func TestSettingsFixedInCode(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{SignUp: pool.SignUpSettings{Closed: true}} })
	s, v := k.policy()
	if !s.SignUp.Closed {
		t.Error("what the program gives is not shown")
	}
	for _, change := range []pool.Settings{s, {}, {Clients: []pool.Client{{ID: "a b"}}}} {
		if err := k.admin().PutSettings(t.Context(), change, v); !errors.Is(err, pool.ErrFixedInCode) {
			t.Errorf("PutSettings = %v, want ErrFixedInCode", err)
		}
	}
}

// Of many who change the same settings at once each sees what it changes.
func TestPutSettingsAtOnce(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		const each = 8
		var all sync.WaitGroup
		for i, k := range []*kit{a, b, a, b} {
			all.Go(func() {
				for n := range each {
					for {
						s, v, err := k.admin().Settings(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						s.Groups = append(s.Groups, pool.Group{Name: fmt.Sprint(i, "/", n)})
						if err = k.admin().PutSettings(t.Context(), s, v); err == nil {
							break
						}
						if !errors.Is(err, pool.ErrStale) {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		all.Wait()
		if s, _ := a.policy(); len(s.Groups) != 4*each {
			t.Errorf("%d groups, want %d", len(s.Groups), 4*each)
		}
	})
}

// store writes the document of the settings, as another version of the library would.
func (k *kit) storeSettings(body string) {
	k.t.Helper()
	key := storage.DocumentKey{Kind: "settings", ID: "pool"}
	got, err := k.store.Store.Read(k.t.Context(), "default", storage.Want{Now: k.clock.Now(), Documents: []storage.DocumentKey{key}})
	if err != nil {
		k.t.Fatal(err)
	}
	got.Documents[0].Body = []byte(body)
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(got.Documents[0])); err != nil {
		k.t.Fatal(err)
	}
}

// Settings that this version cannot read in full close the pool: the field that it does not know
// may be what keeps somebody out. Those of before there was a format are read.
func TestS18_StoredSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		good bool
	}{
		"older":            {`{"SignIn":{"Identifiers":["email"]},"Clients":[{"ID":"default"}]}`, true},
		"none":             {`{}`, true},
		"of now":           {`{"Format":1,"SignUp":{"Closed":false}}`, true},
		"a newer format":   {`{"Format":2}`, false},
		"and its fields":   {`{"Format":2,"Doors":"shut"}`, false},
		"a newer field":    {`{"Format":1,"Doors":"shut"}`, false},
		"one further down": {`{"Format":1,"SignIn":{"Identifiers":["email"],"Doors":"shut"}}`, false},
		"a newer kind":     {`{"Format":1,"SignIn":{"Identifiers":["email","iris"]}}`, false},
		"two texts":        {`{"Format":1}{"SignUp":{"Closed":true}}`, false},
		"half a text":      {`{"Format":1,`, false},
		"no text":          {``, false},
		"another":          {`[]`, false},
	} {
		k := open(t)
		k.confirmed(ada)
		d := k.done(ada)
		k.storeSettings(tt.body)
		_, signIn := k.signIn(ada, right)
		_, refresh := k.refresh(d)
		_, signUp := k.newcomer("eve@example.com")
		_, _, read := k.admin().Settings(t.Context())
		for call, err := range map[string]error{"SignIn": signIn, "Refresh": refresh, "SignUp": signUp} {
			if tt.good && err != nil || !tt.good && !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("%s: %s = %v, want good %v", name, call, err, tt.good)
			}
		}
		if _, unread := errors.AsType[*pool.SettingsError](read); unread && tt.good || read == nil && !tt.good && name != "a newer kind" {
			t.Errorf("%s: Settings = %v", name, read)
		}
	}
}

// A change whose answer was lost is found out, and done once.
func TestPutSettingsFindsOut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault func(st storage.Store, ctx context.Context, changes []storage.Change) error
		want  error
	}{
		"the answer is lost": {func(st storage.Store, ctx context.Context, changes []storage.Change) error {
			return errors.Join(st.Commit(ctx, changes...), storage.ErrUnknown)
		}, nil},
		"all is lost":   {func(storage.Store, context.Context, []storage.Change) error { return storage.ErrUnknown }, pool.ErrUnavailable},
		"it never goes": {func(storage.Store, context.Context, []storage.Change) error { return storage.ErrRetry }, pool.ErrUnavailable},
	} {
		st := &shaky{Store: memory.New()}
		k := openOn(t, st)
		s, v := k.policy()
		st.fault = tt.fault
		s.SignUp.Closed = true
		if err := k.admin().PutSettings(t.Context(), s, v); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		st.fault = nil
		if now, _ := k.policy(); now.SignUp.Closed != (tt.want == nil) {
			t.Errorf("%s: closed %v", name, now.SignUp.Closed)
		}
	}
}

// shaky is a store whose commits of documents may fail.
type shaky struct {
	storage.Store
	fault func(storage.Store, context.Context, []storage.Change) error
}

func (f *shaky) Commit(ctx context.Context, changes ...storage.Change) error {
	for _, c := range changes {
		put, _ := c.(storage.PutRecord)
		if _, ok := put.Record.(*storage.Document); ok && f.fault != nil {
			return f.fault(f.Store, ctx, changes)
		}
	}
	return f.Store.Commit(ctx, changes...)
}

// What a program does with the settings that it gave or was given changes nothing: neither here nor
// for whoever reads them at the same time.
func TestCVE51_SettingsAreCopies(t *testing.T) {
	t.Parallel()
	k := open(t)
	given := pool.Settings{
		SignIn:     pool.SignInSettings{Identifiers: []pool.Identifier{pool.Email, pool.Phone}},
		Attributes: user.Schema{{Name: "custom:plan", AdminOnly: true}},
		Groups:     []pool.Group{{Name: "staff", Precedence: new(1)}},
		Clients:    []pool.Client{{ID: "web"}, {ID: "app"}},
		Tags:       map[string]string{"stage": "test"},
	}
	spoil := func(s pool.Settings) {
		s.SignIn.Identifiers[0], s.Attributes[0].AdminOnly, s.Clients[0].ID = pool.Username, false, "eve"
		*s.Groups[0].Precedence, s.Groups[0].May, s.Tags["stage"] = 9, pool.MayEverything, "spoilt"
	}
	_, v := k.policy()
	if err := k.admin().PutSettings(t.Context(), given, v); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%+v", k.Settings().Clients)
	spoil(given)
	read, _ := k.policy()
	spoil(read)
	for what, s := range map[string]func() pool.Settings{"those that bind": k.Settings, "those that are stored": func() pool.Settings { s, _ := k.policy(); return s }} {
		is := s()
		if is.SignIn.Identifiers[0] != pool.Email || !is.Attributes[0].AdminOnly || fmt.Sprintf("%+v", is.Clients) != want ||
			*is.Groups[0].Precedence != 1 || is.Groups[0].May != 0 || is.Tags["stage"] != "test" {
			t.Errorf("%s were changed from outside: %+v", what, is)
		}
	}
}
