package pool_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
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
