package pool_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/user"
)

// judge is an AssessRisk hook: it notes what it is told, and says what it is to.
type judge struct {
	mu   sync.Mutex
	told []hook.AssessRisk
	says func(hook.AssessRisk) (hook.Risk, error) // nil means what the pool says
}

func (j *judge) assess(_ context.Context, e hook.AssessRisk) (hook.Risk, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.told = append(j.told, e)
	if j.says == nil {
		return e.Risk, nil
	}
	return j.says(e)
}

// last returns what it was told last, and forgets all.
func (j *judge) last() (e hook.AssessRisk, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n = len(j.told); n > 0 {
		e = j.told[n-1]
	}
	j.told = nil
	return e, n
}

// acting says what is done at each risk.
func acting(low, medium, high pool.RiskAction) func(*pool.Config) {
	return func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.Risk.Low, c.Settings.Risk.Medium, c.Settings.Risk.High = low, medium, high
	}
}

// by returns a caller at an address, with the known-device token of a sign-in.
func by(ip string, d *pool.Done) pool.Caller {
	c := pool.Caller{Device: d.Device}
	if ip != "" {
		c.IP = netip.MustParseAddr(ip)
	}
	return c
}

func (k *kit) doneFrom(c pool.Caller, login string, pw password.Secret) *pool.Done {
	k.t.Helper()
	d, err := pool.Finished(k.signInFrom(c, login, pw))
	if err != nil {
		k.t.Fatalf("sign-in from %v: %v", c.IP, err)
	}
	return d
}

var common = password.New("password123")

// Each circumstance that is out of the ordinary is one step, in whatever company it comes.
func TestCircumstances(t *testing.T) {
	t.Parallel()
	for n := range 1 << 4 {
		newDevice, newNetwork, failures, weak := n&1 > 0, n&2 > 0, n&4 > 0, n&8 > 0
		if newDevice && !newNetwork {
			continue // networks are known of a device
		}
		t.Run(fmt.Sprintf("%04b", n), func(t *testing.T) {
			t.Parallel()
			var j judge
			k := open(t, with(hook.Set{AssessRisk: j.assess}), func(c *pool.Config) {
				c.Settings = &pool.Settings{Passwords: password.Policy{InsecureAllowCommon: true}}
			})
			k.permanent(ada)
			pw := right
			if weak {
				pw = common
				if err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: k.user(ada).ID, Password: pw, Permanent: true}); err != nil {
					t.Fatal(err)
				}
			}
			c := by("192.0.2.1", k.doneFrom(at("192.0.2.1"), ada, pw))
			if newNetwork {
				c.IP = netip.MustParseAddr("192.0.3.1")
			}
			if newDevice {
				c.Device = ""
			}
			for range map[bool]int{true: 3, false: 2}[failures] {
				k.signInFrom(c, ada, wrong)
			}
			k.doneFrom(c, ada, pw)
			e, _ := j.last()
			got := []bool{e.NewDevice, e.NewNetwork, e.Failures, e.CommonPassword}
			if want := []bool{newDevice, newNetwork, failures, weak}; !slices.Equal(got, want) {
				t.Errorf("device, network, failures, password: %v, want %v", got, want)
			}
			odd := 0
			for _, b := range got {
				if b {
					odd++
				}
			}
			if e.Risk != hook.Risk(min(odd, 3)) {
				t.Errorf("risk %d of %d circumstances", e.Risk, odd)
			}
		})
	}
}

