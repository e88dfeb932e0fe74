package browser_test

import (
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// Who is sent a code signs in without a password.
func TestSignInByEmail(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindPassword, mfa.KindEmail}}})
	s.Person(ada)
	p := s.visit(t)
	p.scripts(false)
	p.open("/auth/sign-in")
	p.press("by-email")
	p.submit("username", ada)
	p.at("/auth/code")
	p.backAndForth()
	p.submit("code", "00000000")
	p.slips("code", "That code is not right")
	p.submit("code", p.mail(ada, 1))
	p.shows("Hello, " + ada)
}
