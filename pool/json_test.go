package pool_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

func TestMarshalStep(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 5, 1, 12, 3, 0, 0, time.UTC)
	seed, err := mfa.ParseSeed([]byte("12345678901234567890"))
	if err != nil {
		t.Fatal(err)
	}
	for want, step := range map[string]pool.Step{
		`{"step":"password","ticket":"t","expires":"2026-05-01T12:03:00Z"}`: &pool.NeedPassword{Ticket: "t", Expires: end},
		`{"step":"password","ticket":"t","expires":"2026-05-01T12:03:00Z","others":["email"]}`: &pool.NeedPassword{
			Ticket: "t", Expires: end, Others: []mfa.Kind{mfa.KindEmail},
		},
		`{"step":"new_password","ticket":"t","expires":"2026-05-01T12:03:00Z"}`: &pool.NeedNewPassword{Ticket: "t", Expires: end},
		`{"step":"confirm","ticket":"t","expires":"2026-05-01T12:03:00Z","delivery":{"channel":"email","destination":"a@b.de"}}`: &pool.NeedConfirm{
			Ticket: "t", Expires: end, Delivery: pool.Delivery{Channel: message.Email, Destination: "a@b.de"},
		},
		`{"step":"passkey","ticket":"t","expires":"2026-05-01T12:03:00Z","others":["totp"],"options":{"challenge":"c"}}`: &pool.NeedPasskey{
			Ticket: "t", Expires: end, Options: []byte(`{"challenge":"c"}`), Others: []mfa.Kind{mfa.KindTOTP},
		},
		`{"step":"passkey_setup","ticket":"t","expires":"2026-05-01T12:03:00Z","options":{"challenge":"c"}}`: &pool.NeedPasskeySetup{
			Ticket: "t", Expires: end, Options: []byte(`{"challenge":"c"}`),
		},
		`{"step":"custom","ticket":"t","expires":"2026-05-01T12:03:00Z","others":["totp"],"name":"n","params":{"q":"a"}}`: &pool.NeedCustom{
			Ticket: "t", Expires: end, Name: "n", Params: map[string]string{"q": "a"}, Others: []mfa.Kind{mfa.KindTOTP},
		},
		`{"step":"custom","ticket":"t","expires":"2026-05-01T12:03:00Z"}`: &pool.NeedCustom{Ticket: "t", Expires: end},
		`{"step":"done","recovery_codes":["7h2kq"]}`:                      &pool.Done{Cookie: token.NewSecret("c"), RecoveryCodes: []string{"7h2kq"}},
		`{"step":"totp_setup","ticket":"t","expires":"2026-05-01T12:03:00Z","others":["passkey"],` +
			`"uri":"otpauth://totp/Shop:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\u0026issuer=Shop\u0026algorithm=SHA1\u0026digits=6\u0026period=30",` +
			`"secret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}`: &pool.NeedTOTPSetup{
			AuthenticatorSetup: pool.AuthenticatorSetup{Ticket: "t", Expires: end, Seed: seed, Issuer: "Shop", Account: "ada"},
			Others:             []mfa.Kind{mfa.KindPasskey},
		},
	} {
		if got, err := pool.MarshalStep(step); err != nil || string(got) != want {
			t.Errorf("MarshalStep(%T) = %s, %v, want %s", step, got, err, want)
		}
	}
	done := &pool.Done{Tokens: token.Set{Access: token.NewSecret("a"), Lifetime: time.Minute}, Device: "d"}
	got, err := pool.MarshalStep(done)
	if err != nil || !strings.HasPrefix(string(got), `{"step":"done","tokens":{`) || !strings.Contains(string(got), `"access_token":"a"`) {
		t.Errorf("MarshalStep(Done) = %s, %v", got, err)
	}
	for _, none := range []pool.Step{(*pool.Done)(nil), (*pool.NeedPassword)(nil), (*pool.NeedConfirm)(nil), (*pool.NeedNewPassword)(nil), (*pool.NeedPasskey)(nil), (*pool.NeedPasskeySetup)(nil), (*pool.NeedCustom)(nil)} {
		if got, err := pool.MarshalStep(none); err == nil {
			t.Errorf("MarshalStep(nil %T) = %s, want an error", none, got)
		}
	}
	if got, err := pool.MarshalStep(nil); err == nil {
		t.Errorf("MarshalStep(nil) = %s, want an error", got)
	}
}