// A device is known to the user who has signed in with it, and knows the networks of its own last
// eight sign-ins; whatever else is shown as one is new.
func TestDevicesAndTheirNetworks(t *testing.T) {
	t.Parallel()
	var j judge
	k, other := open(t, with(hook.Set{AssessRisk: j.assess})), open(t)
	for _, login := range []string{ada, "eve@example.com"} {
		k.permanent(login)
		other.permanent(login)
	}
	see := func(what string, c pool.Caller, newDevice, newNetwork bool) *pool.Done {
		t.Helper()
		d := k.doneFrom(c, ada, right)
		if e, _ := j.last(); e.NewDevice != newDevice || e.NewNetwork != newNetwork || e.User != k.user(ada).ID {
			t.Errorf("%s: new device %v, new network %v, of %s", what, e.NewDevice, e.NewNetwork, e.User)
		}
		return d
	}
	d := see("the first time", at("192.0.2.1"), true, true)
	see("its neighbour", by("192.0.2.254", d), false, false)
	see("mapped", by("::ffff:192.0.2.7", d), false, false)
	see("beside it", by("192.0.1.254", d), false, true)
	see("without an address", by("", d), false, true)
	see("from the same network, without the device", at("192.0.2.1"), true, true)
	for what, forged := range map[string]string{
		"another user's": k.doneFrom(at("192.0.2.1"), "eve@example.com", right).Device,
		"another pool's": other.doneFrom(at("192.0.2.1"), ada, right).Device,
		"flipped":        flip(d.Device, 40), "cut": d.Device[:len(d.Device)-2], "long": strings.Repeat("A", 1<<20), "text": "192.0.2.0/24",
	} {
		see(what, pool.Caller{IP: netip.MustParseAddr("192.0.2.1"), Device: forged}, true, true)
	}
	six := see("IPv6", by("2001:db8:1:2::3", d), false, true)
	see("of the same site", by("2001:db8:1:ffff::1%eth0", six), false, false)
	see("of another", by("2001:db8:2::1", six), false, true)
	d = see("from before IPv6", by("192.0.2.1", six), false, false)
	for n := range 8 {
		d = see("on the road", by(fmt.Sprintf("198.51.%d.1", n), d), false, true)
	}
	see("the first of eight", by("198.51.0.9", d), false, false)
	see("of long ago", by("192.0.2.1", d), false, true)
	if len(d.Device) > 1000 {
		t.Errorf("the token has %d bytes", len(d.Device))
	}
	if err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: k.user(ada).ID, Password: right, Permanent: true}); err != nil {
		t.Fatal(err)
	}
	see("of before a new password", by("198.51.0.9", d), true, true)
	k.clock.advance(366 * 24 * time.Hour)
	see("of a year ago", by("198.51.0.9", d), true, true)
}

// What the settings say of a risk is done at it, by default nothing that keeps anybody out. Whoever
// is refused hears, and costs, what a wrong password does, and is counted like one.
func TestRiskActions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		low, medium, high pool.RiskAction
		lets              [4]bool // in, at each risk, somebody without a second factor
	}{
		"by default":    {lets: [4]bool{true, true, true, true}},
		"ask":           {pool.RiskAsk, pool.RiskAsk, pool.RiskAsk, [4]bool{true, true, true, true}},
		"require":       {pool.RiskAllow, pool.RiskRequire, pool.RiskRequire, [4]bool{true, true}},
		"block":         {pool.RiskAllow, pool.RiskAsk, pool.RiskBlock, [4]bool{true, true, true}},
		"block earlier": {"", pool.RiskBlock, pool.RiskBlock, [4]bool{true, true}},
		"block all":     {pool.RiskBlock, pool.RiskBlock, pool.RiskBlock, [4]bool{true}},
	} {
		for risk := range hook.HighRisk + 1 {
			t.Run(fmt.Sprintf("%s/%d", name, risk), func(t *testing.T) {
				t.Parallel()
				says := func(hook.AssessRisk) (hook.Risk, error) { return risk, nil }
				k := open(t, acting(tt.low, tt.medium, tt.high), with(hook.Set{AssessRisk: (&judge{says: says}).assess}))
				k.permanent(ada)
				k.permanent("bob@example.com")
				cost := func(login string, pw password.Secret) (string, error) {
					k.store.reset()
					hashed := k.Hashes()
					step, err := k.signIn(login, pw)
					reads, commits := k.store.counted()
					return fmt.Sprint(step == nil, err, reads, k.Hashes()-hashed, kinds(commits)), err
				}
				got, err := cost(ada, right)
				if tt.lets[risk] != (err == nil) {
					t.Fatalf("= %v, want it let in: %v", err, tt.lets[risk])
				}
				if err == nil {
					return
				}
				if want, _ := cost("bob@example.com", wrong); got != want || !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("the right password = %s\na wrong one = %s", got, want)
				}
				for range 4 {
					k.signIn(ada, right)
				}
				if _, calls := k.told("locked"); calls != 0 {
					t.Errorf("locked too early: %d", calls)
				}
				k.store.reset()
				k.signIn(ada, right)
				if _, commits := k.store.counted(); len(commits) != 0 {
					t.Error("the sixth refusal is judged yet")
				}
			})
		}
	}
}

