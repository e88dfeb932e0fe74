package password_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
)

func TestSecretIsNotShown(t *testing.T) {
	t.Parallel()
	const text = "hunter2!"
	s := password.New(text)
	holder := struct {
		Open   password.Secret
		hidden password.Secret
		list   []password.Secret
		any    any
	}{s, s, []password.Secret{s}, s}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c"} {
		for _, v := range []any{s, &s, holder, &holder, []password.Secret{s}, map[string]password.Secret{"k": s}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, s, holder)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "holder", holder, "p", &s)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "holder", holder, "p", &s)
	for _, leak := range []string{text, "hunter", fmt.Sprintf("%x", "hunt"), fmt.Sprintf("%X", "hunt"), "104 117", "0x68"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("printing shows the secret as %q:\n%s", leak, out.String())
		}
	}
	if s.Reveal() != text {
		t.Errorf("Reveal = %q, want %q", s.Reveal(), text)
	}
}

func TestSecretRefusesToBeMarshalled(t *testing.T) {
	t.Parallel()
	s := password.New("hunter2!")
	for _, v := range []any{s, &s, password.Secret{}, struct{ Password password.Secret }{s}, []any{s}} {
		if b, err := json.Marshal(v); err == nil {
			t.Errorf("json.Marshal(%T) = %s, want an error", v, b)
		}
	}
	if b, err := json.Marshal(struct{ password password.Secret }{s}); err != nil || string(b) != "{}" {
		t.Errorf("json.Marshal of an unexported field = %s, %v", b, err)
	}
}

func TestSecretIsZero(t *testing.T) {
	t.Parallel()
	for s, want := range map[password.Secret]bool{{}: true, password.New(""): true, password.New(" "): false} {
		if got := s.IsZero(); got != want {
			t.Errorf("IsZero(%q) = %v, want %v", s.Reveal(), got, want)
		}
	}
}
