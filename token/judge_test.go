package token_test

import (
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

func TestT4_Judge(t *testing.T) {
	t.Parallel()
	const grace = 10 * time.Second
	at := func(d time.Duration) time.Time { return now.Add(d) } // after the last rotation
	tests := []struct {
		name       string
		generation int64
		now        time.Time
		grace      time.Duration
		want       token.Verdict
	}{
		{"current", 5, at(time.Hour), grace, token.Current},
		{"current, at once", 5, at(0), grace, token.Current},
		{"current, no grace", 5, at(0), 0, token.Current},
		{"before it, at once", 4, at(0), grace, token.Retry},
		{"before it, last moment", 4, at(grace - time.Microsecond), grace, token.Retry},
		{"before it, by a clock that lags", 4, at(-time.Second), grace, token.Retry},
		{"before it, grace over", 4, at(grace), grace, token.Reused},
		{"before it, long after", 4, at(time.Hour), grace, token.Reused},
		{"before it, no grace", 4, at(0), 0, token.Reused},
		{"before it, negative grace", 4, at(-time.Hour), -grace, token.Reused},
		{"before it, longest grace", 4, at(token.MaxGrace - time.Microsecond), time.Hour, token.Retry},
		{"before it, beyond the longest grace", 4, at(token.MaxGrace), time.Hour, token.Reused},
		{"two before it, within the grace", 3, at(0), grace, token.Reused},
		{"the first", 1, at(0), grace, token.Reused},
		{"never made: zero", 0, at(0), grace, token.Reused},
		{"never made: negative", -1, at(0), grace, token.Reused},
		{"next", 6, at(0), grace, token.Future},
		{"far ahead", 1<<63 - 1, at(0), grace, token.Future},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &token.Session{Generation: 5, Rotated: now}
			if got := token.Judge(s, tt.generation, tt.now, tt.grace); got != tt.want {
				t.Errorf("Judge = %v, want %v", got, tt.want)
			}
			if s.Generation != 5 || !s.Rotated.Equal(now) {
				t.Errorf("Judge changed the session: %+v", s)
			}
		})
	}
	fresh := &token.Session{Generation: 1} // never rotated
	if got := token.Judge(fresh, 0, now, grace); got != token.Reused {
		t.Errorf("before the first of a session that never rotated: %v, want reused", got)
	}
}

func TestT2_LevelIsComputed(t *testing.T) {
	t.Parallel()
	password := func(age time.Duration) token.Proof {
		return token.Proof{Method: token.MethodPassword, Time: now.Add(-age)}
	}
	code := func(age time.Duration) token.Proof {
		return token.Proof{Method: token.MethodEmailCode, Time: now.Add(-age)}
	}
	const month = 30 * 24 * time.Hour
	tests := []struct {
		name   string
		proofs []token.Proof
		acr    string
		amr    int // names, all of them pwd
	}{
		{"nothing", nil, "", 0},
		{"password", []token.Proof{password(0)}, token.AAL1, 1},
		{"password, just young enough", []token.Proof{password(month - 1)}, token.AAL1, 1},
		{"password, too old", []token.Proof{password(month)}, "", 0},
		{"password twice", []token.Proof{password(0), password(time.Hour)}, token.AAL1, 1},
		{"email code", []token.Proof{code(0)}, token.AAL1, 0},
		{"SMS code", []token.Proof{{Method: token.MethodSMSCode, Time: now}}, token.AAL1, 0},
		{"an SMS code lifts nothing", []token.Proof{password(0), {Method: token.MethodSMSCode, Time: now}}, token.AAL1, 1},
		{"an email code lifts nothing", []token.Proof{password(0), code(0), code(0)}, token.AAL1, 1},
		{"an unknown method", []token.Proof{{Method: "magic", Time: now}}, "", 0},
		{"no time", []token.Proof{{Method: token.MethodPassword}}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := token.ACR(tt.proofs, now); got != tt.acr {
				t.Errorf("ACR = %q, want %q", got, tt.acr)
			}
			amr := token.AMR(tt.proofs, now)
			if len(amr) != tt.amr || tt.amr == 1 && amr[0] != "pwd" {
				t.Errorf("AMR = %q, want %d", amr, tt.amr)
			}
		})
	}
}

// Two factors are called "mfa" for as long as they are of two factors: who asks for it in amr, where others
// ask for an acr, lets in nobody who was there yesterday, or an hour ago for the last time. What was shown
// is named for as long as it counts for anything.
func TestT2_MethodsGoWithTheLevel(t *testing.T) {
	t.Parallel()
	shown := func(age time.Duration, methods ...token.Method) (proofs []token.Proof) {
		for _, m := range methods {
			proofs = append(proofs, token.Proof{Method: m, Time: now.Add(-age)})
		}
		return proofs
	}
	faded := token.Proof{Method: token.MethodFaded, Time: now.Add(-time.Minute)}
	both := []token.Method{token.MethodPassword, token.MethodTOTP}
	for name, tt := range map[string]struct {
		proofs []token.Proof
		want   []string
	}{
		"two factors":              {shown(time.Hour, both...), []string{"mfa", "otp", "pwd"}},
		"of a day ago":             {shown(token.AAL2Age, both...), []string{"otp", "pwd"}},
		"that have faded":          {append(shown(time.Hour, both...), faded), []string{"otp", "pwd"}},
		"shown anew after it":      {append(shown(0, both...), faded), []string{"mfa", "otp", "pwd"}},
		"one of them anew":         {append(append(shown(time.Hour, both...), faded), shown(0, token.MethodTOTP)...), []string{"otp", "pwd"}},
		"a passkey":                {shown(time.Hour, token.MethodVerifiedPasskey), []string{"mfa", "pop", "user"}},
		"a passkey that has faded": {append(shown(time.Hour, token.MethodVerifiedPasskey), faded), []string{"pop", "user"}},
		"of a month ago":           {shown(30*24*time.Hour, both...), nil},
		"a month-old password":     {append(shown(30*24*time.Hour, token.MethodPassword), shown(0, token.MethodTOTP)...), []string{"otp"}},
	} {
		if got := token.AMR(tt.proofs, now); !slices.Equal(got, tt.want) {
			t.Errorf("%s: AMR = %q, want %q", name, got, tt.want)
		}
	}
}