func TestUnmarshalResponse(t *testing.T) {
	t.Parallel()
	r, err := pool.UnmarshalResponse([]byte(` {"code": "123456"} `))
	if c, ok := r.(pool.Code); err != nil || !ok || c.Value != "123456" {
		t.Errorf("code = %v, %v", r, err)
	}
	r, err = pool.UnmarshalResponse([]byte(`{"password":"p\u00e4ss"}`))
	if p, ok := r.(pool.Password); err != nil || !ok || p.Value.Reveal() != "päss" {
		t.Errorf("password = %v, %v", r, err)
	}
	r, err = pool.UnmarshalResponse([]byte(`{"new_password":"chosen"}`))
	if p, ok := r.(pool.NewPassword); err != nil || !ok || p.Value.Reveal() != "chosen" {
		t.Errorf("new password = %v, %v", r, err)
	}
	r, err = pool.UnmarshalResponse([]byte(`{"passkey": {"id":"x"} }`))
	if p, ok := r.(pool.PasskeyAssertion); err != nil || !ok || string(p.JSON) != `{"id":"x"}` {
		t.Errorf("passkey = %v, %v", r, err)
	}
	r, err = pool.UnmarshalResponse([]byte(`{"new_passkey":{"id":"x"}}`))
	if p, ok := r.(pool.PasskeyAttestation); err != nil || !ok || string(p.JSON) != `{"id":"x"}` {
		t.Errorf("new passkey = %v, %v", r, err)
	}
	r, err = pool.UnmarshalResponse([]byte(`{"custom_answer":"wombat"}`))
	if a, ok := r.(pool.CustomAnswer); err != nil || !ok || a.Value != "wombat" {
		t.Errorf("custom answer = %v, %v", r, err)
	}
	for _, text := range []string{
		`{"custom_answer":{"a":"b"}}`, `{"custom_answer":null}`, `{"passkey":"x"}`, `{"passkey":null}`, `{"passkey":["x"]}`, `{"passkey":{"id":"x"},"code":"1"}`, `{"passkey":{"id":"x"}}{}`, `{"code":{"id":"x"}}`, `{"passkey":{"id"}}`,
		`{"new_password":"1","password":"2"}`, `{"New_Password":"1"}`, `{"new_password":null}`, "", "null", "{}", "[]", `"code"`, `{"code":123456}`, `{"code":null}`, `{"code":{"a":"b"}}`, `{"code":["1"]}`, `{"CODE":"1"}`, `{"Code":"1"}`,
		`{"code":"1","code":"2"}`, `{"code":"1","password":"2"}`, `{"code":"1"}{"code":"2"}`, `{"code":"1"} x`, `{"code":"1"}}`, `{"code":"1"}]{"password":"x"}`, `{"code":"1"},`, `{"code":"1"`, `{"code"}`,
		`{"ticket":"1"}`, `{"":"1"}`, "\xff", `{"code":"` + strings.Repeat("1", 20000) + `"}`, strings.Repeat("[", 10000),
	} {
		if r, err := pool.UnmarshalResponse([]byte(text)); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("UnmarshalResponse(%.40q) = %v, %v, want ErrInvalid", text, r, err)
		}
	}
}

func FuzzUnmarshalResponse(f *testing.F) {
	for _, s := range []string{`{"code":"1"}`, `{"password":"p"}`, `{"new_password":"p"}`, `{"code":"1","code":"2"}`, "[]", `{"passkey":{"id":"x"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := pool.UnmarshalResponse(b)
		if (r == nil) == (err == nil) {
			t.Errorf("UnmarshalResponse(%q) = %v, %v", b, r, err)
		}
	})
}