// The pool's own verdict is enough to block; the right password from a device and a network that are
// known passes all the while, and so does everybody in an allowed network.
func TestRiskOfStrangers(t *testing.T) {
	t.Parallel()
	k := open(t, acting("", pool.RiskBlock, pool.RiskBlock), func(c *pool.Config) { c.Settings.Risk.Allow = networks("192.0.2.0/24") })
	k.permanent(ada)
	d := k.doneFrom(at("::ffff:192.0.2.1"), ada, right)
	for what, c := range map[string]pool.Caller{
		"a stranger": at("198.51.100.1"), "nowhere": {}, "IPv6": at("2001:db8::1"), "the neighbours": at("192.0.3.1"),
	} {
		if _, err := k.signInFrom(c, ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s = %v, want ErrNotAuthorized", what, err)
		}
	}
	events, _ := k.told("risk")
	if len(events) != 4 || events[0].User != k.user(ada).ID || events[0].Kind != "sign_in" {
		t.Errorf("it is told by %+v", events)
	}
	k.doneFrom(by("198.51.100.1", d), ada, right)
	k.doneFrom(at("192.0.2.77"), ada, right)
}

// In an allowed network nobody is asked about.
func TestAllowedNetworksAreNoRisk(t *testing.T) {
	t.Parallel()
	j := judge{says: func(hook.AssessRisk) (hook.Risk, error) { return 0, errStaff }}
	k := open(t, with(hook.Set{AssessRisk: j.assess}), func(c *pool.Config) {
		c.Settings = &pool.Settings{Risk: pool.RiskSettings{Allow: networks("192.0.2.0/24")}}
	})
	k.permanent(ada)
	k.doneFrom(at("192.0.2.1"), ada, right)
	if _, n := j.last(); n != 0 {
		t.Errorf("%d were asked about", n)
	}
	for _, c := range []pool.Caller{{}, at("192.0.3.1"), at("2001:db8::1")} {
		_, err := k.signInFrom(c, ada, right)
		denies(t, err, "AssessRisk", errStaff)
	}
}

// An answer that is no risk denies, as silence does.
func TestS8_MalformedRisks(t *testing.T) {
	t.Parallel()
	for _, r := range []hook.Risk{-1, hook.HighRisk + 1, 1 << 40} {
		j := judge{says: func(hook.AssessRisk) (hook.Risk, error) { return r, nil }}
		k := open(t, with(hook.Set{AssessRisk: j.assess}))
		k.permanent(ada)
		hashed := k.Hashes()
		_, err := k.signIn(ada, right)
		denies(t, err, "AssessRisk", hook.ErrMalformed)
		if k.Hashes() != hashed {
			t.Error("the password was judged")
		}
	}
}

// A sign-in that another write comes between is assessed once.
func TestS8_RiskIsAssessedOnce(t *testing.T) {
	t.Parallel()
	var j judge
	k := open(t, with(hook.Set{AssessRisk: j.assess}))
	k.permanent(ada)
	k.store.meanwhile(func() { k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"name": "Ada"} }) })
	k.done(ada)
	if e, n := j.last(); n != 1 || e.Risk != hook.MediumRisk || e.UserNotFound || e.Username != ada {
		t.Errorf("asked %d times: %+v", n, e)
	}
	k.signIn("nobody@example.com", wrong)
	if e, _ := j.last(); !e.UserNotFound || e.User != "" || e.Risk != hook.MediumRisk {
		t.Errorf("of nobody it is told %+v", e)
	}
}

