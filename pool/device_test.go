package pool_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

func remembering(r pool.Remember) func(*pool.Config) {
	return func(c *pool.Config) { c.Settings = &pool.Settings{Devices: pool.DeviceSettings{Remember: r}} }
}

// remembered gives a user a remembered device, and returns its id.
func (k *kit) remembered(login string) string {
	k.change(login, func(u *user.User) {
		u.Factors = &user.Factors{Devices: []user.Device{{
			ID: "device", Epoch: u.Epoch, Created: k.clock.Now(), Expires: k.clock.Now().Add(time.Hour),
		}}}
	})
	return "device"
}

// twice signs in by both factors from a caller, and asks for the device to be remembered.
func (k *kit) twice(seed mfa.Seed, from pool.Caller, choose bool) *pool.Done {
	k.t.Helper()
	step, err := k.signInFrom(from, ada, right)
	if err != nil {
		k.t.Fatal(err)
	}
	need, ok := step.(*pool.NeedTOTP)
	if !ok {
		k.t.Fatalf("SignIn = %T, want a step for the second factor", step)
	}
	k.clock.advance(30 * time.Second)
	in := pool.RespondInput{Ticket: need.Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}, Remember: choose, Caller: from}
	d, err := pool.Finished(k.Respond(k.t.Context(), in))
	if err != nil {
		k.t.Fatal(err)
	}
	return d
}

// Where a second factor was shown on a device the password alone does, if the pool and the user want
// that, and the session tells no more than the password does.
func TestT2_RememberedDevices(t *testing.T) {
	t.Parallel()
	for _, mode := range []pool.Remember{pool.RememberNever, pool.RememberAlways, pool.RememberByChoice} {
		for _, choose := range []bool{false, true} {
			want := mode == pool.RememberAlways || mode == pool.RememberByChoice && choose
			t.Run(fmt.Sprintf("%q, %t", mode, choose), func(t *testing.T) {
				t.Parallel()
				onEach(t, func(t *testing.T, k *kit) {
					k.confirmed(ada)
					seed := k.enrolled(ada)
					d := k.twice(seed, pool.Caller{UserAgent: "Gull/1"}, choose)
					if got := d.Remembered != ""; got != want {
						t.Fatalf("a token of a remembered device: %t, want %t", got, want)
					}
					step, err := k.signInFrom(pool.Caller{Remembered: d.Remembered}, ada, right)
					if err != nil || (step.Kind() == pool.KindDone) != want {
						t.Fatalf("the next sign-in = %v, %v", step, err)
					}
					if !want {
						return
					}
					next := step.(*pool.Done)
					if next.Remembered != "" {
						t.Error("another device is remembered, where none was shown a factor on")
					}
					if claims, _ := k.read(next); claims.ACR != token.AAL1 {
						t.Errorf("acr = %q, want aal1", claims.ACR)
					}
					if _, err := k.refresh(next); err != nil {
						t.Errorf("refresh = %v", err)
					}
					list, err := k.account(next).RememberedDevices(t.Context())
					if err != nil || len(list) != 1 || !list[0].This || list[0].Agent != "Gull/1" {
						t.Errorf("devices = %+v, %v", list, err)
					}
				}, remembering(mode))
			})
		}
	}
}

