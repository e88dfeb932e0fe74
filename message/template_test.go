package message_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/userpool-go/userpool/message"
)

func ExampleSettings() {
	words := message.Settings{Templates: []message.Template{{
		Kind:    message.ResetPassword,
		Locale:  "fr",
		Subject: "Nouveau mot de passe",
		Text:    "Bonjour {username}, votre code est {####}.",
		HTML:    "<p>Bonjour {username}, votre code est <b>{####}</b>.</p>",
	}}}
	fmt.Println(words.Problems())
	m, err := words.Render(message.ResetPassword, "fr-CA, en;q=0.5", message.Data{
		Code: "31415926", Username: "d'Alembert",
	})
	fmt.Println(err)
	fmt.Println(m.Locale, m.Subject)
	fmt.Println(m.Text)
	fmt.Println(m.HTML)
	// Output:
	// []
	// <nil>
	// fr Nouveau mot de passe
	// Bonjour d'Alembert, votre code est 31415926.
	// <p>Bonjour d&#39;Alembert, votre code est <b>31415926</b>.</p>
}

// good is a template without a mistake.
var good = message.Template{
	Kind: message.ResetPassword, Locale: "fr", Subject: "Bonjour {username}",
	Text: "Code : {####}", HTML: "<p>{####}</p>",
}

func settings(ts ...message.Template) message.Settings { return message.Settings{Templates: ts} }

func TestTemplateFillsPlaceholders(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, template, username, want, html string }{
		{"none", "{####}", "ada", "C0DE", "C0DE"},
		{"both, twice", "{username}{####} {####}{username}", "ada", "adaC0DE C0DEada", "adaC0DE C0DEada"},
		{
			"like braces", "{ {# {### {#####} {Username} {user name} p{color:red} {####}",
			"ada", "{ {# {### {#####} {Username} {user name} p{color:red} C0DE", "{ {# {### {#####} {Username} {user name} p{color:red} C0DE",
		},
		{"nested", "{{username}} {{####}}", "ada", "{ada} {C0DE}", "{ada} {C0DE}"},
		{"no name", "Hello {username}! {####}", "", "Hello ! C0DE", "Hello ! C0DE"},
		{"action", "{{.Code}} {####}", "{{.Code}}", "{{.Code}} C0DE", "{{.Code}} C0DE"},
		{"name is a placeholder", "{username} {####}", "{####}", "{####} C0DE", "{####} C0DE"},
		{"name ends a placeholder", "{##{username}##} {####}", "", "{####} C0DE", "{####} C0DE"},
		{"element", "{username} {####}", "<a href='//e'>", "<a href='//e'> C0DE", "&lt;a&#32;href&#61;&#39;//e&#39;&gt; C0DE"},
		{"attribute", "<i title={username}> {####}", "a style=x", "<i title=a style=x> C0DE", "<i title=a&#32;style&#61;x> C0DE"},
		{"quotes", "{username} {####}", "\"`&amp;", "\"`&amp; C0DE", "&#34;&#96;&amp;amp; C0DE"},
		{"lines", "{username} {####}", "a\r\n\u2028b\x00", "a b C0DE", "a&#32;b C0DE"},
		{"reversed", "{username} {####}", "a\u202eb\xff", "ab C0DE", "ab C0DE"},
		{"long name", "{username} {####}", strings.Repeat("é", 300), strings.Repeat("é", 254) + " C0DE", strings.Repeat("é", 254) + " C0DE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			own := good
			own.Text, own.HTML = tt.template, tt.template
			m, err := settings(own).Render(own.Kind, "fr", message.Data{Code: "C0DE", Username: tt.username})
			if err != nil || m.Text != tt.want || m.HTML != tt.html {
				t.Errorf("%q, %q, %v, want %q, %q", m.Text, m.HTML, err, tt.want, tt.html)
			}
		})
	}
}

// coded are the kinds that carry a code.
var coded = []message.Kind{
	message.ConfirmSignUp, message.ResetPassword, message.ConfirmAddress, message.SignInCode, message.FactorCode,
}

