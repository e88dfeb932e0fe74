package pool_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// settled makes login a user who has been one for a while.
func (k *kit) settled(login string) {
	k.t.Helper()
	k.confirmed(login)
	k.clock.advance(2 * time.Hour)
}

// devices fails unless the owner of an address was told of n new devices.
func (k *kit) devices(to string, n int) []message.Message {
	k.t.Helper()
	ms := k.got(to, message.NewDevice)
	if len(ms) != n {
		k.t.Errorf("%s was told of %d new devices, want %d", to, len(ms), n)
	}
	return ms
}

// A sign-in from a browser that the pool does not know is told to the owner, with when and from where;
// the next one from there, and all that is no sign-in, is not.
func TestT6_NewDeviceIsTold(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.settled(ada)
		d, err := pool.Finished(k.signInFrom(firefox, ada, right))
		if err != nil {
			t.Fatal(err)
		}
		ms := k.devices(ada, 1)
		for _, part := range []string{"2026-05-01 14:00 UTC\n", "Netz: 192.0.2.7\n", "Firefox, Linux\n"} {
			if !strings.Contains(ms[0].Text, part) {
				t.Errorf("%q is not told:\n%s", part, ms[0].Text)
			}
		}
		if strings.Contains(ms[0].Text+ms[0].HTML, "evil") {
			t.Errorf("it speaks in the words of a stranger:\n%s", ms[0].Text)
		}
		known := firefox
		known.Device = d.Device
		if d, err = pool.Finished(k.signInFrom(known, ada, right)); err != nil {
			t.Fatal(err)
		}
		if d, err = k.refresh(d); err != nil {
			t.Fatal(err)
		}
		if err := k.as(d, func(a *pool.Account) error {
			return second(a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
		}); err != nil {
			t.Fatal(err)
		}
		k.devices(ada, 1)
	})
}

// A device token of another user, of before the password was set, of a year ago or made up hides no
// stranger.
func TestT6_OtherDeviceTokensHideNobody(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed("eve@example.com")
	k.settled(ada)
	eves, old := k.done("eve@example.com").Device, k.done(ada).Device
	k.clock.advance(366 * 24 * time.Hour)
	ticket := k.forgot(ada)
	k.delivered()
	stale := k.done(ada).Device
	if err := k.reset(ticket, k.box.Code(ada), another); err != nil {
		t.Fatal(err)
	}
	before := len(k.got(ada, message.NewDevice))
	for n, token := range []string{eves, old, stale, "", "AAAA"} {
		k.clock.advance(24 * time.Hour)
		if _, err := k.signInFrom(pool.Caller{Device: token}, ada, another); err != nil {
			t.Fatal(err)
		}
		k.devices(ada, before+n+1)
	}
}

// Who keeps no cookies is told five times a day, however many sign-ins there are at once, and all of
// them get in.
func TestT6_NewDevicesAreToldFiveTimesADay(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.settled(ada)
		errs := make([]error, 12)
		together(len(errs), func(n int) { _, errs[n] = k.signInFrom(from(n), ada, right) })
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		k.devices(ada, 5)
		k.clock.advance(23 * time.Hour)
		k.done(ada)
		k.devices(ada, 5)
		k.clock.advance(time.Hour)
		k.done(ada)
		k.devices(ada, 6)
	})
}

