package pool_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// strict is a schema with every rule.
func strict(c *pool.Config) {
	c.Settings = &pool.Settings{Attributes: user.Schema{
		{Name: "given_name", Required: true, Max: 10},
		{Name: "birthdate", Immutable: true},
		{Name: "custom:tier", AdminOnly: true},
		{Name: "custom:age", Type: user.TypeNumber, Min: 1, Max: 150},
	}}
}

func TestUpdateOwnAttributes(t *testing.T) {
	t.Parallel()
	k := open(t, strict)
	up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Attributes: user.Attributes{
		"given_name": "Ada", "birthdate": "1815-12-10", "nickname": "Al",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, up.Ticket, k.code(ada, 1)); err != nil {
		t.Fatal(err)
	}
	k.change(ada, func(u *user.User) { u.Attributes["custom:tier"], u.Attributes["custom:gone"] = "gold", "x" })
	a := k.account(k.done(ada))
	update := func(as user.Attributes) error {
		return a.UpdateAttributes(t.Context(), pool.ChangeAttributesInput{Attributes: as, Caller: home})
	}
	before, _ := a.Get(t.Context())
	for name, as := range map[string]user.Attributes{
		"a required one goes":    {"given_name": ""},
		"out of bounds":          {"given_name": "Augusta Ada King"},
		"immutable":              {"birthdate": "1815-12-11"},
		"immutable goes":         {"birthdate": ""},
		"for administrators":     {"custom:tier": "platinum"},
		"theirs goes":            {"custom:tier": ""},
		"no number":              {"custom:age": "36.5"},
		"too old":                {"custom:age": "151"},
		"unknown":                {"custom:other": "x"},
		"verified":               {"email_verified": "true"},
		"phone verified":         {"phone_number_verified": "true"},
		"subject":                {"sub": "somebody"},
		"identities":             {"identities": "[]"},
		"another address":        {"email": "eve@example.com"},
		"no address":             {"email": ""},
		"a number":               {"phone_number": phone},
		"one good and one wrong": {"nickname": "Lady", "custom:age": "0"},
		"too much":               {"address": strings.Repeat("a", 2000), "profile": "https://example.com/" + strings.Repeat("a", 2020)},
	} {
		err := update(as)
		if _, ok := errors.AsType[*pool.ValidationError](err); !ok {
			t.Errorf("%s = %v, want a ValidationError", name, err)
		}
	}
	if after, _ := a.Get(t.Context()); !maps.Equal(after.Attributes, before.Attributes) || after.Email != ada {
		t.Errorf("refused changes left %v", after.Attributes)
	}
	k.clock.advance(time.Millisecond) // events are listed by time
	if err := update(user.Attributes{"nickname": "", "given_name": "Augusta", "custom:age": "36", "custom:gone": "", "email": ada}); err != nil {
		t.Fatal(err)
	}
	want := user.Attributes{"given_name": "Augusta", "birthdate": "1815-12-10", "custom:tier": "gold", "custom:age": "36"}
	if p, _ := a.Get(t.Context()); !maps.Equal(p.Attributes, want) {
		t.Errorf("attributes = %v, want %v", p.Attributes, want)
	}
	if e := k.last(k.user(ada).ID); e.Kind != "update_attributes" || e.IP != home.IP || e.Actor != "" {
		t.Errorf("event = %+v", e)
	}
	k.store.reset()
	if err := update(user.Attributes{"given_name": "Augusta"}); err != nil {
		t.Fatal(err)
	}
	if _, commits := k.store.counted(); len(commits) != 0 {
		t.Errorf("what changes nothing is written: %v", kinds(commits))
	}
	k.disable(ada)
	if err := update(user.Attributes{"nickname": "A"}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("disabled = %v, want ErrNotAuthorized", err)
	}
}

// Two changes at once are both there: neither overwrites what it has not read.
func TestUpdatesAtOnceAreBothThere(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		a := k.account(k.signedIn())
		names := []string{"given_name", "family_name", "nickname", "website"}
		together(len(names), func(n int) {
			value := "https://example.com"
			if err := a.UpdateAttributes(t.Context(), pool.ChangeAttributesInput{Attributes: user.Attributes{names[n]: value}}); err != nil {
				t.Errorf("%s = %v", names[n], err)
			}
		})
		if p, err := a.Get(t.Context()); err != nil || len(p.Attributes) != len(names) {
			t.Errorf("attributes = %v, %v, want all of %v", p.Attributes, err, names)
		}
	})
}