// Even a template that nobody has checked puts no code into a subject, no line into a header, and no
// code into a message that carries none.
func TestUncheckedTemplateStaysHarmless(t *testing.T) {
	t.Parallel()
	bad := message.Template{Subject: "{####}\r\nBcc: {username}\u2028", Text: "{####}"}
	for _, kind := range []message.Kind{
		message.ConfirmSignUp, message.ConfirmSignUpLink, message.AlreadyRegistered, message.ResetPassword, message.PasswordChanged,
		message.SignInAttempts, message.ConfirmAddress, message.AddressReplaced, message.AddressAdded, message.AddressesChanged, message.AccountDeleted, message.AddressRemoved, message.Impersonated,
		message.ForgotUsername, message.NewDevice, message.FactorAdded, message.FactorRemoved,
		message.RecoveryCodesMade, message.RecoveryCodeUsed, message.PasskeyCopied, message.FactorsReplaced, message.SignInCode, message.FactorCode, message.FactorsLost,
	} {
		bad.Kind = kind
		m, err := settings(bad).Render(kind, "", message.Data{Code: "C0DE", Link: confirmURL, Username: "{####}\r\nTo: eve@example.com"})
		if want := "{####}Bcc: {####} To: eve@example.com"; err != nil || m.Subject != want {
			t.Errorf("%s: subject %q, %v, want %q", kind, m.Subject, err, want)
		}
		carries := slices.Contains(coded, kind)
		if strings.Contains(m.Text, "C0DE") != carries || m.HTML != "" {
			t.Errorf("%s: text %q, HTML %q", kind, m.Text, m.HTML)
		}
	}
}

func TestTemplateNeedsItsCode(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"", "<b>", "1 2", "{username}"} {
		m, err := settings(good).Render(good.Kind, "fr", message.Data{Code: code})
		if !errors.Is(err, message.ErrCode) || m != (message.Message{}) {
			t.Errorf("code %q: %q, %v, want ErrCode", code, m.Text, err)
		}
	}
	own := good
	own.Kind = "palm_reading"
	if _, err := settings(own).Render(own.Kind, "", message.Data{Code: "1"}); !errors.Is(err, message.ErrKind) {
		t.Errorf("a template of an unknown kind: %v, want ErrKind", err)
	}
}

func TestSettingsSurviveJSON(t *testing.T) {
	t.Parallel()
	want := settings(good, message.Template{Kind: message.PasswordChanged, Subject: "s", Text: "changed"})
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got message.Settings
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("after JSON: %+v, %v, want %+v", got, err, want)
	}
}

// FuzzTemplate: a placeholder is filled in once, and what fills it opens neither a line nor an
// element, whatever the template is and the reader is called.
func FuzzTemplate(f *testing.F) {
	f.Add("Hello {username}", "{####}", "<p title={username}>{####}</p>", "ada")
	f.Add("{####}\r\nBcc: x", "{{####}}{username}", "{##{####}##}", "{####}")
	f.Add("{user\x00name}", "{##{username}##}", "<a href={username}", `" onload="x{username}`)
	f.Add("\xff", "{username", "}{####", "a\u2028b\u202e")
	f.Fuzz(func(t *testing.T, subject, text, html, username string) {
		own := message.Template{Kind: message.ResetPassword, Subject: subject, Text: text, HTML: html}
		s := settings(own)
		render := func(code, username string) message.Message {
			m, err := s.Render(own.Kind, "", message.Data{Code: code, Username: username, Expires: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		m, other, plain := render("C0DE", username), render("2", username), render("C0DE", "")
		if m.Subject != other.Subject || strings.ContainsFunc(m.Subject, unicode.IsControl) {
			t.Errorf("subject %q of one code and %q of another", m.Subject, other.Subject)
		}
		for _, c := range []string{"<", ">", `"`, "'", "`", "=", " ", "\n"} {
			if got, want := strings.Count(m.HTML, c), strings.Count(plain.HTML, c); got != want {
				t.Errorf("%q adds %q to the HTML %q", username, c, m.HTML)
			}
		}
		if got, want := strings.Count(m.Text, "\n"), strings.Count(plain.Text, "\n"); got != want {
			t.Errorf("%q adds lines to the text %q", username, m.Text)
		}
		own.Text = "{username}"
		name, err := settings(own).Render(own.Kind, "", message.Data{Code: "1", Username: username})
		if want := splice(text, "C0DE", name.Text); err != nil || m.Text != want {
			t.Errorf("text %q, %v, want %q", m.Text, err, want)
		}
		if s.Problems() == nil && (!strings.Contains(m.Text, "C0DE") || html != "" && !strings.Contains(m.HTML, "C0DE")) {
			t.Errorf("a template without problems lost the code: %q %q", m.Text, m.HTML)
		}
	})
}

// splice fills placeholders in by cutting, so that nothing can be filled in twice.
func splice(template, code, username string) string {
	parts := strings.Split(template, "{####}")
	for i, p := range parts {
		parts[i] = strings.Join(strings.Split(p, "{username}"), username)
	}
	return strings.Join(parts, code)
}
