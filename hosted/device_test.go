package hosted_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// remembering is a site where devices are remembered, and somebody with an app there.
func remembering(t *testing.T, when pool.Remember) (*site, mfa.Seed) {
	t.Helper()
	s := open(t, false, pool.Config{Settings: &pool.Settings{
		MFA: pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindTOTP}}, Devices: pool.DeviceSettings{Remember: when},
	}}, hosted.Config{})
	seed, _ := s.browser().enrol(ada)
	s.Clock.Advance(minute)
	return s, seed
}

const box = `name="remember" type="checkbox"`

// Who ticks the box is asked for no second factor in that browser until the device is forgotten; who does not
// is asked again.
func TestT2_DevicesAreRememberedByChoice(t *testing.T) {
	t.Parallel()
	s, seed := remembering(t, pool.RememberByChoice)
	b := s.browser()
	p := b.signIn(ada, secret)
	b.at(p, "/auth/totp")
	b.shows(p, box)
	p = b.post(p, "submit", "code", "000000", "remember", "on")
	b.shows(p, box+` value="on" checked`)
	b.at(b.post(p, "submit", "code", seed.Code(s.Clock.Now()), "remember", "on"), "/")
	again := func(want string) page {
		t.Helper()
		b.post(b.open("/auth/sign-out"), "submit")
		p := b.signIn(ada, secret)
		b.at(p, want)
		return p
	}
	again("/")

	p = b.open("/auth/security")
	b.shows(p, "Go-http-client")
	b.shows(p, "the one that you use now")
	p = b.follow(b.rename(p, "rename-device-0", "<At> work"))
	b.shows(p, "<At> work")
	if strings.Contains(p.body, "<At>") {
		t.Error("a name is markup")
	}
	b.at(b.post(p, "remove-device-0"), "/auth/sign-in") // the session rested on it
	s.Clock.Advance(minute)
	p = again("/auth/totp")
	b.at(b.post(p, "submit", "code", seed.Code(s.Clock.Now())), "/")
	again("/auth/totp")
}

// The box is where it is of use: not where the pool decides, at the first of two factors, in a step-up, or in
// one's own account. What is sent all the same remembers nothing.
func TestT2_TheBoxKeepsItsPromise(t *testing.T) {
	t.Parallel()
	for _, when := range []pool.Remember{pool.RememberNever, pool.RememberAlways} {
		s, _ := remembering(t, when)
		if p := s.browser().signIn(ada, secret); strings.Contains(p.body, box) {
			t.Errorf("%q: there is a box", when)
		}
	}
	s, seed := remembering(t, pool.RememberByChoice)
	b := s.browser()
	b.at(b.post(b.signIn(ada, secret), "submit", "code", seed.Code(s.Clock.Now())), "/")
	p := b.post(b.open("/auth/security"), "to-add-app")
	b.at(p, "/auth/new-app")
	if strings.Contains(p.body, box) {
		t.Error("the account has a box")
	}
	s.Clock.Advance(time.Hour)
	p = b.post(b.post(b.post(b.open("/auth/security"), "to-add-app"), "submit"), "submit", "password", secret)
	b.at(p, "/auth/totp")
	if strings.Contains(p.body, box) {
		t.Error("the step-up has a box")
	}
	p.body = strings.Replace(p.body, `<button id="submit"`, `<input type="hidden" name="remember" value="on"><button id="submit"`, 1)
	b.at(b.post(p, "submit", "code", seed.Code(s.Clock.Now())), "/auth/security")
	if b.cookie("remembered") != "" {
		t.Error("a step-up remembers the device")
	}
}

// CVE class 43: a session that rests on a remembered device shows the factor itself before a sensitive act.
// The password alone would not do, so the step-up asks for more than that, and leads back.
func TestCVE43_DevicesStepUp(t *testing.T) {
	t.Parallel()
	s, seed := remembering(t, pool.RememberAlways)
	b := s.browser()
	b.at(b.post(b.signIn(ada, secret), "submit", "code", seed.Code(s.Clock.Now())), "/")
	b.post(b.open("/auth/sign-out"), "submit")
	b.at(b.signIn(ada, secret), "/")
	if no := b.step(b.json("POST", "/auth/add-app", `{}`), 401); no.Error != "needs_proof" {
		t.Errorf("by JSON: %+v", no)
	}
	p := b.post(b.open("/auth/security"), "to-add-app")
	b.at(p, "/auth/step-up")
	p = b.post(p, "submit")
	b.at(p, "/auth/totp")
	s.Clock.Advance(minute)
	p = b.post(p, "submit", "code", seed.Code(s.Clock.Now()))
	b.at(p, "/auth/security")
	b.at(b.post(p, "to-add-app"), "/auth/new-app")
}

func TestRememberedDevicesByJSON(t *testing.T) {
	t.Parallel()
	s, seed := remembering(t, pool.RememberByChoice)
	b := s.browser()
	need := b.step(b.json("POST", "/auth/sign-in", `{"username":"`+ada+`","password":"`+secret+`"}`), 200)
	if form := b.json("GET", "/auth/totp?flow="+need.Ticket, ""); !strings.Contains(form.body, `"remember"`) {
		t.Errorf("the form is %s", form.body)
	}
	b.step(b.json("POST", "/auth/totp", fmt.Sprintf(`{"ticket":%q,"code":%q,"remember":"on"}`, need.Ticket, seed.Code(s.Clock.Now()))), 200)
	have := b.step(b.json("GET", "/auth/security", ""), 200).Factors
	if len(have.Devices) != 1 || have.Devices[0].Agent == "" || have.Devices[0].This {
		t.Fatalf("devices = %+v", have.Devices)
	}
	which := fmt.Sprintf(`{"kind":"device","id":%q`, have.Devices[0].ID)
	if got := b.step(b.json("POST", "/auth/rename-factor", which+`,"name":"at\nwork"}`), 422); got.Error != "invalid" {
		t.Errorf("rename = %+v", got)
	}
	if got := b.step(b.json("POST", "/auth/remove-factor", which+`}`), 200); got.Step != "forgotten" {
		t.Errorf("forget = %+v", got)
	}
	if got := b.step(b.json("POST", "/auth/remove-factor", which+`}`), 404); got.Error != "gone" {
		t.Errorf("forget twice = %+v", got)
	}
}
