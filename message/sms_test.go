package message_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/message"
)

func ExampleSettings_sMS() {
	words := message.Settings{Templates: []message.Template{{
		Kind: message.ConfirmSignUp, SMS: "Shop: {####} is your code.\n@shop.example #{####}",
	}}}
	d := message.Data{Channel: message.SMS, Code: "271828", Expires: 10 * time.Minute}
	own, _ := words.Render(message.ConfirmSignUp, "en", d)
	builtIn, _ := words.Render(message.ResetPassword, "en", d)
	fmt.Println(own.Text)
	fmt.Println(builtIn.Text)
	// Output:
	// Shop: 271828 is your code.
	// @shop.example #271828
	// 271828 is your code to set a new password. It is valid for 10 minutes. Give it to no one.
}

// gsm are the characters that one segment of an SMS holds 160 of (3GPP TS 23.038), as far as the
// built-in words use them.
const gsm = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;'!?()-äöüßÄÖÜ"

func TestSMSFitsOneSegment(t *testing.T) {
	t.Parallel()
	for _, kind := range []message.Kind{
		message.ConfirmSignUp, message.AlreadyRegistered, message.ResetPassword, message.PasswordChanged, message.SignInAttempts, message.Invitation,
		message.ConfirmAddress, message.AddressesChanged, message.AccountDeleted, message.AddressRemoved, message.Impersonated,
		message.ForgotUsername, message.NewDevice, message.FactorAdded, message.FactorRemoved,
		message.RecoveryCodesMade, message.RecoveryCodeUsed, message.PasskeyCopied, message.FactorsReplaced, message.SignInCode, message.FactorCode,
	} {
		for _, locale := range []string{"en", "de"} {
			d := message.Data{
				Channel: message.SMS, Code: "27182818", Pool: strings.Repeat("P", 65), Expires: 59 * time.Minute,
				Username: "eve",
			}
			m, err := message.Settings{}.Render(kind, locale, d)
			if err != nil || m.Channel != message.SMS || m.Kind != kind || m.Locale != locale || m.Subject+m.HTML != "" {
				t.Fatalf("%s in %s = %+v, %v", kind, locale, m, err)
			}
			if n := utf8.RuneCountInString(m.Text); n < 6 || n > 140 || strings.Trim(m.Text, gsm) != "" {
				t.Errorf("%s in %s has %d characters, want 6 to 140 of GSM's: %q", kind, locale, n, m.Text)
			}
			carries := kind == message.Invitation || slices.Contains(coded, kind)
			if strings.Contains(m.Text, "27182818") != carries || strings.Contains(m.Text, "59 Minut") != (carries && locale == "de") {
				t.Errorf("%s in %s: %q", kind, locale, m.Text)
			}
			if !strings.Contains(m.Text, strings.Repeat("P", 32)) || strings.Contains(m.Text, strings.Repeat("P", 33)) {
				t.Errorf("%s in %s does not name the pool in 32 characters: %q", kind, locale, m.Text)
			}
			if strings.ContainsAny(m.Text, "\n{<") || strings.Contains(m.Text, "//") {
				t.Errorf("%s in %s: %q", kind, locale, m.Text)
			}
		}
	}
}

// A template has words for email, for SMS, or for both, and counts for those alone.
func TestTemplatesByChannel(t *testing.T) {
	t.Parallel()
	both, mail, sms := good, good, message.Template{Kind: good.Kind, Locale: good.Locale, SMS: "par SMS {####}"}
	both.SMS = "{username} par SMS {####}"
	builtInMail, builtInSMS := "Set a new password", "1 is your code to set a new password. Give it to no one."
	for _, tt := range []struct {
		name          string
		s             message.Settings
		locale        string
		subject, text string // of a mail, and of an SMS
	}{
		{"none", settings(), "fr", builtInMail, builtInSMS},
		{"both", settings(both), "fr", "Bonjour <Ada>", "<Ada> par SMS 1"},
		{"email only", settings(mail), "fr", "Bonjour <Ada>", builtInSMS},
		{"SMS only", settings(sms), "fr", builtInMail, "par SMS 1"},
		{"of another language", settings(both), "de", "Neues Passwort", "1 ist Ihr Code für ein neues Passwort. Geben Sie ihn an niemanden weiter."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := message.Data{Code: "1", Username: "<Ada>"}
			m, err := tt.s.Render(good.Kind, tt.locale, d)
			if err != nil || m.Subject != tt.subject || m.Channel != message.Email {
				t.Errorf("mail %q by %q, %v, want %q", m.Subject, m.Channel, err, tt.subject)
			}
			d.Channel = message.SMS
			m, err = tt.s.Render(good.Kind, tt.locale, d)
			if err != nil || m.Text != tt.text || m.Subject+m.HTML != "" || m.Channel != message.SMS {
				t.Errorf("SMS %q by %q, %v, want %q", m.Text, m.Channel, err, tt.text)
			}
		})
	}
}

func TestRenderRefusesChannel(t *testing.T) {
	t.Parallel()
	d := message.Data{Code: "271828", Link: confirmURL}
	for _, tt := range []struct {
		kind message.Kind
		by   message.Channel
		want error
	}{
		{message.ConfirmSignUp, "pigeon", message.ErrChannel},
		{message.ConfirmSignUp, "SMS", message.ErrChannel},
		{message.ConfirmSignUp, "email ", message.ErrChannel},
		{message.ConfirmSignUpLink, message.SMS, message.ErrChannel},
		{message.ConfirmSignUpLink, "pigeon", message.ErrChannel},
		{"palm_reading", message.SMS, message.ErrKind},
	} {
		d.Channel = tt.by
		for _, s := range []message.Settings{{}, settings(linkTemplate)} {
			if m, err := s.Render(tt.kind, "", d); !errors.Is(err, tt.want) || m != (message.Message{}) {
				t.Errorf("%s by %q = %q, %v, want %v", tt.kind, tt.by, m.Text, err, tt.want)
			}
		}
	}
	if _, err := (message.Settings{}).Render(message.ResetPassword, "", message.Data{Channel: message.SMS}); !errors.Is(err, message.ErrCode) {
		t.Errorf("an SMS without its code: %v, want ErrCode", err)
	}
}
