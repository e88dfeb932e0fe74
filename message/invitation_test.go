package message_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/message"
)

// An invitation carries a temporary password, which may be of any characters.
func TestInvitation(t *testing.T) {
	t.Parallel()
	const password = `<b>"&' {username}</b>`
	for locale, words := range map[string]string{"en": "valid for 7 days", "de": "gilt 7 Tage"} {
		d := message.Data{Code: password, Username: "Countess", Pool: "Shop", Expires: 7*24*time.Hour + time.Minute}
		m, err := message.Settings{}.Render(message.Invitation, locale, d)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"\n    " + password + "\n", "\n    Countess\n", words} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s: no %q in:\n%s", locale, want, m.Text)
			}
		}
		if strings.Contains(m.HTML, "<b>") || !strings.Contains(m.HTML, "&lt;b&gt;") || strings.Contains(m.Subject, password) {
			t.Errorf("%s: %s\n%s", locale, m.Subject, m.HTML)
		}
		d.Channel = message.SMS
		if m, err = (message.Settings{}).Render(message.Invitation, locale, d); err != nil || !strings.Contains(m.Text, password) || !strings.Contains(m.Text, "Countess") {
			t.Errorf("%s by SMS: %q, %v", locale, m.Text, err)
		}
		d.Username, d.Pool, d.Code = strings.Repeat("u", 25), strings.Repeat("P", 65), strings.Repeat("c", 16)
		m, err = message.Settings{}.Render(message.Invitation, locale, d)
		if err != nil || strings.Contains(m.Text, "u"+"uu") || utf8.RuneCountInString(m.Text) > 140 {
			t.Errorf("%s by SMS: %q, %v, want no name that is cut", locale, m.Text, err)
		}
		d.Username = strings.Repeat("u", 24)
		m, err = message.Settings{}.Render(message.Invitation, locale, d)
		if err != nil || !strings.Contains(m.Text, d.Username) || utf8.RuneCountInString(m.Text) > 140 {
			t.Errorf("%s by SMS: %d characters of %q, %v", locale, utf8.RuneCountInString(m.Text), m.Text, err)
		}
	}
	own := message.Settings{Templates: []message.Template{{Kind: message.Invitation, Subject: "Welcome", Text: "{username}: {####}", HTML: "{username}: {####}"}}}
	if ps := own.Problems(); ps != nil {
		t.Fatal(ps)
	}
	m, err := own.Render(message.Invitation, "", message.Data{Code: password, Username: "ada"})
	if err != nil || m.Text != "ada: "+password || m.HTML != "ada: &lt;b&gt;&#34;&amp;&#39;&#32;{username}&lt;/b&gt;" {
		t.Errorf("%q, %q, %v", m.Text, m.HTML, err)
	}
	for _, bad := range []string{"", "a\nb", "a\x00b", "\xff", strings.Repeat("a", 257), "a\u202eb"} {
		if _, err := own.Render(message.Invitation, "", message.Data{Code: bad}); !errors.Is(err, message.ErrCode) {
			t.Errorf("password %.20q: %v, want ErrCode", bad, err)
		}
	}
}