// Actions that there are not, and such as grow milder with the risk, are refused.
func TestRiskSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		low, medium, high pool.RiskAction
		bad               int
	}{
		"strict": {pool.RiskRequire, pool.RiskRequire, pool.RiskBlock, 0}, "none": {high: pool.RiskAllow},
		"milder":              {pool.RiskBlock, pool.RiskBlock, pool.RiskRequire, 1},
		"than the one before": {low: pool.RiskAsk, medium: pool.RiskAllow, bad: 1},
		"the rest is silent":  {low: pool.RiskRequire}, "high is silent": {medium: pool.RiskBlock},
		"unknown, and silent": {low: "Allow", bad: 1},
		"twice":               {pool.RiskBlock, pool.RiskAsk, pool.RiskAllow, 2},
		"unknown":             {"Allow", "no\naction", pool.RiskAction(strings.Repeat("a", 1<<16)), 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			s, v := k.policy()
			s.Risk.Low, s.Risk.Medium, s.Risk.High = tt.low, tt.medium, tt.high
			err := k.admin().PutSettings(t.Context(), s, v)
			wrong, _ := errors.AsType[*pool.SettingsError](err)
			if tt.bad == 0 && err != nil || tt.bad > 0 && (wrong == nil || len(wrong.Problems) != tt.bad) || err != nil && len(err.Error()) > 1000 {
				t.Errorf("PutSettings = %v, want %d problems", err, tt.bad)
			}
		})
	}
}

// What the settings say nothing about is no milder than what they say of a smaller risk.
func TestRiskThatIsNotNamed(t *testing.T) {
	t.Parallel()
	for want, s := range map[[3]pool.RiskAction]pool.RiskSettings{
		{pool.RiskAllow, pool.RiskAllow, pool.RiskAsk}:       {},
		{pool.RiskAsk, pool.RiskAsk, pool.RiskAsk}:           {Low: pool.RiskAsk},
		{pool.RiskAllow, pool.RiskRequire, pool.RiskRequire}: {Medium: pool.RiskRequire},
		{pool.RiskBlock, pool.RiskBlock, pool.RiskBlock}:     {Low: pool.RiskBlock},
		{pool.RiskAllow, pool.RiskAllow, pool.RiskAllow}:     {High: pool.RiskAllow},
	} {
		k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{Risk: s} })
		if got := k.Settings().Risk; [3]pool.RiskAction{got.Low, got.Medium, got.High} != want {
			t.Errorf("%+v means %+v, want %v", s, got, want)
		}
	}
}