// A remembered device is of no use to anybody else, without the password, once it is forgotten, or for
// more than to be asked for less.
func TestT2_RememberedDevicesProveNothing(t *testing.T) {
	t.Parallel()
	forgets := func(k *kit, d *pool.Done) error {
		a := k.account(d)
		list, err := a.RememberedDevices(k.t.Context())
		if err != nil || len(list) != 1 {
			return errors.Join(err, fmt.Errorf("devices = %v", list))
		}
		return a.ForgetDevice(k.t.Context(), pool.ForgetDeviceInput{ID: list[0].ID})
	}
	for name, tt := range map[string]func(k *kit, d *pool.Done) error{
		"forgotten":             forgets,
		"signed out everywhere": func(k *kit, d *pool.Done) error { return k.account(d).SignOutEverywhere(k.t.Context(), caller) },
		"factors reset": func(k *kit, _ *pool.Done) error {
			k.change(ada, func(u *user.User) { u.Factors.Devices = nil })
			return nil
		},
		"too old": func(k *kit, _ *pool.Done) error { k.clock.advance(30 * day); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, remembering(pool.RememberAlways))
			k.confirmed(ada)
			seed := k.enrolled(ada)
			d := k.twice(seed, pool.Caller{}, false)
			by := pool.Caller{Remembered: d.Remembered}
			if _, err := k.signInFrom(by, ada, wrong); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("a wrong password = %v, want ErrNotAuthorized", err)
			}
			rests, err := pool.Finished(k.signInFrom(by, ada, right))
			if err != nil {
				t.Fatal(err)
			}
			if err := tt(k, d); err != nil {
				t.Fatal(err)
			}
			if step, err := k.signInFrom(by, ada, right); err != nil || step.Kind() != pool.KindTOTP {
				t.Errorf("the next sign-in = %v, %v, want a step for the second factor", step, err)
			}
			if _, err := k.refresh(rests); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("refresh of a session that rested on it = %v, want ErrNotAuthorized", err)
			}
		})
	}
	t.Run("of another, or none", func(t *testing.T) {
		t.Parallel()
		k := open(t, remembering(pool.RememberAlways))
		k.confirmed(ada)
		d := k.twice(k.enrolled(ada), pool.Caller{}, false)
		k.confirmed("eve@example.com")
		k.enrolled("eve@example.com")
		for _, token := range []string{d.Remembered, d.Device, flip(d.Remembered, 40), "x"} {
			if step, err := k.signInFrom(pool.Caller{Remembered: token}, "eve@example.com", right); err != nil || step.Kind() != pool.KindTOTP {
				t.Errorf("by %.10q: %v, %v, want a step for the second factor", token, step, err)
			}
		}
		if step, err := k.signInFrom(pool.Caller{Device: d.Remembered}, ada, right); err != nil || step.Kind() != pool.KindTOTP {
			t.Errorf("as a known device: %v, %v, want a step for the second factor", step, err)
		}
	})
}

// CVE class 43: a session that rests on a remembered device steps up by the factor itself, and does
// nothing sensitive before.
func TestCVE43_ADeviceIsNoFactor(t *testing.T) {
	t.Parallel()
	for _, in := range []pool.StepUpInput{{ACR: token.AAL2}, {MaxAge: time.Hour}} {
		k := open(t, remembering(pool.RememberAlways))
		k.confirmed(ada)
		seed := k.enrolled(ada)
		by := pool.Caller{Remembered: k.twice(seed, pool.Caller{}, false).Remembered}
		d, err := pool.Finished(k.signInFrom(by, ada, right))
		if err != nil {
			t.Fatal(err)
		}
		a := k.account(d)
		for _, with := range []pool.Response{nil, pool.Password{Value: right}} {
			if _, err := a.EndOtherSessions(t.Context(), pool.EndOtherSessionsInput{With: with, Caller: by}); !errors.Is(err, pool.ErrNeedsStepUp) {
				t.Errorf("a sensitive act = %v, want ErrNeedsStepUp", err)
			}
		}
		in.Caller = by
		step, err := a.StepUp(t.Context(), in)
		need, ok := step.(*pool.NeedTOTP)
		if err != nil || !ok {
			t.Fatalf("StepUp = %v, %v, want a step for the second factor", step, err)
		}
		k.clock.advance(30 * time.Second)
		answer := pool.RespondInput{Ticket: need.Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}, Remember: true}
		next, err := pool.Finished(k.Respond(t.Context(), answer))
		if err != nil {
			t.Fatal(err)
		}
		if next.Remembered != "" {
			t.Error("a step-up remembers the device, which may be a thief's")
		}
		if claims, _ := k.read(next); claims.ACR != token.AAL2 {
			t.Errorf("acr = %q, want aal2", claims.ACR)
		}
	}
}

// The oldest device goes where there are too many, and each has a name.
func TestRememberedDevicesAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t, remembering(pool.RememberAlways))
	k.confirmed(ada)
	seed := k.enrolled(ada)
	first := k.twice(seed, pool.Caller{}, false)
	var d *pool.Done
	for range user.MaxDevices {
		d = k.twice(seed, pool.Caller{}, false)
	}
	if step, err := k.signInFrom(pool.Caller{Remembered: first.Remembered}, ada, right); err != nil || step.Kind() != pool.KindTOTP {
		t.Errorf("by the first of %d devices: %v, %v", user.MaxDevices+1, step, err)
	}
	a := k.account(d)
	list, err := a.RememberedDevices(t.Context())
	if err != nil || len(list) != user.MaxDevices {
		t.Fatalf("%d devices, %v", len(list), err)
	}
	if err := a.RenameDevice(t.Context(), pool.RenameDeviceInput{ID: list[3].ID, Name: "at work"}); err != nil {
		t.Fatal(err)
	}
	if list, _ = a.RememberedDevices(t.Context()); list[3].Name != "at work" {
		t.Errorf("the device is %+v", list[3])
	}
	for _, err := range []error{
		a.RenameDevice(t.Context(), pool.RenameDeviceInput{ID: "none"}), a.ForgetDevice(t.Context(), pool.ForgetDeviceInput{}),
	} {
		if !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("a device that there is not: %v, want ErrNotFound", err)
		}
	}
	if err := a.RenameDevice(t.Context(), pool.RenameDeviceInput{ID: list[3].ID, Name: "at\nwork"}); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("a name of two lines: %v, want ErrInvalid", err)
	}
}

