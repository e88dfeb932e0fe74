package hosted_test

import (
	"testing"
	"time"
)

// Who is signed in, and sent here by a guard to be so anew, is asked, and not sent back to the guard,
// which would send them here.
func TestSignInAnew(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	b.at(b.post(b.open("/auth/sign-in"), "submit", "username", ada, "password", secret), "/")
	b.at(b.open("/auth/sign-in?return_to=%2Fpay"), "/pay")
	s.Clock.Advance(time.Hour)
	for _, asked := range []string{"max_age=300", "acr_values=aal2", "acr_values=aal2&max_age=300", "max_age="} {
		b.at(b.open("/auth/sign-in?"+asked+"&return_to=%2Fpay"), "/auth/sign-in")
	}
	before := b.cookies()
	p := b.open("/auth/sign-in?max_age=300&return_to=%2Fpay")
	p = b.post(p, "submit", "username", ada, "password", other)
	b.at(p, "/auth/sign-in")
	b.at(b.post(p, "submit", "username", ada, "password", secret), "/pay")
	if b.cookies() == before {
		t.Error("the session is that of before")
	}
	b.at(b.open("/auth/sign-in?max_age=300&return_to=%2F%2Fevil.test"), "/auth/sign-in")
}