// Whatever way leads into an account, a risk that is blocked ends it, and what was right hears what a
// wrong answer does. Nobody becomes a user by it.
func TestT1_RiskOnEveryWayIn(t *testing.T) {
	t.Parallel()
	ways := map[string]struct {
		change func(*pool.Config)
		begin  func(k *kit) (last func() error)
		hears  error
	}{
		"a password": {nil, func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return second(k.signIn(ada, right)) }
		}, pool.ErrNotAuthorized},
		"a password after a confirmed sign-up": {nil, func(k *kit) func() error {
			step, err := k.ConfirmSignUp(k.t.Context(), pool.CodeInput{Ticket: k.signUp(ada), Code: k.code(ada, 1)})
			if err != nil {
				k.t.Fatal(err)
			}
			ticket := step.(*pool.NeedPassword).Ticket
			return func() error { return second(k.respond(ticket, right)) }
		}, pool.ErrNotAuthorized},
		"a code after a password": {nil, func(k *kit) func() error {
			k.signUp(ada)
			step, err := k.signIn(ada, right)
			if err != nil {
				k.t.Fatal(err)
			}
			ticket, code := step.(*pool.NeedConfirm).Ticket, k.code(ada, 2)
			return func() error { return confirm(k, ticket, code) }
		}, pool.ErrBadCode},
		"a password beside a link": {byLink, func(k *kit) func() error {
			k.signUp(ada)
			ticket := k.opened(k.link(ada, 1))
			return func() error { return second(k.respond(ticket, right)) }
		}, pool.ErrNotAuthorized},
		"a password in place of a temporary one": {nil, func(k *kit) func() error {
			k.invited(ada)
			step, err := k.signIn(ada, right)
			if err != nil {
				k.t.Fatal(err)
			}
			ticket := step.(*pool.NeedNewPassword).Ticket
			return func() error {
				return second(k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.NewPassword{Value: another}}))
			}
		}, pool.ErrNotAuthorized},
		"a code of an app": {nil, func(k *kit) func() error {
			k.confirmed(ada)
			seed := k.enrolled(ada)
			step, err := k.signIn(ada, right)
			if err != nil {
				k.t.Fatal(err)
			}
			ticket, code := step.(*pool.NeedTOTP).Ticket, seed.Code(k.clock.Now())
			return func() error {
				return second(k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Code{Value: code}}))
			}
		}, pool.ErrBadCode},
		"a password of an old system": {func(c *pool.Config) { c.Hooks.MigrateUser = knownAs(nil).migrate }, func(k *kit) func() error {
			return func() error { return second(k.signIn(ada, weak)) }
		}, pool.ErrNotAuthorized},
	}
	for name, tt := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			risk := hook.NoRisk
			j := judge{says: func(hook.AssessRisk) (hook.Risk, error) { return risk, nil }}
			change := []func(*pool.Config){with(hook.Set{AssessRisk: j.assess})}
			if tt.change != nil {
				change = append(change, tt.change)
			}
			k := open(t, append(change, acting("", "", pool.RiskBlock))...)
			last := tt.begin(k)
			risk = hook.HighRisk
			if err := last(); !errors.Is(err, tt.hears) {
				t.Errorf("= %v, want %v", err, tt.hears)
			}
			if u := k.user(ada); u != nil && u.Status == user.Confirmed && strings.Contains(name, "code after") {
				t.Error("the address is confirmed")
			}
			risk = hook.NoRisk
			k.clock.advance(time.Second)
			if err := last(); err != nil && !strings.Contains(name, "app") {
				t.Errorf("without the risk = %v", err)
			}
		})
	}
}

// A risk asks for the second factor of whoever has one, where the pool would not; required, of
// whoever has none it is the end. It is not forgotten between a step and its answer.
func TestT1_RiskAsksForAFactor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		does     pool.RiskAction
		enrolled bool
		wants    pool.StepKind // "" means that it is refused
	}{
		"allowed, with an app":     {pool.RiskAllow, true, pool.KindDone},
		"asked, with an app":       {pool.RiskAsk, true, pool.KindTOTP},
		"required, with an app":    {pool.RiskRequire, true, pool.KindTOTP},
		"blocked, with an app":     {pool.RiskBlock, true, ""},
		"asked, with nothing":      {pool.RiskAsk, false, pool.KindDone},
		"required, with nothing":   {pool.RiskRequire, false, ""},
		"blocked, with a password": {pool.RiskBlock, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			risk := hook.HighRisk
			j := judge{says: func(hook.AssessRisk) (hook.Risk, error) { return risk, nil }}
			k := open(t, with(hook.Set{AssessRisk: j.assess}), acting("", "", tt.does), func(c *pool.Config) { c.Settings.MFA.Require = mfa.Off })
			k.permanent(ada)
			seed := mfa.NewSeed()
			if tt.enrolled {
				seed = k.enrolled(ada)
			}
			step, err := k.signIn(ada, right)
			switch {
			case tt.wants == "":
				if !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("= %v, %v, want ErrNotAuthorized", step, err)
				}
				return
			case err != nil || step.Kind() != tt.wants:
				t.Fatalf("= %v, %v, want %s", step, err, tt.wants)
			case tt.wants == pool.KindDone:
				return
			}
			risk = hook.NoRisk
			ticket := step.(*pool.NeedTOTP).Ticket
			for what, with := range map[string]pool.Response{
				"a wrong code": pool.Code{Value: "1"}, "the password": pool.Password{Value: right},
			} {
				if _, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: with})); err == nil {
					t.Errorf("%s is enough", what)
				}
			}
			in := pool.RespondInput{Ticket: ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}}
			if _, err := pool.Finished(k.Respond(t.Context(), in)); err != nil {
				t.Errorf("the code: %v", err)
			}
		})
	}
}

