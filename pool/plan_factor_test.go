package pool_test

import (
	"slices"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// A plan tells who would have to set up a second factor, and whose is none any more.
func TestPlanOfFactors(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.put(func(s *pool.Settings) {
		s.MFA.Kinds = []mfa.Kind{mfa.KindTOTP, mfa.KindEmail}
		s.Groups = []pool.Group{{Name: "staff"}}
	})
	for _, login := range []string{ada, "bob@example.com", "eve@example.com", "kim@example.com"} {
		in := pool.CreateUserInput{Username: login, EmailVerified: true, Password: right, Permanent: true}
		if login == "eve@example.com" {
			in.Groups = []string{"staff"}
		}
		if _, err := k.admin().CreateUser(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	k.enrolled("bob@example.com")
	done, err := pool.Finished(k.signIn(ada, right))
	if err != nil {
		t.Fatal(err)
	}
	k.withCodes(done)
	require := func(s *pool.Settings) { s.MFA.Require = mfa.Required }
	for name, tt := range map[string]struct {
		change func(*pool.Settings)
		want   []string
	}{
		"of everybody":      {require, []string{"lacks_factor: 2"}},
		"of a group":        {func(s *pool.Settings) { s.Groups[0].RequireMFA = true }, []string{"lacks_factor: 1"}},
		"of a client":       {func(s *pool.Settings) { s.Clients[0].RequireMFA = true }, []string{"lacks_factor " + k.Settings().Clients[0].ID + ": 2"}},
		"of a new client":   {func(s *pool.Settings) { s.Clients = append(s.Clients, pool.Client{ID: "bank", RequireMFA: true}) }, []string{"lacks_factor bank: 2"}},
		"of nobody":         {func(s *pool.Settings) { s.MFA.Require = mfa.Off }, nil},
		"no codes":          {func(s *pool.Settings) { s.MFA.Kinds = s.MFA.Kinds[:1] }, []string{"loses_factor email: 1"}},
		"no apps any more":  {func(s *pool.Settings) { s.MFA.Kinds = s.MFA.Kinds[1:] }, nil}, // those that there are stand
		"a kind more":       {func(s *pool.Settings) { s.MFA.Kinds = append(s.MFA.Kinds, mfa.KindSMS) }, nil},
		"no codes, and all": {func(s *pool.Settings) { require(s); s.MFA.Kinds = s.MFA.Kinds[:1] }, []string{"lacks_factor: 2", "loses_factor email: 1"}},
	} {
		if got := k.plan(tt.change); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	k.put(require)
	if got := k.plan(func(s *pool.Settings) { s.Groups[0].RequireMFA = true }); got != nil {
		t.Errorf("what is required already: %q", got)
	}
	k.put(func(s *pool.Settings) { s.MFA.Require, s.Clients[0].RequireMFA = mfa.Optional, true })
	if got := k.plan(func(s *pool.Settings) { s.MFA.Kinds = append(s.MFA.Kinds, mfa.KindSMS) }); got != nil {
		t.Errorf("what a client requires already: %q", got)
	}
}
