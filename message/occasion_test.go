package message_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/userpool-go/userpool/message"
)

func ExampleOccasion() {
	m, err := message.Settings{}.Render(message.FactorAdded, "en", message.Data{
		Pool: "Example Shop",
		Occasion: message.Occasion{
			At:      time.Date(2026, 5, 1, 14, 0, 0, 0, time.FixedZone("CEST", 2*60*60)),
			Network: netip.MustParsePrefix("192.0.2.7/32"),
			Agent:   "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
			Factor:  message.Passkey,
		},
	})
	fmt.Println(err)
	fmt.Print(m.Text)
	// Output:
	// <nil>
	// Hello,
	//
	// your account with Example Shop has a way to sign in more, since just now.
	//
	//     What: passkey
	//     When: 2026-05-01 12:00 UTC
	//     Network: 192.0.2.7
	//     Device: Firefox, Windows
	//
	// If it was you, there is nothing to do.
	// If it was not you, somebody can sign in as you. Remove it at once, from where you look after your account,
	// and set a new password.
}

// telling are the kinds that tell an occasion.
var telling = []message.Kind{
	message.NewDevice, message.FactorAdded, message.FactorRemoved, message.RecoveryCodesMade, message.RecoveryCodeUsed,
	message.PasskeyCopied,
}

// lines are the four lines of an occasion, in English.
var lines = []string{"What: ", "When: ", "Network: ", "Device: "}

// What is not known is not spoken of, in the built-in words, and nothing is left of its place.
func TestOccasionLeavesOutWhatIsZero(t *testing.T) {
	t.Parallel()
	all := message.Occasion{
		At: time.Unix(1, 0), Network: netip.MustParsePrefix("2001:db8::/64"), Agent: "Firefox/1 Linux",
		Factor: message.Authenticator,
	}
	for without, o := range map[string]message.Occasion{
		"":          all,
		"What: ":    {At: all.At, Network: all.Network, Agent: all.Agent, Factor: "palm"},
		"When: ":    {Network: all.Network, Agent: all.Agent, Factor: all.Factor},
		"Network: ": {At: all.At, Agent: all.Agent, Factor: all.Factor},
		"Device: ":  {At: all.At, Network: all.Network, Agent: "curl/8.0", Factor: all.Factor},
		"all":       {},
	} {
		for _, kind := range telling {
			m, err := message.Settings{}.Render(kind, "", message.Data{Occasion: o})
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				want := line != without && without != "all"
				if line == "What: " && kind != message.FactorAdded && kind != message.FactorRemoved {
					want = false // it is about no factor
				}
				if strings.Contains(m.Text, line) != want || strings.Contains(m.HTML, line) != want {
					t.Errorf("%s without %q: %q is told = %v, want %v:\n%s", kind, without, line, !want, want, m.Text)
				}
			}
			if strings.Contains(m.Text, "\n\n\n") || strings.Contains(m.HTML, "<p></p>") {
				t.Errorf("%s without %q leaves a hole:\n%s\n%s", kind, without, m.Text, m.HTML)
			}
		}
	}
}

// Other kinds tell nothing of an occasion, and leave what looks like its placeholders as it is.
func TestOnlyItsKindsTellAnOccasion(t *testing.T) {
	t.Parallel()
	o := message.Occasion{
		At: time.Unix(1, 0), Network: netip.MustParsePrefix("192.0.2.7/32"), Agent: "Firefox/1 Linux", Factor: message.Passkey,
	}
	marks := "{login-time} {ip-address} {device-name} {factor}"
	for _, kind := range []message.Kind{message.PasswordChanged, message.AlreadyRegistered, message.ConfirmSignUp} {
		d := message.Data{Code: "271828", Occasion: o}
		m, err := message.Settings{}.Render(kind, "", d)
		if err != nil || strings.Contains(m.Text+m.HTML, "192.0.2.7") || strings.Contains(m.Text+m.HTML, "Firefox") {
			t.Errorf("%s tells of it: %v\n%s", kind, err, m.Text)
		}
		own := message.Template{Kind: kind, Subject: marks, Text: marks, HTML: marks}
		m, err = settings(own).Render(kind, "", d)
		if err != nil || m.Subject != marks || m.Text != marks || m.HTML != marks {
			t.Errorf("%s fills them in: %+v, %v", kind, m, err)
		}
	}
}