// Where the pool remembers devices no more, or for less long, those of before are of no use, and
// sessions that rest on one are over, in every process.
func TestS18_ForgottenDevicesEndSessions(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		a.put(func(s *pool.Settings) { s.Devices.Remember = pool.RememberAlways })
		b.confirmed(ada)
		seed := b.enrolled(ada)
		by := pool.Caller{Remembered: b.twice(seed, pool.Caller{}, false).Remembered}
		d, err := pool.Finished(b.signInFrom(by, ada, right))
		if err != nil {
			t.Fatal(err)
		}
		a.clock.advance(2 * time.Hour)
		a.put(func(s *pool.Settings) { s.Devices.Lifetime = time.Hour })
		if step, err := b.signInFrom(by, ada, right); err != nil || step.Kind() != pool.KindTOTP {
			t.Errorf("by a device that is older than they may be: %v, %v", step, err)
		}
		a.put(func(s *pool.Settings) { s.Devices = pool.DeviceSettings{} })
		if _, err := b.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh = %v, want ErrNotAuthorized", err)
		}
	})
}

// A change of password is no sign-in: the second factor that the session has shown may have been shown
// by somebody else, from whom it was stolen since, and makes no device remembered.
func TestT2_AChangedPasswordRemembersNoDevice(t *testing.T) {
	t.Parallel()
	k := open(t, remembering(pool.RememberAlways))
	k.confirmed(ada)
	seed := k.enrolled(ada)
	d := k.twice(seed, pool.Caller{}, false)
	next, err := pool.Finished(k.account(d).ChangePassword(t.Context(), changing(another, right)))
	if err != nil {
		t.Fatal(err)
	}
	if next.Remembered != "" {
		t.Error("the device is remembered, on which no second factor was shown")
	}
}

// An administrator sees where a user is remembered and forgets one device for who has lost it: the factor
// is asked for there, and sessions that rest on it are over. The others stay.
func TestT2_AdministratorsForgetADevice(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		seed := k.enrolled(ada)
		lost, kept := k.twice(seed, pool.Caller{UserAgent: "Gull/1"}, true), k.twice(seed, pool.Caller{UserAgent: "Tern/2"}, true)
		rests, err := pool.Finished(k.signInFrom(pool.Caller{Remembered: lost.Remembered}, ada, right))
		if err != nil {
			t.Fatal(err)
		}
		admin, id := k.admin(), k.user(ada).ID
		list, err := admin.RememberedDevices(t.Context(), id)
		if err != nil || len(list) != 2 || list[0].Agent != "Gull/1" || list[0].This {
			t.Fatalf("devices = %+v, %v", list, err)
		}
		if err := admin.ForgetDevice(t.Context(), id, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := k.refresh(rests); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a session that rests on it = %v, want ErrNotAuthorized", err)
		}
		for d, want := range map[*pool.Done]pool.StepKind{lost: pool.KindTOTP, kept: pool.KindDone} {
			if step, err := k.signInFrom(pool.Caller{Remembered: d.Remembered}, ada, right); err != nil || step.Kind() != want {
				t.Errorf("the next sign-in = %v, %v, want %s", step, err, want)
			}
		}
		left, err := admin.RememberedDevices(t.Context(), id)
		if err != nil || len(left) != 1 || left[0].ID != list[1].ID {
			t.Errorf("devices = %+v, %v, want the other", left, err)
		}
		k.confirmed("eve@example.com")
		eve := k.user("eve@example.com").ID
		for name, err := range map[string]error{
			"again": admin.ForgetDevice(t.Context(), id, list[0].ID), "none": admin.ForgetDevice(t.Context(), id, ""),
			"of another": admin.ForgetDevice(t.Context(), eve, list[1].ID), "of nobody": admin.ForgetDevice(t.Context(), "x", list[1].ID),
			"nobody's list": second(admin.RememberedDevices(t.Context(), "x")),
		} {
			if !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
	}, remembering(pool.RememberAlways))
}
