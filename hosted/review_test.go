package hosted_test

import (
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// Where an administrator confirms, a visitor is told to wait, at the sign-up and whenever the right
// password comes; in JSON, too.
func TestSignUpWaits(t *testing.T) {
	t.Parallel()
	settings := identifiers(pool.Username)
	settings.SignUp.ByAdmin = true
	s := open(t, false, pool.Config{Settings: &settings}, hosted.Config{})
	b := s.browser()
	p := b.open("/auth/sign-up")
	if strings.Contains(p.body, "attributes.") {
		t.Errorf("an address is asked for:\n%s", p.body)
	}
	for _, p := range []page{b.post(p, "submit", "username", "ada", "password", secret), b.signIn("ada", secret)} {
		b.at(p, "/auth/sign-in")
		b.shows(p, "Somebody will look at your sign-up")
	}
	if p := b.json("POST", "/auth/sign-in", `{"username":"ada","password":"`+secret+`"}`); !strings.Contains(p.body, `"wait"`) {
		t.Errorf("sign-in by JSON = %d: %s", p.status, p.body)
	}
	u, err := s.Admin(pool.Actor{Name: "root"}).FindUser(t.Context(), "ada")
	if err != nil || u.Status != user.Unconfirmed {
		t.Fatal(u, err)
	}
	if err := s.Admin(pool.Actor{Name: "root"}).ConfirmSignUp(t.Context(), pool.ConfirmUserInput{ID: u.ID}); err != nil {
		t.Fatal(err)
	}
	if p := b.signIn("ada", secret); !strings.Contains(p.body, "Hello, ada") {
		t.Errorf("confirmed: %s", p.body)
	}
}

// A sign-up asks for what it proves.
func TestSignUpAsksForWhatIsVerified(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		settings        pool.Settings
		verifies        []pool.Identifier
		wants, wantsNot string
	}{
		{identifiers(pool.Email, pool.Phone), []pool.Identifier{pool.Email}, `type="email"`, `type="tel"`},
		{identifiers(pool.Email, pool.Phone), []pool.Identifier{pool.Phone}, `type="tel"`, `type="email"`},
		{identifiers(pool.Username, pool.Phone), []pool.Identifier{pool.Email}, "attributes.email", "attributes.phone_number"},
		{identifiers(pool.Username), []pool.Identifier{pool.Phone}, "attributes.phone_number", "attributes.email"},
		{identifiers(pool.Username, pool.Email, pool.Phone), nil, "attributes.phone_number", "attributes.email"},
		{identifiers(pool.Username, pool.PreferredUsername), nil, "attributes.email", "attributes.phone_number"},
	} {
		tt.settings.SignUp.Verifies = tt.verifies
		s := open(t, false, pool.Config{Settings: &tt.settings}, hosted.Config{})
		p := s.browser().open("/auth/sign-up")
		if !strings.Contains(p.body, tt.wants) || strings.Contains(p.body, tt.wantsNot) {
			t.Errorf("%v, verifying %v:\n%s", tt.settings.SignIn.Identifiers, tt.verifies, p.body)
		}
	}
}
