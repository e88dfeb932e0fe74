package message_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/message"
)

var secret = message.Message{
	ID: "m1", Pool: "p1", Channel: message.Email, Kind: message.ConfirmSignUp, To: "ada@example.com",
	Subject: "subject-secret", Text: "text-secret 123456", HTML: "<p>html-secret</p>",
}

func TestT4_MessageShowsNoWords(t *testing.T) {
	t.Parallel()
	var structured, plain bytes.Buffer
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("sent", "message", secret)
	slog.New(slog.NewTextHandler(&plain, nil)).Info("sent", "message", secret)
	tests := []struct{ name, got string }{
		{"%v", fmt.Sprintf("%v", secret)},
		{"%+v", fmt.Sprintf("%+v", secret)},
		{"%#v", fmt.Sprintf("%#v", secret)},
		{"%s", fmt.Sprintf("%s", secret)}, //nolint:staticcheck // the verb is what is tested
		{"pointer", fmt.Sprintf("%+v", &secret)},
		{"in a slice", fmt.Sprintf("%+v", []message.Message{secret})},
		{"in a struct", fmt.Sprintf("%#v", struct{ M message.Message }{secret})},
		{"slog JSON", structured.String()},
		{"slog text", plain.String()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, hidden := range []string{"secret", "123456", "ada@"} {
				if strings.Contains(tt.got, hidden) {
					t.Errorf("%s shows %q: %s", tt.name, hidden, tt.got)
				}
			}
			if !strings.Contains(tt.got, "m1") {
				t.Errorf("%s does not name the message: %s", tt.name, tt.got)
			}
		})
	}
}

func TestMessageSurvivesJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	var got message.Message
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got != secret {
		t.Errorf("after JSON: %q, want %q", got.Text, secret.Text)
	}
}

func TestSenderFunc(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	var s message.Sender = message.SenderFunc(func(_ context.Context, m message.Message) error {
		if m == secret {
			return down
		}
		return nil
	})
	if err := s.Send(t.Context(), secret); !errors.Is(err, down) {
		t.Errorf("Send = %v, want the error of the function", err)
	}
}

func TestLogIsForReadingCodes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := message.Log(slog.New(slog.NewTextHandler(&b, nil))).Send(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"123456", "ada@example.com", "subject-secret", "confirm_sign_up"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("log lacks %q: %s", want, b.String())
		}
	}
	if err := message.Log(nil).Send(t.Context(), secret); err != nil {
		t.Errorf("Send to no logger = %v, want nil", err)
	}
}