// Whoever has stolen a password writes the User-Agent header, and their victim reads the mail: nothing
// of the header gets there but names out of a short list.
func TestNoWordOfAnAgentIsCarried(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"": "", "curl/8.0": "", "firefox windows": "", strings.Repeat("x", 512) + "Firefox/": "",
		"Your account is locked, call +1 555 0100":                                         "",
		"https://evil.example/ <a href=//evil.example>Firefox/</a>\r\nBcc: e@evil.example": "Firefox",
		"{{.Code}} {####} {username} {factor} Windows":                                     "Windows",
		"\x00\xff\u202eLinux": "Linux",
		"Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0":              "Firefox, Linux",
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/137.0 Safari/537.36":         "Chrome, Windows",
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/137 Safari/537.36 Edg/137":   "Edge, Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15":        "Safari, macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) CriOS/137.0 Safari/604.1":     "Chrome, iPhone",
		"Mozilla/5.0 (Linux; Android 15; SM-S931B) SamsungBrowser/28.0 Chrome/130 Safari/537": "Samsung Internet, Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/137 Safari/537":   "Chrome, ChromeOS",
		"Shop/3.1 (iPad; iOS 18.5)": "iPad",
	} {
		own := message.Template{Kind: message.NewDevice, Subject: "s {device-name}", Text: "by: {device-name}", HTML: "<i>{device-name}</i>"}
		d := message.Data{Occasion: message.Occasion{Agent: agent}}
		m, err := message.Settings{}.Render(message.NewDevice, "", d)
		if err != nil || strings.Contains(m.Text, "Device: "+want+"\n") != (want != "") || strings.Contains(m.Text+m.HTML, "evil") {
			t.Errorf("of %q, want %q: %v\n%s", agent, want, err, m.Text)
		}
		m, err = settings(own).Render(message.NewDevice, "", d)
		if want == "" {
			want = "-"
		}
		html := strings.ReplaceAll(want, " ", "&#32;")
		if err != nil || m.Subject != "s "+want || m.Text != "by: "+want || m.HTML != "<i>"+html+"</i>" {
			t.Errorf("of %q: %+v, %v, want %q", agent, m, err, want)
		}
	}
}

// A template of one's own gets the occasion in its language where there are words, and in English
// elsewhere; what is not known is a dash.
func TestTemplateOfAnOccasion(t *testing.T) {
	t.Parallel()
	words := "{factor}, {login-time}, {ip-address}, {device-name}, {username}"
	o := message.Occasion{At: time.Unix(0, 0), Network: netip.MustParsePrefix("2001:db8::/64"), Factor: message.SMSCode}
	for _, tt := range []struct {
		locale string
		o      message.Occasion
		want   string
	}{
		{"fr", o, "codes by SMS, 1970-01-01 00:00 UTC, 2001:db8::/64, -, {factor}"},
		{"de-AT", o, "Codes per SMS, 1970-01-01 00:00 UTC, 2001:db8::/64, -, {factor}"},
		{"", o, "codes by SMS, 1970-01-01 00:00 UTC, 2001:db8::/64, -, {factor}"},
		{"fr", message.Occasion{Factor: "{username}"}, "-, -, -, -, {factor}"},
		{"fr", message.Occasion{Factor: message.EmailCode, Agent: "Windows"}, "codes by email, -, -, Windows, {factor}"},
	} {
		own := message.Template{Kind: message.FactorRemoved, Locale: tt.locale, Subject: "s", Text: words, SMS: words}
		s := settings(own)
		if ps := s.Problems(); ps != nil {
			t.Errorf("%q", ps)
		}
		for _, by := range []message.Channel{message.Email, message.SMS} {
			m, err := s.Render(own.Kind, tt.locale, message.Data{Channel: by, Username: "{factor}", Occasion: tt.o})
			if err != nil || m.Text != tt.want {
				t.Errorf("%q by %s: %q, %v, want %q", tt.locale, by, m.Text, err, tt.want)
			}
		}
	}
}

// Each factor has a word in each language.
func TestEveryFactorHasAWord(t *testing.T) {
	t.Parallel()
	for locale, line := range map[string]string{"en": "What: ", "de": "Was: "} {
		for _, f := range []message.Factor{message.Authenticator, message.Passkey, message.SMSCode, message.EmailCode} {
			m, err := message.Settings{}.Render(message.FactorAdded, locale, message.Data{Occasion: message.Occasion{Factor: f}})
			if err != nil || !strings.Contains(m.Text, line) || !strings.Contains(m.HTML, line) {
				t.Errorf("%s in %s: %v\n%s", f, locale, err, m.Text)
			}
		}
	}
}

// FuzzOccasion: whatever a browser calls itself, the mail has the lines and the elements that it has
// for any other, and no character of it that the words do not have.
func FuzzOccasion(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0; rv:139.0) Gecko/20100101 Firefox/139.0", "passkey")
	f.Add("<script>Chrome/\r\nBcc: eve@example.com", "</p>")
	f.Add("{{.Code}}{username}\x00\u202e Edg", "{factor}")
	whole := message.Occasion{Agent: "Firefox/ Linux", Factor: message.Passkey}
	plain, err := message.Settings{}.Render(message.FactorAdded, "", message.Data{Occasion: whole})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, agent, factor string) {
		o := message.Occasion{Agent: agent, Factor: message.Factor(factor)}
		m, err := message.Settings{}.Render(message.FactorAdded, "", message.Data{Occasion: o})
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range []string{"\n", "<", ">", ":", "//", "{", "@"} {
			if strings.Count(m.Text, mark) > strings.Count(plain.Text, mark) || strings.Count(m.HTML, mark) > strings.Count(plain.HTML, mark) {
				t.Errorf("%q and %q add %q:\n%s\n%s", agent, factor, mark, m.Text, m.HTML)
			}
		}
		strange := func(r rune) bool { return r > unicode.MaxASCII || unicode.IsControl(r) && r != '\n' }
		if strings.ContainsFunc(m.Text+m.HTML, strange) || m.Subject != plain.Subject {
			t.Errorf("%q and %q: %q\n%s", agent, factor, m.Subject, m.Text)
		}
	})
}