// What there was when a sign-in began stays with it: the common password of an invitation is not
// forgotten once another is chosen. Where it is the end, a temporary password hears what a wrong one
// does, and a right one that is not blocked is good later.
func TestT1_RiskOfTemporaryPasswords(t *testing.T) {
	t.Parallel()
	k := open(t, acting("", "", pool.RiskBlock), func(c *pool.Config) {
		c.Settings.Passwords.InsecureAllowCommon = true
		c.Settings.Risk.Allow = networks("192.0.2.0/24")
	})
	k.permanent(ada)
	in := pool.SetPasswordInput{ID: k.user(ada).ID, Password: common}
	if err := k.admin().SetPassword(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	stranger := at("198.51.100.1")
	if step, err := k.signInFrom(stranger, ada, common); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("from where it is blocked = %v, %v, want ErrNotAuthorized", step, err)
	}
	for what, does := range map[string]pool.RiskAction{"asked": pool.RiskAsk, "required": pool.RiskRequire} {
		k := open(t, acting("", "", does), mfaKept(mfa.Off), func(c *pool.Config) { c.Settings.Passwords.InsecureAllowCommon = true })
		k.permanent(ada)
		seed := k.enrolled(ada)
		in.ID = k.user(ada).ID
		if err := k.admin().SetPassword(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		step, err := k.signInFrom(stranger, ada, common)
		if err != nil || step.Kind() != pool.KindNewPassword {
			t.Fatalf("%s: = %v, %v, want a step", what, step, err)
		}
		need := pool.RespondInput{Ticket: step.(*pool.NeedNewPassword).Ticket, With: pool.NewPassword{Value: another}, Caller: stranger}
		step, err = k.Respond(t.Context(), need)
		if err != nil || step.Kind() != pool.KindTOTP {
			t.Fatalf("%s: after the new password = %v, %v, want the second factor", what, step, err)
		}
		last := pool.RespondInput{Ticket: step.(*pool.NeedTOTP).Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}, Caller: stranger}
		if _, err := pool.Finished(k.Respond(t.Context(), last)); err != nil {
			t.Errorf("%s: the code: %v", what, err)
		}
	}
	step, err := k.signInFrom(at("192.0.2.1"), ada, common)
	if err != nil || step.Kind() != pool.KindNewPassword {
		t.Errorf("from an allowed network = %v, %v, want a step", step, err)
	}
}

// mfaKept says of whom a second factor is asked.
func mfaKept(r mfa.Requirement) func(*pool.Config) {
	return func(c *pool.Config) { c.Settings.MFA.Require = r }
}

// Nobody sets up a factor at a risk at which whoever has none is refused, also where the risk has grown
// since the sign-in began. It hears what a wrong code does, and is counted like one.
func TestT1_RiskGrowsBeforeASetUp(t *testing.T) {
	t.Parallel()
	for _, does := range []pool.RiskAction{pool.RiskRequire, pool.RiskBlock} {
		risk := hook.NoRisk
		j := judge{says: func(hook.AssessRisk) (hook.Risk, error) { return risk, nil }}
		k := open(t, required, with(hook.Set{AssessRisk: j.assess}), acting("", "", does))
		k.confirmed(ada)
		need := k.settingUp(ada)
		risk = hook.HighRisk
		for n := range 5 {
			if step, err := k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("%s, try %d: = %v, %v, want ErrBadCode", does, n, step, err)
			}
		}
		risk = hook.NoRisk
		k.clock.advance(time.Minute)
		if _, err := k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("%s: the sixth try = %v, want ErrTicketGone", does, err)
		}
		if f := k.user(ada).Factors; f != nil {
			t.Errorf("%s: a factor is set up: %+v", does, f)
		}
	}
}