// What gets nobody in is told to nobody.
func TestT6_OnlySignInsTellOfDevices(t *testing.T) {
	t.Parallel()
	deny := func(context.Context, hook.PreTokenGeneration) (hook.PreTokenGenerationAnswer, error) {
		return hook.PreTokenGenerationAnswer{}, errStaff
	}
	for name, tt := range map[string]struct {
		change func(*pool.Config)
		act    func(k *kit)
	}{
		"wrong": {act: func(k *kit) { k.signIn(ada, wrong) }},
		"locked": {act: func(k *kit) {
			for range 6 {
				k.signIn(ada, wrong)
			}
			k.signIn(ada, right)
		}},
		"disabled": {act: func(k *kit) { k.disable(ada); k.signIn(ada, right) }},
		"reset required": {act: func(k *kit) {
			k.change(ada, func(u *user.User) { u.Status = user.ResetRequired })
			k.signIn(ada, right)
		}},
		"a hook denies": {change: with(hook.Set{PreTokenGeneration: deny}), act: func(k *kit) { k.signIn(ada, right) }},
		"not stored": {act: func(k *kit) {
			k.store.instead(storage.ErrRetry)
			k.signIn(ada, right)
			k.store.instead(nil)
		}},
		"forgot, and no more": {act: func(k *kit) { k.forgot(ada) }},
		"as an administrator": {act: func(k *kit) {
			k.admin().Impersonate(k.t.Context(), pool.ImpersonateInput{ID: k.user(ada).ID, Reason: "4711"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			change := tt.change
			if change == nil {
				change = func(*pool.Config) {}
			}
			k := open(t, change)
			k.settled(ada)
			tt.act(k)
			k.devices(ada, 0)
		})
	}
}

// Nobody is told of their own beginning: the hour after the sign-up, the sign-in that a confirmation
// ends in, a temporary password that is replaced, which is told anyway.
func TestNewcomersAreNotToldOfDevices(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.done(ada)
	k.clock.advance(59 * time.Minute)
	k.done(ada)
	k.devices(ada, 0)

	late := k.signUp("bob@example.com")
	k.clock.advance(20 * time.Hour)
	step, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: late, Code: k.code("bob@example.com", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Finished(k.respond(step.(*pool.NeedPassword).Ticket, right)); err != nil {
		t.Fatal(err)
	}
	k.devices("bob@example.com", 0)
	k.done("bob@example.com")
	k.devices("bob@example.com", 1)

	k.temporary("kim@example.com")
	k.clock.advance(2 * time.Hour)
	if _, err := k.choose(k.asked("kim@example.com"), another); err != nil {
		t.Fatal(err)
	}
	k.devices("kim@example.com", 0)
	if n := len(k.got("kim@example.com", message.PasswordChanged)); n != 1 {
		t.Errorf("told %d times of the password, want once", n)
	}
}

// After a reset the owner hears from where it was used.
func TestT6_SignInAfterAResetIsTold(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.settled(ada)
	ticket := k.forgot(ada)
	k.delivered()
	step, err := k.ResetPassword(t.Context(), pool.ResetPasswordInput{Ticket: ticket, Code: k.box.Code(ada), Password: another})
	if err != nil {
		t.Fatal(err)
	}
	k.devices(ada, 0)
	if _, err := pool.Finished(k.respond(step.(*pool.NeedPassword).Ticket, another)); err != nil {
		t.Fatal(err)
	}
	k.devices(ada, 1)
}

// It goes to a proven email address and nowhere else, and costs nothing where the pool is silent.
func TestNewDeviceGoesByEmail(t *testing.T) {
	t.Parallel()
	texted := open(t, takes(pool.Phone))
	texted.settled(phone)
	quiet := open(t)
	quiet.put(func(s *pool.Settings) { s.Notices.InsecureSilent = []message.Kind{message.NewDevice} })
	quiet.settled(ada)
	unproven := open(t, takes(pool.Username))
	if _, err := unproven.admin().CreateUser(t.Context(), pool.CreateUserInput{
		Username: "ada", Attributes: user.Attributes{"email": ada}, Password: right, Permanent: true,
	}); err != nil {
		t.Fatal(err)
	}
	unproven.clock.advance(2 * time.Hour)
	for login, k := range map[string]*kit{phone: texted, ada: quiet, "ada": unproven} {
		k.store.reset()
		k.done(login)
		_, commits := k.store.counted()
		if written := kinds(commits); written["PutRecord*storage.Outgoing"]+written["Count"] > 0 {
			t.Errorf("%s: %v", login, written)
		}
		k.delivered()
		if n := len(k.got(login, message.NewDevice)) + len(k.got(ada, message.NewDevice)); n > 0 {
			t.Errorf("%s was told %d times", login, n)
		}
	}
	quiet.put(func(s *pool.Settings) { s.Notices = pool.NoticeSettings{} })
	quiet.done(ada)
	quiet.devices(ada, 1)
}

// A step-up makes no device known: the owner is not told of one, and whoever has stolen a session would
// sign in from a device that is never new. A device that is known stays so.
func TestT6_StepUpsMakeNoDeviceKnown(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.settled(ada)
	mine := at("192.0.2.7")
	mine.Browser = true
	d := k.doneFrom(mine, ada, right)
	k.devices(ada, 1)
	thief := pool.Caller{IP: netip.MustParseAddr("203.0.113.66"), Browser: true}
	for _, age := range []time.Duration{0, time.Second} { // at once, and after the password
		k.clock.advance(time.Minute)
		step, err := k.accountOf(d).StepUp(t.Context(), pool.StepUpInput{MaxAge: age, Caller: thief})
		if need, ok := step.(*pool.NeedPassword); ok {
			step, err = k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: right}, Caller: thief})
		}
		stolen, err := pool.Finished(step, err)
		if err != nil || stolen.Device != "" {
			t.Fatalf("a step-up from elsewhere gives %+v, %v, want no known device", stolen, err)
		}
		thief.Device, d.Cookie = stolen.Device, stolen.Cookie
	}
	k.doneFrom(thief, ada, right)
	k.devices(ada, 2)
	mine.Device = d.Device
	own, err := pool.Finished(k.accountOf(d).StepUp(t.Context(), pool.StepUpInput{Caller: mine}))
	if err != nil || own.Device == "" {
		t.Fatalf("a step-up from a known device gives %+v, %v", own, err)
	}
	mine.Device = own.Device
	k.doneFrom(mine, ada, right)
	k.devices(ada, 2)
}
