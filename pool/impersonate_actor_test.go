package pool_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// strong returns what a new user of a role has who has signed in by two factors.
func (k *kit) strong(login string, r pool.Role) *pool.Done {
	k.t.Helper()
	k.member(login, r)
	d := k.done(login)
	k.withApp(d)
	return d
}

// Somebody who is a user themselves, and has shown two factors, acts as another for as long as they might
// begin to: what ends all of their sessions ends this, and so does taking them out of what lets them.
func TestS6_ActsAsLongAsTheActorMay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do   func(k *kit, id user.ID, own *pool.Account) error
		ends bool
		told bool // verifiers are
	}{
		"nothing":                {func(*kit, user.ID, *pool.Account) error { return nil }, false, false},
		"they sign in once more": {func(k *kit, _ user.ID, _ *pool.Account) error { return second(k.signIn("desk", right)) }, false, false},
		"signed out everywhere":  {func(k *kit, id user.ID, _ *pool.Account) error { return k.admin().SignOutEverywhere(k.t.Context(), id) }, true, true},
		"they do, everywhere": {func(k *kit, _ user.ID, a *pool.Account) error {
			return a.SignOutEverywhere(k.t.Context(), pool.Caller{})
		}, true, true},
		"disabled":                {func(k *kit, id user.ID, _ *pool.Account) error { return k.admin().Disable(k.t.Context(), id) }, true, true},
		"disabled, and not again": {disabledForAWhile, true, true},
		"deleted":                 {func(k *kit, id user.ID, _ *pool.Account) error { return k.admin().DeleteUser(k.t.Context(), id) }, true, true},
		"a new password": {func(k *kit, _ user.ID, a *pool.Account) error {
			return second(a.ChangePassword(k.t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
		}, true, true},
		"their factors reset": {func(k *kit, id user.ID, _ *pool.Account) error { return k.admin().ResetFactors(k.t.Context(), id) }, true, true},
		"out of the group": {func(k *kit, id user.ID, _ *pool.Account) error {
			return k.admin().RemoveFromGroup(k.t.Context(), id, groupsOf(pool.MayImpersonate)[0])
		}, true, false},
	} {
		for _, browser := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, browser %v", name, browser), func(t *testing.T) {
				t.Parallel()
				k := open(t, ranked)
				plain := k.member(ada, 0)
				desk := k.account(k.strong("desk", pool.MayImpersonate))
				own := k.done(ada)
				k.clock.advance(time.Minute)
				done, err := desk.Admin().Impersonate(t.Context(), pool.ImpersonateInput{ID: plain, Reason: "why not", Browser: browser})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := k.entered(done); err != nil {
					t.Fatal(err)
				}
				v, err := k.Verifier()
				if err != nil {
					t.Fatal(err)
				}
				k.clock.advance(time.Second)
				if err := tt.do(k, k.user("desk").ID, desk); err != nil {
					t.Fatal(err)
				}
				if _, err := k.entered(done); errors.Is(err, pool.ErrNotAuthorized) != tt.ends || !tt.ends && err != nil {
					t.Errorf("entered = %v, want it over: %v", err, tt.ends)
				}
				listed, err := k.account(own).Sessions(t.Context())
				among := slices.ContainsFunc(listed, func(s pool.Session) bool { return s.Kind == token.Impersonation })
				if err != nil || among == tt.ends {
					t.Errorf("it is among the user's: %v, %v, want %v", among, err, !tt.ends)
				}
				if browser {
					return
				}
				if _, err := v.Verify(t.Context(), done.Tokens.Access.Reveal()); (err != nil) != tt.told {
					t.Errorf("the token = %v, want it refused: %v", err, tt.told)
				}
			})
		}
	}
}

func disabledForAWhile(k *kit, id user.ID, _ *pool.Account) error {
	if err := k.admin().Disable(k.t.Context(), id); err != nil {
		return err
	}
	return k.admin().Enable(k.t.Context(), id)
}

// Two factors that were shown a day ago are not two any more, and who has shown one alone acts as nobody.
func TestS6_OldFactorsAreWeak(t *testing.T) {
	t.Parallel()
	k := open(t, ranked)
	wish := pool.ImpersonateInput{ID: k.member(ada, 0), Reason: "why not"}
	desk := k.account(k.strong("desk", pool.MayImpersonate)).Admin()
	k.clock.advance(59 * time.Minute)
	if _, err := desk.Impersonate(t.Context(), wish); err != nil {
		t.Errorf("by two factors = %v", err)
	}
	k.clock.advance(token.AAL2Age)
	if _, err := desk.Impersonate(t.Context(), wish); !errors.Is(err, pool.ErrForbidden) {
		t.Errorf("by two of a day ago = %v, want ErrForbidden", err)
	}
}
