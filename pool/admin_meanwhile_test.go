package pool_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

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
