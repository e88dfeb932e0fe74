package token_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

const (
	aal2    = token.AAL2
	stepsUp = `Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required"`
)

// signedIn returns claims of a sign-in of so long ago.
func signedIn(acr string, ago time.Duration) *token.Claims {
	return &token.Claims{Subject: "ada", ACR: acr, AuthTime: now.Add(-ago), Groups: []string{"staff"}, Scope: []string{"pay"}}
}

// RFC 9470, section 3. What no sign-in would help is not answered by a step: the user would show
// another factor, and be refused.
func TestCheckSteps(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	actor := token.Claims{Subject: "ada", Actor: "root", ACR: aal2, AuthTime: now}
	tests := []struct {
		name    string
		claims  *token.Claims
		require token.Requirement
		want    string // the challenge, "forbidden", or "" where it is met
	}{
		{"nothing", &token.Claims{}, token.Requirement{}, ""},
		{"as strong", signedIn("aal1", 0), token.Requirement{ACR: "aal1"}, ""},
		{"stronger", signedIn(aal2, 0), token.Requirement{ACR: "aal1"}, ""},
		{"two factors", signedIn(aal2, 9000*time.Hour), token.Requirement{ACR: aal2}, ""},
		{"new", signedIn("", 4*m), token.Requirement{MaxAge: 5 * m}, ""},
		{"new, to the nanosecond", signedIn("", 5*m), token.Requirement{MaxAge: 5 * m}, ""},
		{"strong and new", signedIn(aal2, 5*m), token.Requirement{ACR: aal2, MaxAge: 5 * m}, ""},
		{"of a clock ahead", signedIn("", -time.Minute), token.Requirement{MaxAge: 5 * m}, ""},

		{"weaker", signedIn("aal1", 0), token.Requirement{ACR: aal2}, stepsUp + `, acr_values="aal2"`},
		{"none for one", signedIn("", 0), token.Requirement{ACR: "aal1"}, stepsUp + `, acr_values="aal1 aal2"`},
		{"none for two", signedIn("", 0), token.Requirement{ACR: aal2}, stepsUp + `, acr_values="aal2"`},
		{"in capitals", signedIn("AAL2", 0), token.Requirement{ACR: aal2}, stepsUp + `, acr_values="aal2"`},
		{"with a blank", signedIn("aal2 ", 0), token.Requirement{ACR: aal2}, stepsUp + `, acr_values="aal2"`},
		{"a list", signedIn("aal1 aal2", 0), token.Requirement{ACR: aal2}, stepsUp + `, acr_values="aal2"`},
		{"of tomorrow's words", signedIn("aal3", 0), token.Requirement{ACR: aal2}, stepsUp + `, acr_values="aal2"`},
		{"of others' words", signedIn("phrh", 0), token.Requirement{ACR: "aal1"}, stepsUp + `, acr_values="aal1 aal2"`},
		{"older by a nanosecond", signedIn(aal2, 5*m+1), token.Requirement{MaxAge: 5 * m}, stepsUp + `, max_age="300"`},
		{"of no known time", &token.Claims{ACR: aal2}, token.Requirement{MaxAge: 87600 * time.Hour}, stepsUp + `, max_age="315360000"`},
		{"of no known time, for ever", &token.Claims{}, token.Requirement{MaxAge: 1<<63 - 1}, stepsUp + `, max_age="9223372036"`},
		{"of 1970", &token.Claims{AuthTime: time.Unix(1, 0)}, token.Requirement{MaxAge: time.Hour}, stepsUp + `, max_age="3600"`},
		{"of a future that stays", signedIn("", -121*time.Second), token.Requirement{MaxAge: 5 * m}, stepsUp + `, max_age="300"`},
		{"of the year 9999", &token.Claims{AuthTime: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, token.Requirement{MaxAge: 5 * m}, stepsUp + `, max_age="300"`},
		{"half a second", signedIn("", time.Second), token.Requirement{MaxAge: time.Second / 2}, stepsUp + `, max_age="0"`},
		{"a second and a half", signedIn("", 2*time.Second), token.Requirement{MaxAge: 3 * time.Second / 2}, stepsUp + `, max_age="1"`},
		{"in the group and with the scope", signedIn("aal1", 0), token.Requirement{ACR: aal2, Groups: []string{"staff"}, Scopes: []string{"pay"}}, stepsUp + `, acr_values="aal2"`},
		{"oneself", signedIn("aal1", 0), token.Requirement{ACR: aal2, Self: true}, stepsUp + `, acr_values="aal2"`},

		{"weak, and lacks the scope", signedIn("aal1", 0), token.Requirement{ACR: aal2, Scopes: []string{"x"}}, "forbidden"},
		{"weak, and not in the group", signedIn("aal1", 0), token.Requirement{ACR: aal2, Groups: []string{"root"}}, "forbidden"},
		{"old, and not in a group of none", signedIn("aal1", time.Hour), token.Requirement{MaxAge: m, Groups: []string{}}, "forbidden"},
		{"strong, and lacks the scope", signedIn(aal2, 0), token.Requirement{ACR: aal2, Scopes: []string{"x"}}, "forbidden"},
		{"new, and not in the group", signedIn(aal2, 0), token.Requirement{MaxAge: m, Groups: []string{"root"}}, "forbidden"},
		{"an actor who claims two factors", &actor, token.Requirement{ACR: aal2}, "forbidden"},
		{"an actor for one", &actor, token.Requirement{ACR: "aal1"}, "forbidden"},
		{"an actor who claims to be new", &actor, token.Requirement{MaxAge: m}, "forbidden"},
		{"an actor, of whom nothing is asked", &actor, token.Requirement{}, ""},
		{"a word that is none of ours", signedIn(aal2, 0), token.Requirement{ACR: "aal3"}, "forbidden"},
		{"the same word on both sides", signedIn("gold", 0), token.Requirement{ACR: "gold"}, "forbidden"},
		{"two words", signedIn("aal1 aal2", 0), token.Requirement{ACR: "aal1 aal2"}, "forbidden"},
		{"capitals", signedIn("AAL1", 0), token.Requirement{ACR: "AAL1"}, "forbidden"},
		{"a blank", signedIn(aal2, 0), token.Requirement{ACR: " "}, "forbidden"},
		{"a negative age", signedIn(aal2, -m), token.Requirement{MaxAge: -1}, "forbidden"},
		{"the most negative age", signedIn(aal2, 0), token.Requirement{MaxAge: -1 << 63}, "forbidden"},
		{"an unknown word, weak", signedIn("", time.Hour), token.Requirement{ACR: "x", MaxAge: m}, "forbidden"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.require.Check(tt.claims, now)
			got := ""
			if step, ok := errors.AsType[*token.StepUpError](err); ok {
				got = step.Challenge()
			} else if errors.Is(err, token.ErrForbidden) {
				got = "forbidden"
			} else if err != nil {
				t.Errorf("Check = %v", err)
			}
			if got != tt.want {
				t.Errorf("Check = %v: %s\nwant %s", err, got, tt.want)
			}
		})
	}
}

