package message_test

import (
	"errors"
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
)

const confirmURL = "https://shop.example/confirm?link=Zm9vYmFy"

// linkTemplate is one without a mistake.
var linkTemplate = message.Template{
	Kind: message.ConfirmSignUpLink, Subject: "Bonjour", Text: "{##Confirmer##}.", HTML: "<p>{##<b>Oui</b>##}</p>",
}

func ExampleTemplate_link() {
	words := message.Settings{Templates: []message.Template{{
		Kind: message.ConfirmSignUpLink, Subject: "Almost there",
		Text: "{##Confirm your address##}.", HTML: "<p>{##Confirm your address##}.</p>",
	}}}
	m, err := words.Render(message.ConfirmSignUpLink, "en", message.Data{Link: "https://shop.example/confirm"})
	fmt.Println(err)
	fmt.Println(m.Text)
	fmt.Println(m.HTML)
	// Output:
	// <nil>
	// Confirm your address <https://shop.example/confirm>.
	// <p><a href="https://shop.example/confirm">Confirm your address</a>.</p>
}

func TestRenderLink(t *testing.T) {
	t.Parallel()
	for _, link := range []string{
		confirmURL, "https://shop.example", "https://[2001:db8::1]:8443/a/b?x=1&y=%20#z", "http://localhost:8080/c?link=a",
		"http://127.0.0.1/c", "http://[::1]:80/c", "https://shop.example/" + strings.Repeat("a", 2027),
	} {
		m, err := message.Settings{}.Render(message.ConfirmSignUpLink, "", message.Data{Link: link, Code: "271828", Expires: 24 * time.Hour})
		if err != nil {
			t.Fatalf("%.60q: %v", link, err)
		}
		if !strings.Contains(m.Text, "\n    "+link+"\n") || href(m.HTML) != link {
			t.Errorf("%.60q is not in both bodies:\n%s\n%s", link, m.Text, m.HTML)
		}
		if !strings.Contains(m.Text, "The link is valid for 24 hours.") || strings.Contains(m.Subject+m.Text+m.HTML, "271828") {
			t.Errorf("%.60q: %s", link, m.Text)
		}
		own, err := settings(linkTemplate).Render(message.ConfirmSignUpLink, "", message.Data{Link: link, Code: "271828"})
		if err != nil || own.Text != "Confirmer <"+link+">." || href(own.HTML) != link || !strings.HasSuffix(own.HTML, `"><b>Oui</b></a></p>`) {
			t.Errorf("%.60q by a template: %q, %q, %v", link, own.Text, own.HTML, err)
		}
	}
}

// href returns the address of the only link in a document.
func href(document string) string {
	_, after, _ := strings.Cut(document, `<a href="`)
	address, rest, _ := strings.Cut(after, `"`)
	if strings.Contains(rest, "<a ") {
		return "several"
	}
	return html.UnescapeString(address)
}

func TestRenderRefusesLink(t *testing.T) {
	t.Parallel()
	for _, link := range []string{
		"", "shop.example/confirm", "/confirm", "//shop.example/confirm", "https:", "https://", "https:///confirm", "https:shop.example",
		"http://shop.example/confirm", "http://127.0.0.1.shop.example", "http://localhost.shop.example", "HTTP://shop.example", "http://0.0.0.0/c",
		"javascript:alert(1)", "data:text/html,x", "mailto:eve@example.com", "ftp://shop.example", "file:///etc/passwd",
		"https://shop.example@evil.example/", "https://a:b@evil.example/", "https://:443/c", "https://[::1/c",
		"https://shop.example/a b", "https://shop.example/\nBcc: eve@example.com", "https://shop.example/\x00", "https://shop.example/\"onload=x",
		"https://shop.example/<b>", "https://shop.example/{username}", "https://shop.example/{####}", "https://shop.example/`", "https://shop.example/\\",
		"https://shöp.example/", "https://shop.example/\u202e", "https://shop.example/\xff", "https://shop.example/%zz",
		"https://shop.example/" + strings.Repeat("a", 2028),
	} {
		for _, s := range []message.Settings{{}, settings(linkTemplate)} {
			m, err := s.Render(message.ConfirmSignUpLink, "", message.Data{Link: link, Code: "271828"})
			if !errors.Is(err, message.ErrLink) || m != (message.Message{}) {
				t.Errorf("%.60q = %q, %v, want ErrLink", link, m.Text, err)
			}
		}
	}
}