// The risk of the password that earned a code goes with the code.
func TestT1_RiskBeforeAConfirmation(t *testing.T) {
	t.Parallel()
	risk := hook.HighRisk
	j := judge{says: func(hook.AssessRisk) (hook.Risk, error) { return risk, nil }}
	k := open(t, with(hook.Set{AssessRisk: j.assess}), acting("", "", pool.RiskBlock))
	k.signUp(ada)
	step, err := k.signIn(ada, right)
	if err != nil {
		t.Fatal(err)
	}
	risk = hook.NoRisk
	if err := confirm(k, step.(*pool.NeedConfirm).Ticket, k.code(ada, 2)); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("= %v, want ErrBadCode", err)
	}
}

// What strangers guess wrong between the steps of a sign-in is nothing to a known device: neither is it a
// risk, nor does it lock the password that a step asks for.
func TestT6_StrangersBetweenTheSteps(t *testing.T) {
	t.Parallel()
	risky := false
	j := judge{says: func(e hook.AssessRisk) (hook.Risk, error) {
		if !risky {
			return hook.NoRisk, nil
		}
		return e.Risk, nil
	}}
	k := open(t, acting(pool.RiskBlock, pool.RiskBlock, pool.RiskBlock), with(hook.Set{AssessRisk: j.assess}))
	k.permanent(ada)
	d := k.doneFrom(at("192.0.2.1"), ada, right)
	own := by("192.0.2.1", d)
	k.clock.advance(time.Minute)
	steps := map[string]func() (pool.Step, error){
		"a password": func() (pool.Step, error) {
			return k.account(d).StepUp(t.Context(), pool.StepUpInput{MaxAge: time.Second, Caller: own})
		},
		"a code": func() (pool.Step, error) { return k.signInFrom(own, ada, right) },
	}
	for _, name := range []string{"a password", "a code"} {
		var seed mfa.Seed
		if name == "a code" {
			seed = k.enrolled(ada)
		}
		risky = true
		step, err := steps[name]()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		in := pool.RespondInput{Caller: own}
		switch s := step.(type) {
		case *pool.NeedPassword:
			in.Ticket, in.With = s.Ticket, pool.Password{Value: right}
		case *pool.NeedTOTP:
			in.Ticket, in.With = s.Ticket, pool.Code{Value: seed.Code(k.clock.Now())}
		default:
			t.Fatalf("%s: the step is %T", name, step)
		}
		risky = false
		for range 5 {
			k.signInFrom(at("203.0.113.9"), ada, wrong)
		}
		risky = true
		if _, err := pool.Finished(k.Respond(t.Context(), in)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The right password that earned a step counts against guessing, and is no failure in the risk of its
// answer: who slips twice is let in.
func TestTheRightPasswordIsNoFailure(t *testing.T) {
	t.Parallel()
	k := open(t, acting("", "", pool.RiskBlock))
	k.permanent(ada)
	seed := k.enrolled(ada)
	stranger := at("192.0.2.1") // with a new device in a new network: one more would block
	for _, slips := range []int{2, 3} {
		for range slips {
			k.signInFrom(stranger, ada, wrong)
		}
		step, err := k.signInFrom(stranger, ada, right)
		if (err == nil) != (slips == 2) {
			t.Fatalf("after %d slips: %v", slips, err)
		}
		if err != nil {
			break
		}
		in := pool.RespondInput{Ticket: step.(*pool.NeedTOTP).Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}, Caller: stranger}
		if _, err := pool.Finished(k.Respond(t.Context(), in)); err != nil {
			t.Errorf("after %d slips, the code: %v", slips, err)
		}
	}
}