// A step-up is met by a sign-in that was as strong as is asked and as new, in one: not by a strong one
// of long ago, not by a new one of another method, and not by what a token says of methods.
func TestCVE43_StrengthAndAgeAreOfOneSignIn(t *testing.T) {
	t.Parallel()
	q := token.Requirement{ACR: aal2, MaxAge: 5 * time.Minute}
	for name, c := range map[string]*token.Claims{
		"strong, long ago":              signedIn(aal2, time.Hour),
		"a moment too long ago":         signedIn(aal2, 5*time.Minute+time.Second),
		"new, by a password":            signedIn("aal1", 0),
		"new, by a code to an address":  signedIn("aal1", time.Second),
		"new, by nothing that counts":   signedIn("", 0),
		"strong, at no known time":      {ACR: aal2, IssuedAt: now},
		"of a token that is new itself": {ACR: aal2, IssuedAt: now, AuthTime: now.Add(-time.Hour)},
		"whose methods are many":        {ACR: "aal1", AMR: []string{"pwd", "otp", "hwk", "mfa"}, AuthTime: now},
		"whose attributes say so":       {ACR: "aal1", Attributes: map[string]string{"acr": aal2}, AuthTime: now},
		"whose groups and scopes do":    {ACR: "aal1", Groups: []string{aal2}, Scope: []string{aal2}, AuthTime: now},
	} {
		step, ok := errors.AsType[*token.StepUpError](q.Check(c, now))
		if !ok || step.ACR != aal2 || step.MaxAge != 5*time.Minute {
			t.Errorf("a sign-in %s: %v, want a step up to all that is asked", name, step)
		}
	}
	if err := q.Check(signedIn(aal2, time.Minute), now); err != nil {
		t.Errorf("strong and new: %v", err)
	}
}

