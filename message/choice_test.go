package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
)

func TestBuiltInLocale(t *testing.T) {
	t.Parallel()
	for want, all := range map[string][]string{
		"de": {
			"de", "DE", "de_AT", "de-CH", "gsw", "de-DE, de;q=0.9, en;q=0.8", "fr, de;q=0.5",
			strings.Repeat("de,", 85),
		},
		"en": {
			"", "en", "en-AU", "en-GB, de;q=0.9", "de;q=0, en", "fr", "fr, ja", "zh-Hant-TW", "*", "und",
			"x-klingon", "qq", "de;q=x", "../de", "de\r\nBcc: eve@example.com", "\x00de", "\xff", ";;,,",
			strings.Repeat("de,", 86), strings.Repeat("de-", 350_000),
		},
	} {
		for _, wanted := range all {
			m, err := message.Settings{}.Render(message.ConfirmSignUp, wanted, message.Data{Code: "271828"})
			if err != nil || m.Locale != want || !strings.Contains(m.HTML, `<html lang="`+want+`">`) {
				t.Errorf("locale %.40q gives %q, %v, want %q", wanted, m.Locale, err, want)
			}
		}
	}
}

func TestOwnLocale(t *testing.T) {
	t.Parallel()
	own := func(locales ...string) (s message.Settings) {
		for _, l := range locales {
			s.Templates = append(s.Templates, message.Template{
				Kind: message.ConfirmSignUp, Locale: l, Subject: "own " + l, Text: "{####}",
			})
		}
		return s
	}
	const builtIn, eingebaut = "Confirm your email address", "Bestätigen Sie Ihre E-Mail-Adresse"
	for _, tt := range []struct {
		name   string
		s      message.Settings
		wanted string
		want   string // subject
	}{
		{"another language", own("fr"), "fr", "own fr"},
		{"its region", own("fr"), "fr-CA", "own fr"},
		{"another region", own("pt-BR"), "pt-PT", "own pt-BR"},
		{"closest region", own("pt-BR", "pt-PT"), "pt-PT", "own pt-PT"},
		{"closest script", own("zh-Hans", "zh-Hant"), "zh-TW", "own zh-Hant"},
		{"built-in beside it", own("fr"), "de", eingebaut},
		{"fallback beside it", own("fr"), "ja", builtIn},
		{"no wish beside it", own("fr"), "", builtIn},
		{"instead of the built-in", own("de"), "de", "own de"},
		{"a region instead of the built-in", own("de-AT"), "de", "own de-AT"},
		{"English instead of the built-in", own("fr", "en-GB"), "ja", "own en-GB"},
		{"for all", own(""), "ja", "own "},
		{"for all, no wish", own("fr", ""), "", "own "},
		{"for all instead of the built-in", own(""), "de", "own "},
		{"for all but one", own("", "de"), "de-CH", "own de"},
		{"for all but two", own("", "de", "fr"), "fr", "own fr"},
		{"English for all but one", own("", "de"), "en", "own "},
		{"malformed", own("", "de"), "de;q=x", "own "},
		{"malformed in the template", own("!"), "ja", "own !"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := tt.s.Render(message.ConfirmSignUp, tt.wanted, message.Data{Code: "271828"})
			if err != nil || m.Subject != tt.want {
				t.Errorf("%q gives %q, %v, want %q", tt.wanted, m.Subject, err, tt.want)
			}
			other, err := tt.s.Render(message.ResetPassword, "de", message.Data{Code: "271828"})
			if want := "Neues Passwort"; err != nil || other.Subject != want {
				t.Errorf("another kind: %q, %v, want the built-in %q", other.Subject, err, want)
			}
		})
	}
	if m, _ := own("").Render(message.ConfirmSignUp, "de", message.Data{Code: "1"}); m.Locale != "" {
		t.Errorf("words in who knows what have locale %q", m.Locale)
	}
}

func TestGermanWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind    message.Kind
		subject string
	}{
		{message.ConfirmSignUp, "Bestätigen Sie Ihre E-Mail-Adresse für Laden"},
		{message.ConfirmSignUpLink, "Bestätigen Sie Ihre E-Mail-Adresse für Laden"},
		{message.AlreadyRegistered, "Sie haben bereits ein Konto bei Laden"},
		{message.ResetPassword, "Neues Passwort für Laden"},
		{message.PasswordChanged, "Ihr Passwort für Laden wurde geändert"},
		{message.SignInAttempts, "Jemand hat versucht, sich bei Ihrem Konto bei Laden anzumelden"},
		{message.AddressRemoved, "Die Adresse Ihres Kontos bei Laden wurde geändert"},
		{message.Impersonated, "Jemand von uns hat Ihr Konto bei Laden benutzt"},
		{message.NewDevice, "Neue Anmeldung bei Ihrem Konto bei Laden"},
		{message.FactorAdded, "Ihr Konto bei Laden hat einen weiteren Weg zur Anmeldung"},
		{message.FactorRemoved, "Ihr Konto bei Laden hat einen Weg zur Anmeldung weniger"},
		{message.RecoveryCodesMade, "Neue Wiederherstellungscodes für Ihr Konto bei Laden"},
		{message.SignInCode, "Ihr Code zur Anmeldung bei Laden"},
		{message.FactorCode, "Ihr zweiter Code für Laden"},
		{message.RecoveryCodeUsed, "Ein Wiederherstellungscode Ihres Kontos bei Laden wurde benutzt"},
		{message.PasskeyCopied, "Ein Passkey Ihres Kontos bei Laden wurde vielleicht kopiert"},
	} {
		d := message.Data{Code: "271828", Link: confirmURL, Pool: "Laden", Expires: time.Hour}
		m, err := message.Settings{}.Render(tt.kind, "de", d)
		if err != nil || m.Subject != tt.subject || m.Kind != tt.kind {
			t.Errorf("%s: subject %q, %v, want %q", tt.kind, m.Subject, err, tt.subject)
		}
		english, _ := message.Settings{}.Render(tt.kind, "en", d)
		for _, s := range []string{"271828", "Laden", "{", "<p", "http", confirmURL} {
			if got, want := strings.Count(m.HTML, s), strings.Count(english.HTML, s); got != want {
				t.Errorf("%s: the HTML holds %q %d times, the English one %d times", tt.kind, s, got, want)
			}
			if got, want := strings.Count(m.Text, s), strings.Count(english.Text, s); got != want {
				t.Errorf("%s: the text holds %q %d times, the English one %d times", tt.kind, s, got, want)
			}
		}
		if strings.Contains(english.Text, "1 hour") != strings.Contains(m.Text, " gilt 1 Stunde.") {
			t.Errorf("%s: the time is not told:\n%s", tt.kind, m.Text)
		}
	}
	for d, want := range map[time.Duration]string{
		time.Minute: "1 Minute.", 90 * time.Minute: "90 Minuten.", 24 * time.Hour: "24 Stunden.",
	} {
		m, err := message.Settings{}.Render(message.ConfirmSignUp, "de", message.Data{Code: "1", Expires: d})
		if err != nil || !strings.Contains(m.Text, "Der Code gilt "+want) {
			t.Errorf("%s: %v, want %q in:\n%s", d, err, want, m.Text)
		}
	}
}

// FuzzLocale: whatever a reader asks for, there are words.
func FuzzLocale(f *testing.F) {
	for _, s := range []string{"de-AT, en;q=0.5", "*", "x-klingon", "zh-Hant-u-co-pinyin", "de;q=NaN", "\xff"} {
		f.Add(s, "pt-BR")
	}
	f.Fuzz(func(t *testing.T, wanted, locale string) {
		s := settings(with(func(t *message.Template) { t.Locale = locale }))
		if m, err := s.Render(good.Kind, wanted, message.Data{Code: "1"}); err != nil || m.Text == "" {
			t.Errorf("Render for %q: %q, %v", wanted, m.Text, err)
		}
		s.Problems()
	})
}
