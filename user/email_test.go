package user_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/user"
)

func TestEmail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"ada@example.com", "ada@example.com"},
		{"Ada.Lovelace+x@Example.COM", "ada.lovelace+x@example.com"},
		{"o'brien@mail.example.co.uk", "o'brien@mail.example.co.uk"},
		{"a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
	} {
		l, err := user.Email(tt.in)
		if err != nil || l.Value != tt.want || l.Display != tt.in || l.Namespace != user.Name || l.Rule != user.EmailRule {
			t.Errorf("Email(%q) = %+v, %v, want value %q", tt.in, l, err, tt.want)
		}
	}
}

// CVE class 59: what two parsers may read as two addresses is no login.
func TestEmailRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "@", "a", "a@", "@b.c", "a@b", "a@@b.c", "a@b.c@d.e", "a b@c.de", " a@b.de", "a@b.de ", "a@b.de\n",
		`"a b"@c.de`, `"a"@c.de`, "Ada <a@b.de>", "<a@b.de>", "a@b.de (x)", "a@[127.0.0.1]", "a@127.0.0.1",
		"a@-b.de", "a@b-.de", "a@b..de", "a@.b.de", "a@b.de.", ".a@b.de", "a.@b.de", "a..b@c.de",
		"\x00a@b.de", "a@b\x00.de", "\xff@b.de", "аda@example.com", "ada@exаmple.com", "a,b@c.de", "a:b@c.de",
		strings.Repeat("a", 65) + "@b.de", "a@" + strings.Repeat("b", 64) + ".de", strings.Repeat("a", 1<<20),
		"a@" + strings.Repeat("b.", 130) + "de",
	} {
		if l, err := user.Email(in); !errors.Is(err, user.ErrEmail) {
			t.Errorf("Email(%.40q) = %+v, %v, want ErrEmail", in, l, err)
		}
	}
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"ada@example.com", "A.B+c@D.e.Fg", `"x"@y.zz`, "a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := user.Email(s)
		if err != nil {
			return
		}
		again, err := user.Email(l.Value)
		if err != nil || again.Value != l.Value {
			t.Errorf("Email(%q) = %q, which itself gives %q, %v", s, l.Value, again.Value, err)
		}
	})
}
