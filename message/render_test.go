package message_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/userpool-go/userpool/message"
)

func ExampleRender() {
	subject, text, _, err := message.Render(message.ConfirmSignUp, message.Data{
		Code: "271828", Pool: "Example Shop", Expires: 24 * time.Hour,
	})
	fmt.Println(err)
	fmt.Println(subject)
	fmt.Println()
	fmt.Print(text)
	// Output:
	// <nil>
	// Confirm your email address for Example Shop
	//
	// Hello,
	//
	// somebody, most likely you, signed up for Example Shop with this email address.
	// To confirm that it is yours, enter this code:
	//
	//     271828
	//
	// The code is valid for 24 hours.
	// If it was not you, there is nothing to do: nobody can use your address without the code.
	// Please give the code to no one.
}

func TestRenderConfirmSignUp(t *testing.T) {
	t.Parallel()
	subject, text, html, err := message.Render(message.ConfirmSignUp, message.Data{Code: "271828"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Confirm your email address"; subject != want {
		t.Errorf("subject = %q, want %q", subject, want)
	}
	if !strings.Contains(text, "\n    271828\n") || !strings.Contains(html, ">271828<") {
		t.Errorf("the code is not in both bodies:\n%s\n%s", text, html)
	}
	if strings.Contains(text+html, "valid for") {
		t.Errorf("a code without a known end is said to have one:\n%s", text)
	}
}

// The mail to the owner of a taken address must be worth nothing to who caused it.
func TestT7_AlreadyRegisteredCarriesNothing(t *testing.T) {
	t.Parallel()
	subject, text, html, err := message.Render(message.AlreadyRegistered,
		message.Data{Code: "271828", Pool: "Shop", Expires: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if want := "You already have an account with Shop"; subject != want {
		t.Errorf("subject = %q, want %q", subject, want)
	}
	for _, s := range []string{subject, text, html} {
		for _, unwanted := range []string{"271828", "http", "href", "//"} {
			if strings.Contains(s, unwanted) {
				t.Errorf("holds %q: %s", unwanted, s)
			}
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kind message.Kind
		code string
		want error
	}{
		{"no kind", "", "271828", message.ErrKind},
		{"unknown kind", "palm_reading", "271828", message.ErrKind},
		{"path as kind", "../message", "271828", message.ErrKind},
		{"no code", message.ConfirmSignUp, "", message.ErrCode},
		{"code with a line", message.ConfirmSignUp, "271828\nBcc: eve@example.com", message.ErrCode},
		{"code with markup", message.ConfirmSignUp, "<b>1</b>", message.ErrCode},
		{"code with a space", message.ConfirmSignUp, "271 828", message.ErrCode},
		{"code of other digits", message.ConfirmSignUp, "٢٧١٨٢٨", message.ErrCode},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			subject, text, html, err := message.Render(tt.kind, message.Data{Code: tt.code})
			if !errors.Is(err, tt.want) {
				t.Errorf("Render(%q, code %q) = %v, want %v", tt.kind, tt.code, err, tt.want)
			}
			if subject+text+html != "" {
				t.Errorf("words beside an error: %q %q %q", subject, text, html)
			}
		})
	}
}

func TestRenderPoolName(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pool, subject, html string }{
		{"header line", "Shop\r\nBcc: eve@example.com", "Shop Bcc: eve@example.com", "Shop Bcc: eve@example.com"},
		{"paragraph", "Shop\n\n\u2028Pay here", "Shop Pay here", "Shop Pay here"},
		{"element", `<a href="//evil">`, `<a href="//evil">`, "&lt;a href=&#34;//evil&#34;&gt;"},
		{"end of title", "</title><script>", "</title><script>", "&lt;/title&gt;&lt;script&gt;"},
		{"template", "{{.Code}}", "{{.Code}}", "{{.Code}}"},
		{"reversed text", "Shop\u202egnp.exe", "Shopgnp.exe", "Shopgnp.exe"},
		{"zero bytes", "Sh\x00op\x7f", "Shop", "Shop"},
		{"invalid UTF-8", "Sh\xffop", "Shop", "Shop"},
		{"too long", strings.Repeat("é", 65), strings.Repeat("é", 64), strings.Repeat("é", 64)},
		{"non-ASCII", "Café 東京", "Café 東京", "Café 東京"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			subject, text, html, err := message.Render(message.ConfirmSignUp, message.Data{Code: "271828", Pool: tt.pool})
			if err != nil {
				t.Fatal(err)
			}
			if want := "Confirm your email address for " + tt.subject; subject != want {
				t.Errorf("subject = %q, want %q", subject, want)
			}
			if want := "signed up for " + tt.subject + " with"; !strings.Contains(text, want) {
				t.Errorf("text lacks %q:\n%s", want, text)
			}
			if want := "signed up for " + tt.html + " with"; !strings.Contains(html, want) {
				t.Errorf("HTML lacks %q:\n%s", want, html)
			}
		})
	}
	subject, _, _, err := message.Render(message.ConfirmSignUp, message.Data{Code: "271828", Pool: "\n \t"})
	if want := "Confirm your email address"; err != nil || subject != want {
		t.Errorf("blank pool: subject %q, %v, want %q", subject, err, want)
	}
}

