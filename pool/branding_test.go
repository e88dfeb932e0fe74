package pool_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

const pixel = "\x89PNG\r\n\x1a\n and the rest of an image"

func data(mediaType, image string) string {
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString([]byte(image))
}

func TestBrandingProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		b    pool.Branding
		want string // "" means that there is nothing wrong
	}{
		{"none", pool.Branding{}, ""},
		{"all", pool.Branding{Name: "Gull & Söhne", Logo: data("image/png", pixel), Color: "#0A7f3c"}, ""},
		{"jpeg", pool.Branding{Logo: data("image/jpeg", "\xff\xd8\xff\xe0")}, ""},
		{"webp", pool.Branding{Logo: data("image/webp", "RIFF....WEBPVP8 ")}, ""},
		{"largest", pool.Branding{Logo: data("image/png", pixel+strings.Repeat("x", 32<<10-len(pixel)))}, ""},

		{"long name", pool.Branding{Name: strings.Repeat("ö", 65)}, "name"},
		{"two lines", pool.Branding{Name: "Shop\r\nBcc: eve@example.com"}, "name"},
		{"turned around", pool.Branding{Name: "Shop\u202e"}, "name"},
		{"blanks around", pool.Branding{Name: " Shop"}, "name"},
		{"no text", pool.Branding{Name: "\xff"}, "name"},
		{"from elsewhere", pool.Branding{Logo: "https://cdn.example.com/logo.png"}, "logo"},
		{"a document", pool.Branding{Logo: data("image/svg+xml", "<svg onload=alert(1)>")}, "logo"},
		{"another type", pool.Branding{Logo: data("text/html", pixel)}, "logo"},
		{"another file", pool.Branding{Logo: data("image/png", "<html><script>")}, "logo"},
		{"a parameter", pool.Branding{Logo: data("image/png;charset=x", pixel)}, "logo"},
		{"not base64", pool.Branding{Logo: "data:image/png;base64,!!!"}, "logo"},
		{"too large", pool.Branding{Logo: data("image/png", pixel+strings.Repeat("x", 32<<10))}, "logo"},
		{"a script", pool.Branding{Logo: "javascript:alert(1)"}, "logo"},
		{"a word", pool.Branding{Color: "red"}, "color"},
		{"short", pool.Branding{Color: "#fff"}, "color"},
		{"more than a color", pool.Branding{Color: "#ffffff;}*{display:none"}, "color"},
		{"a line break", pool.Branding{Color: "#ffffff\n"}, "color"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := memory.New()
			defer st.Close()
			p, err := pool.Open(t.Context(), st, pool.Config{Settings: &pool.Settings{Branding: tt.b}, InsecureHash: &cheap})
			if err == nil {
				defer p.Close(t.Context())
			}
			wrong, _ := errors.AsType[*pool.SettingsError](err)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Open = %v, want no error", err)
			case tt.want != "" && (wrong == nil || len(wrong.Problems) != 1 || !strings.Contains(wrong.Problems[0], "branding: the "+tt.want)):
				t.Errorf("Open = %v, want one problem with the %s", err, tt.want)
			}
			if kind, image, ok := tt.b.Image(); ok != (tt.b.Logo != "" && tt.want != "logo") || ok && (kind == "" || len(image) == 0) {
				t.Errorf("Image = %q, %d bytes, %v", kind, len(image), ok)
			}
		})
	}
}

// The name of the pool is in its mails, and the settings can be asked for with what they leave out.
func TestBrandingIsInMails(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{Branding: pool.Branding{Name: "Gull & Sons"}} })
	k.signUp(ada)
	if m := k.mails(ada, 1)[0]; !strings.Contains(m.Subject, "Gull & Sons") || !strings.Contains(m.HTML, "Gull &amp; Sons") {
		t.Errorf("a mail that does not name the pool: %q\n%s", m.Subject, m.HTML)
	}
	if s := k.Settings(); s.Branding.Name != "Gull & Sons" || len(s.Clients) != 1 || s.Clients[0].ID != "default" {
		t.Errorf("Settings = %+v", s)
	}
}

// What is wrong with an input is said by rule, too, for programs that have words of their own.
func TestFieldErrorsNameTheirRule(t *testing.T) {
	t.Parallel()
	k := open(t)
	_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: password.New("short")})
	v, ok := errors.AsType[*pool.ValidationError](err)
	if !ok || len(v.Fields) != 1 || v.Fields[0].Rule != "length" || v.Fields[0].Min != 8 || v.Fields[0].Max != 256 {
		t.Errorf("SignUp with a short password = %+v", err)
	}
	_, err = k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Attributes: map[string]string{"sub": "1"}})
	if v, ok = errors.AsType[*pool.ValidationError](err); !ok || len(v.Fields) != 1 || v.Fields[0].Rule != "read_only" {
		t.Errorf("SignUp with a subject = %+v", v)
	}
}
