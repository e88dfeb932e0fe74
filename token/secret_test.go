package token_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

func TestNothingPrinted(t *testing.T) {
	t.Parallel()
	s, k := token.NewSecret("hunter2hunter2"), generate(t)
	refresh := token.FormatRefresh(family, "main", "ada", "s1", "web", 5)
	parsed, err := token.ParseRefresh(refresh.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	set := token.Set{Access: s, ID: s, Refresh: s}
	holder := struct {
		Secret  token.Secret
		hidden  token.Secret
		set     token.Set
		key     *token.SigningKey
		refresh token.Refresh
		any     any
	}{s, s, set, k, parsed, s}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c"} {
		for _, v := range []any{s, &s, set, &set, k, *k, parsed, &parsed, holder, &holder, []token.Secret{s}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("x", "s", s, "set", set, "key", k, "refresh", parsed, "holder", holder)
	}
	mac, err := base64.RawURLEncoding.DecodeString(refresh.Reveal()[3:])
	if err != nil {
		t.Fatal(err)
	}
	mac = mac[len(mac)-32:]
	secret := k.Marshal()[36:68] // the private value of a P-256 key in PKCS #8
	for _, leak := range []string{
		"hunter", fmt.Sprintf("%x", "hunter"), fmt.Sprintf("%X", "hunter"), "104 117 110",
		fmt.Sprintf("%x", mac[:4]), fmt.Sprintf("%X", mac[:4]), strings.Trim(fmt.Sprint(mac[:6]), "[]"), string(mac[:6]),
		fmt.Sprintf("%x", secret[:4]), strings.Trim(fmt.Sprint(secret[:6]), "[]"),
	} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printing shows a secret as %q", leak)
		}
	}
}

func TestMarshalling(t *testing.T) {
	t.Parallel()
	s, k := token.NewSecret("secret"), generate(t)
	for _, v := range []any{s, &s, token.Secret{}, k, token.Set{}, token.Set{Refresh: s}, struct{ Token token.Secret }{s}} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("json.Marshal(%T) = %s, want an error", v, b)
		}
	}
	for _, tt := range []struct {
		set  token.Set
		want string
	}{
		{token.Set{Access: token.NewSecret("a"), Lifetime: 15*time.Minute + 999*time.Millisecond}, `{"access_token":"a","token_type":"Bearer","expires_in":900}`},
		{
			token.Set{Access: token.NewSecret("a"), ID: token.NewSecret("i"), Refresh: token.NewSecret("r"), Lifetime: time.Hour},
			`{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","id_token":"i"}`,
		},
	} {
		if b, err := json.Marshal(tt.set); err != nil || string(b) != tt.want {
			t.Errorf("json.Marshal = %s, %v, want %s", b, err, tt.want)
		}
	}
}
