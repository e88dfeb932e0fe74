package user_test

import (
	"fmt"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/userpool-go/userpool/user"
)

func full() *user.User {
	u := &user.User{
		Pool: "p", ID: "u", Version: 3, Status: user.Confirmed, Epoch: 2,
		Logins:     []user.Login{{Namespace: user.Name, Value: "ada@example.com", Display: "Ada@example.com", Rule: 1}},
		Attributes: user.Attributes{"name": "Ada"},
		Groups:     []string{"staff"},
		Password:   &user.Password{Hash: "$argon2id$", Digest: []byte{1, 2, 3}, Form: user.FormNFC, Revision: 1, Past: []user.Past{{Hash: "$old$", Digest: []byte{4, 5}}}},
		Index:      []user.Term{{Name: "name", Value: "Ada"}},
		EventKey:   []byte{6},
		Created:    time.Unix(1, 0), Updated: time.Unix(2, 0),
	}
	u.MarkLoaded()
	return u
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	u, c := full(), full()
	c = c.Clone()
	if !reflect.DeepEqual(u, c) {
		t.Fatalf("Clone = %+v, want %+v", c, u)
	}
	c.Logins[0].Value, c.Attributes["name"], c.Password.Digest[0], c.Index[0].Value = "eve", "Eve", 9, "Eve"
	c.Groups[0] = "admin"
	c.Password.Past[0].Hash, c.Password.Past[0].Digest[0], c.EventKey[0] = "$", 9, 9
	if !reflect.DeepEqual(u, full()) {
		t.Error("changing a clone changed the original")
	}
	a := &user.User{Status: user.Unconfirmed, Attempt: &user.Attempt{Login: user.Login{Value: "x"}}}
	a.Clone().Attempt.Login.Value = "y"
	if a.Attempt.Login.Value != "x" {
		t.Error("changing a clone's attempt changed the original")
	}
	if (*user.User)(nil).Clone() != nil {
		t.Error("the clone of nobody is somebody")
	}
}

// What a user was when it was read stays, whatever is changed later.
func TestLoaded(t *testing.T) {
	t.Parallel()
	u := full()
	u.Logins[0].Value, u.Status = "eve", user.ResetRequired
	u.Logins = nil
	if l, ok := u.Loaded(); !ok || l.Status != user.Confirmed || len(l.Logins) != 1 || l.Logins[0].Value != "ada@example.com" {
		t.Errorf("Loaded = %+v, %v", l, ok)
	}
	if _, ok := (&user.User{Version: 1}).Loaded(); ok {
		t.Error("a user that was not read counts as loaded")
	}
}

func TestSizeCountsEverything(t *testing.T) {
	t.Parallel()
	base := full().Size()
	for name, change := range map[string]func(*user.User){
		"login":      func(u *user.User) { u.Logins[0].Value += "x" },
		"display":    func(u *user.User) { u.Logins[0].Display += "x" },
		"name":       func(u *user.User) { u.Attributes["x"] = "" },
		"attribute":  func(u *user.User) { u.Attributes["name"] += "x" },
		"group":      func(u *user.User) { u.Groups = append(u.Groups, "") },
		"group name": func(u *user.User) { u.Groups[0] += "x" },
		"digest":     func(u *user.User) { u.Password.Digest = append(u.Password.Digest, 0) },
		"past":       func(u *user.User) { u.Password.Past = append(u.Password.Past, user.Past{}) },
		"past hash":  func(u *user.User) { u.Password.Past[0].Digest = []byte("xyz") },
		"inner":      func(u *user.User) { u.Password.Inner = "x" },
		"index":      func(u *user.User) { u.Index[0].Value += "x" },
		"event key":  func(u *user.User) { u.EventKey = append(u.EventKey, 0) },
		"attempt":    func(u *user.User) { u.Attempt = &user.Attempt{} },
	} {
		u := full()
		change(u)
		if u.Size() <= base {
			t.Errorf("%s: Size = %d, want more than %d", name, u.Size(), base)
		}
	}
}

func TestSizeCountsTheAddressOfAnAttempt(t *testing.T) {
	t.Parallel()
	u := &user.User{Attempt: &user.Attempt{}}
	without := u.Size()
	u.Attempt.Address.Value = "x"
	if got := u.Size(); got != without+17 {
		t.Errorf("Size = %d, want %d", got, without+17)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	if id, ok := user.ByID("u").ID(); !ok || id != "u" {
		t.Errorf("ByID: %q, %v", id, ok)
	}
	if _, _, ok := user.ByID("u").Login(); ok {
		t.Error("an id is taken for a login")
	}
	if ns, v, ok := user.ByLogin("a@b.de").Login(); !ok || ns != user.Name || v != "a@b.de" {
		t.Errorf("ByLogin: %q, %q, %v", ns, v, ok)
	}
	if _, ok := user.ByLogin("u").ID(); ok {
		t.Error("a login is taken for an id")
	}
	if _, ok := (user.Key{}).ID(); ok {
		t.Error("the zero key names somebody")
	}
}

func TestS7_UserIDsAreRandomUUIDs(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[user.ID]bool{}
	for range 1000 {
		id := user.NewID()
		if !form.MatchString(string(id)) || seen[id] {
			t.Fatalf("NewID = %q", id)
		}
		seen[id] = true
	}
}

func TestStatusValid(t *testing.T) {
	t.Parallel()
	for s, want := range map[user.Status]bool{
		user.Unconfirmed: true, user.Confirmed: true, user.ForceChangePassword: true, user.ResetRequired: true, user.External: true,
		"": false, "CONFIRMED": false, "admin": false,
	} {
		if s.Valid() != want {
			t.Errorf("%q.Valid() = %v, want %v", s, s.Valid(), want)
		}
	}
}

// The history of a password is as long as asked for and never longer, newest first.
func TestPasswordReplace(t *testing.T) {
	t.Parallel()
	var p *user.Password
	for i := range 30 {
		before := p
		p = p.Replace(user.Password{Hash: fmt.Sprint(i), Revision: 99, Past: []user.Past{{Hash: "forged"}}}, []byte{byte(i - 1)}, 100)
		if p.Revision != int64(i+1) || len(p.Past) != min(i, user.MaxPast) || p.Hash != fmt.Sprint(i) {
			t.Fatalf("after %d: %+v", i, p)
		}
		if i > 0 && (p.Past[0].Hash != fmt.Sprint(i-1) || p.Past[0].Digest[0] != byte(i-1)) {
			t.Errorf("after %d the newest of before is %+v", i, p.Past[0])
		}
		if before != nil && len(before.Past) != min(i-1, user.MaxPast) {
			t.Errorf("replacing changed what was replaced: %+v", before)
		}
	}
	for keep, want := range map[int]int{-1: 0, 0: 0, 1: 1, 5: 5, 23: 23, 24: 23, 1000: 23} {
		if got := p.Replace(user.Password{}, nil, keep); len(got.Past) != want || got.Revision != p.Revision+1 {
			t.Errorf("keep %d: %d kept, revision %d, want %d", keep, len(got.Past), got.Revision, want)
		}
	}
}
