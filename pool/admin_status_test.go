package pool_test

import (
	"context"
	"errors"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

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