func TestRenderExpires(t *testing.T) {
	t.Parallel()
	tests := []struct {
		d    time.Duration
		want string // "" means that nothing is said
	}{
		{-time.Hour, ""},
		{59 * time.Second, ""},
		{time.Minute, "1 minute"},
		{119 * time.Second, "1 minute"},
		{10*time.Minute + 59*time.Second, "10 minutes"},
		{time.Hour, "1 hour"},
		{90 * time.Minute, "90 minutes"},
		{24 * time.Hour, "24 hours"},
		{48*time.Hour - time.Second, "47 hours"},
	}
	for _, tt := range tests {
		t.Run(tt.d.String(), func(t *testing.T) {
			t.Parallel()
			_, text, html, err := message.Render(message.ConfirmSignUp, message.Data{Code: "271828", Expires: tt.d})
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{text, html} {
				said := strings.Contains(body, "valid for")
				if said != (tt.want != "") || said && !strings.Contains(body, "valid for "+tt.want+".") {
					t.Errorf("%s: want %q in:\n%s", tt.d, tt.want, body)
				}
			}
		})
	}
}

// FuzzRender: whatever a pool is called, the subject stays one line without the code, and the HTML
// gains no element.
func FuzzRender(f *testing.F) {
	f.Add("Example Shop")
	f.Add("Shop\r\nBcc: eve@example.com")
	f.Add(`</title><script>alert("1")</script>`)
	f.Add("a\u202eb\x00\xff")
	_, _, plain, err := message.Render(message.ConfirmSignUp, message.Data{Code: "XCODEX"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pool string) {
		subject, text, html, err := message.Render(message.ConfirmSignUp, message.Data{Code: "XCODEX", Pool: pool})
		if err != nil {
			t.Fatalf("Render(%q): %v", pool, err)
		}
		if strings.ContainsFunc(subject, unicode.IsControl) {
			t.Errorf("subject of pool %q: %q", pool, subject)
		}
		if other, _, _, _ := message.Render(message.ConfirmSignUp, message.Data{Code: "2", Pool: pool}); other != subject {
			t.Errorf("the subject depends on the code: %q and %q", subject, other)
		}
		if got, want := strings.Count(text, "\n"), 10; got > want {
			t.Errorf("pool %q adds lines to the text:\n%s", pool, text)
		}
		if got, want := strings.Count(html, "<"), strings.Count(plain, "<"); got != want {
			t.Errorf("pool %q: %d elements in the HTML, want %d:\n%s", pool, got, want, html)
		}
	})
}