// What was shown of late by one method makes no old proof of another new.
func TestCVE43_FreshnessIsOfTheProofsThatCount(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	of := func(method token.Method, ago time.Duration) token.Proof {
		return token.Proof{Method: method, Time: now.Add(-ago)}
	}
	for _, tt := range []struct {
		name        string
		proofs      []token.Proof
		fresh, both bool // by MaxAge alone, and by it and two factors
	}{
		{"two factors, now", []token.Proof{of(token.MethodPassword, m), of(token.MethodTOTP, 0)}, true, true},
		{"a passkey that verified, now", []token.Proof{of(token.MethodVerifiedPasskey, m)}, true, true},
		{"old ones beside new ones", []token.Proof{of(token.MethodPassword, 60*m), of(token.MethodTOTP, 60*m), of(token.MethodPassword, m), of(token.MethodTOTP, m)}, true, true},
		{"a password, now", []token.Proof{of(token.MethodPassword, 0)}, true, false},
		{"a code to an address, now", []token.Proof{of(token.MethodEmailCode, 0)}, true, false},
		{"a passkey that was only touched", []token.Proof{of(token.MethodPasskey, 0)}, true, false},
		{"a password and a code by email", []token.Proof{of(token.MethodPassword, 0), of(token.MethodEmail, 0)}, true, false},
		{"a password on a remembered device", []token.Proof{of(token.MethodPassword, 0), of(token.MethodDevice, 0)}, true, false},

		{"an old password, a new factor", []token.Proof{of(token.MethodPassword, 60*m), of(token.MethodTOTP, 0)}, false, false},
		{"an old factor, a new password", []token.Proof{of(token.MethodTOTP, 60*m), of(token.MethodPassword, 0)}, false, false},
		{"an old passkey, a new password", []token.Proof{of(token.MethodVerifiedPasskey, 60*m), of(token.MethodPassword, 0)}, false, false},
		{"an old password, a new code to an address", []token.Proof{of(token.MethodPassword, 60*m), of(token.MethodEmailCode, 0)}, false, false},
		{"an old password, a new code by SMS", []token.Proof{of(token.MethodPassword, 60*m), of(token.MethodSMSCode, 0)}, false, false},
		{"an old password, a new code by email", []token.Proof{of(token.MethodPassword, 60*m), of(token.MethodEmail, 0)}, false, false},
		{"an old password, a remembered device", []token.Proof{of(token.MethodPassword, 60*m), of(token.MethodDevice, 0)}, false, false},
		{"an old password, a challenge of the program's", []token.Proof{of(token.MethodPassword, 60*m), of(token.MethodCustom, 0)}, false, false},
		{"a remembered device alone", []token.Proof{of(token.MethodDevice, 0)}, false, false},
		{"an administrator", []token.Proof{of(token.MethodActor, 0)}, false, false},
		{"nothing", nil, false, false},
	} {
		c := &token.Claims{ACR: token.ACR(tt.proofs, now), AuthTime: token.AuthTime(tt.proofs, now)}
		if err := (token.Requirement{MaxAge: 5 * m}).Check(c, now); (err == nil) != tt.fresh {
			t.Errorf("%s: %v, want it fresh: %t", tt.name, err, tt.fresh)
		}
		if err := (token.Requirement{ACR: aal2, MaxAge: 5 * m}).Check(c, now); (err == nil) != tt.both {
			t.Errorf("%s: %v, want two fresh factors: %t", tt.name, err, tt.both)
		}
	}
}

func TestCheckOfNobody(t *testing.T) {
	t.Parallel()
	for _, q := range []token.Requirement{{}, {ACR: "aal1"}, {MaxAge: 1}} {
		if err := q.Check(nil, now); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%+v of nobody = %v, want ErrInvalid", q, err)
		}
	}
}