// Kinds without a link ignore one, and leave what looks like its placeholder as it is.
func TestOnlyItsKindCarriesALink(t *testing.T) {
	t.Parallel()
	for _, kind := range []message.Kind{
		message.ConfirmSignUp, message.AlreadyRegistered, message.ResetPassword, message.PasswordChanged, message.SignInAttempts,
		message.ConfirmAddress, message.AddressesChanged, message.AccountDeleted, message.AddressRemoved, message.Impersonated,
		message.ForgotUsername, message.NewDevice, message.FactorAdded, message.FactorRemoved,
		message.RecoveryCodesMade, message.RecoveryCodeUsed, message.PasskeyCopied, message.FactorsReplaced, message.SignInCode, message.FactorCode,
	} {
		own := message.Template{Kind: kind, Subject: "{##a##}", Text: "{##a##}", HTML: "{##a##}", SMS: "{##a##}"}
		for _, by := range []message.Channel{message.Email, message.SMS} {
			d := message.Data{Channel: by, Code: "271828", Link: confirmURL}
			m, err := settings(own).Render(kind, "", d)
			if err != nil || m.Text != "{##a##}" || m.HTML+m.Subject != strings.Repeat("{##a##}", strings.Count(m.HTML+m.Subject, "{")) {
				t.Errorf("%s by %s: %q, %q, %v", kind, by, m.Text, m.HTML, err)
			}
			m, err = message.Settings{}.Render(kind, "", d)
			if err != nil || strings.Contains(m.Text+m.HTML, "shop.example") {
				t.Errorf("%s by %s carries the link: %q, %v", kind, by, m.Text, err)
			}
		}
	}
}

// FuzzLink: a link is refused, or stands whole in every body, and adds neither a line nor an element.
func FuzzLink(f *testing.F) {
	f.Add(confirmURL, "{##Confirm##}")
	f.Add("http://[::1]/$1&b='x'", "{{##a##}}{username}{##{####}##}")
	f.Add("https://a.example/\"><script>", "<a href='{##x##}'>")
	f.Add("https://a@b.example", "{##\n##}{##")
	_, _, plain, err := message.Render(message.ConfirmSignUpLink, message.Data{Link: "https://a.example"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, link, body string) {
		builtIn, err := message.Settings{}.Render(message.ConfirmSignUpLink, "", message.Data{Link: link})
		if err != nil {
			if !errors.Is(err, message.ErrLink) || builtIn != (message.Message{}) {
				t.Errorf("Render(%q) = %v", link, err)
			}
			return
		}
		if !strings.Contains(builtIn.Text, "\n    "+link+"\n") || strings.Count(builtIn.HTML, "<") != strings.Count(plain, "<") {
			t.Errorf("%q: %s\n%s", link, builtIn.Text, builtIn.HTML)
		}
		own := linkTemplate
		own.Text, own.HTML = body, body
		s := settings(own)
		m, err := s.Render(own.Kind, "", message.Data{Link: link, Username: "{##a##}"})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(m.Text, "\n"); n != strings.Count(body, "\n") {
			t.Errorf("%q adds lines to %q", link, m.Text)
		}
		if s.Problems() == nil && (!strings.Contains(m.Text, " <"+link+">") || !strings.Contains(m.HTML, `<a href="`)) {
			t.Errorf("a template without problems lost the link: %q %q", m.Text, m.HTML)
		}
	})
}

// The link that undoes a change of address goes to the phone that was replaced, too: it may be all
// that the owner has.
func TestLinkBySMS(t *testing.T) {
	t.Parallel()
	own := message.Template{Kind: message.AddressReplaced, SMS: "Nicht ich? {##Hier##}"}
	if ps := settings(own).Problems(); ps != nil {
		t.Errorf("Problems = %q", ps)
	}
	for _, tt := range []struct {
		s      message.Settings
		locale string
		want   string
	}{
		{settings(own), "", "Nicht ich? Hier " + confirmURL},
		{message.Settings{}, "en", "Your number for Shop was replaced. Not you? Undo it: " + confirmURL},
		{message.Settings{}, "de", "Ihre Nummer bei Shop wurde ersetzt. Nicht von Ihnen? Zurück: " + confirmURL},
	} {
		d := message.Data{Channel: message.SMS, Link: confirmURL, Code: "271828", Pool: "Shop"}
		if m, err := tt.s.Render(message.AddressReplaced, tt.locale, d); err != nil || m.Text != tt.want {
			t.Errorf("%q, %v, want %q", m.Text, err, tt.want)
		}
		d.Link = "javascript:alert(1)"
		if m, err := tt.s.Render(message.AddressReplaced, tt.locale, d); !errors.Is(err, message.ErrLink) {
			t.Errorf("%q, %v, want ErrLink", m.Text, err)
		}
	}
}