// Over HTTP the clock is the verifier's, and leeway that of an issuer whose clock is another.
func TestRequireByTheVerifiersClock(t *testing.T) {
	t.Parallel()
	k := generate(t)
	ask := func(ago, leeway time.Duration, q token.Requirement) (int, string) {
		c := claims(token.Access)
		c.ACR, c.AuthTime = "aal1", now.Add(-ago)
		cfg := config(token.Access, now, k)
		cfg.Leeway = leeway
		w := serveOnce(verifier(t, cfg).Middleware(token.Require(q)(hello)), "Bearer "+sign(t, k, c))
		if w.Code != 200 && w.Header().Get("Cache-Control") != "no-store" {
			t.Error("the refusal may be kept")
		}
		return w.Code, w.Header().Get("WWW-Authenticate")
	}
	const m = time.Minute
	for _, tt := range []struct {
		ago, leeway time.Duration
		require     token.Requirement
		code        int
		challenge   string
	}{
		{5 * m, 0, token.Requirement{MaxAge: 5 * m}, 200, ""},
		{5*m + time.Second, 0, token.Requirement{MaxAge: 5 * m}, 401, stepsUp + `, max_age="300"`}, // security.md S14
		{6 * m, m, token.Requirement{MaxAge: 5 * m}, 200, ""},
		{6*m + time.Second, m, token.Requirement{MaxAge: 5 * m}, 401, stepsUp + `, max_age="300"`},
		{0, m, token.Requirement{MaxAge: 5 * m}, 200, ""},
		{-m, m, token.Requirement{MaxAge: 5 * m}, 200, ""},
		{-time.Hour, m, token.Requirement{MaxAge: 5 * m}, 401, stepsUp + `, max_age="300"`},
		{0, 0, token.Requirement{ACR: "aal1", MaxAge: m}, 200, ""},
		{0, 0, token.Requirement{ACR: aal2}, 401, stepsUp + `, acr_values="aal2"`},
		{0, 0, token.Requirement{ACR: aal2, MaxAge: m}, 401, stepsUp + `, acr_values="aal2", max_age="60"`},
		{2 * m, 0, token.Requirement{ACR: "aal1", MaxAge: m}, 401, stepsUp + `, acr_values="aal1 aal2", max_age="60"`},
		{2 * m, 0, token.Requirement{MaxAge: m, Scopes: []string{"x"}}, 403, `Bearer error="insufficient_scope", scope="x"`},
		{2 * m, 0, token.Requirement{MaxAge: m, Groups: []string{"x"}}, 403, ""},
		{0, 0, token.Requirement{ACR: "x"}, 403, ""},
		{0, 0, token.Requirement{MaxAge: -m}, 403, ""},
	} {
		if code, challenge := ask(tt.ago, tt.leeway, tt.require); code != tt.code || challenge != tt.challenge {
			t.Errorf("%v ago, leeway %v, %+v: %d %s\nwant %d %s", tt.ago, tt.leeway, tt.require, code, challenge, tt.code, tt.challenge)
		}
	}
}

// A guard is before each request, and leaves no work to the collector.
func TestRequireAllocatesNothing(t *testing.T) {
	guard := token.Require(token.Requirement{Scopes: []string{"pay"}, Groups: []string{"staff"}, Self: true, ACR: aal2, MaxAge: time.Hour})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	c := signedIn(aal2, 0)
	c.AuthTime = time.Now()
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	r = r.WithContext(token.NewContext(r.Context(), c))
	if n := testing.AllocsPerRun(100, func() { guard.ServeHTTP(w, r) }); n > 0 || w.Code != 200 {
		t.Errorf("%v allocations, %d", n, w.Code)
	}
}

// Claims that came without a verifier are judged by the time of day.
func TestRequireWithoutAVerifier(t *testing.T) {
	t.Parallel()
	ask := func(c *token.Claims, q token.Requirement) int {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		token.Require(q)(hello).ServeHTTP(w, r.WithContext(token.NewContext(r.Context(), c)))
		return w.Code
	}
	fresh := token.Requirement{MaxAge: time.Hour}
	if got := ask(&token.Claims{AuthTime: time.Now().Add(-time.Minute)}, fresh); got != 200 {
		t.Errorf("a minute ago: %d", got)
	}
	for name, c := range map[string]*token.Claims{"two hours ago": {AuthTime: time.Now().Add(-2 * time.Hour)}, "never": {}, "nobody": nil} {
		if got := ask(c, fresh); got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// What stands in a header is ours, whatever somebody puts into the error.
func TestStepUpError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		e    token.StepUpError
		want string // behind the first parts of the challenge
		says []string
	}{
		{token.StepUpError{}, "", nil},
		{token.StepUpError{ACR: aal2}, `, acr_values="aal2"`, []string{"aal2"}},
		{token.StepUpError{MaxAge: 5 * time.Minute}, `, max_age="300"`, []string{"5m0s"}},
		{token.StepUpError{ACR: "x\"\r\nSet-Cookie: a=b", MaxAge: -1}, "", nil},
		{token.StepUpError{ACR: strings.Repeat("aal2", 1<<10)}, "", nil},
		{token.StepUpError{MaxAge: 1<<63 - 1}, `, max_age="9223372036"`, nil},
	} {
		if got := tt.e.Challenge(); got != stepsUp+tt.want {
			t.Errorf("%+v: %s", tt.e, got)
		}
		text := tt.e.Error()
		if !strings.HasPrefix(text, "token: ") || strings.ContainsAny(text, "\r\n") || len(text) > 200 ||
			slices.ContainsFunc(tt.says, func(s string) bool { return !strings.Contains(text, s) }) {
			t.Errorf("%+v says %q", tt.e, text)
		}
	}
}
