package pool_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// A second factor is required of nobody who cannot have one: the pool does not open.
func TestRequiredOfWhoCannot(t *testing.T) {
	t.Parallel()
	none := pool.MFASettings{Kinds: []mfa.Kind{}}
	byMail := pool.SignInSettings{First: []mfa.Kind{mfa.KindEmail}}
	staff := []pool.Group{{Name: "guests"}, {Name: "staff", RequireMFA: true}}
	bank := []pool.Client{{ID: "web"}, {ID: "bank", RequireMFA: true}}
	for name, tt := range map[string]struct {
		settings pool.Settings
		say      string // "" means that it opens
	}{
		"of everybody, no kind": {
			pool.Settings{MFA: pool.MFASettings{Require: mfa.Required, Kinds: none.Kinds}},
			"it is required, and there is no kind",
		},
		"of everybody, who begin by a code": {
			pool.Settings{MFA: pool.MFASettings{Require: mfa.Required}, SignIn: byMail},
			"it is required, and sign-ins begin",
		},
		"of a group, no kind":                  {pool.Settings{MFA: none, Groups: staff}, `of group "staff", and there is no kind`},
		"of a group, whose members get a code": {pool.Settings{SignIn: byMail, Groups: staff}, `of group "staff", and sign-ins begin`},
		"by a client, no kind":                 {pool.Settings{MFA: none, Clients: bank}, `by client "bank", and there is no kind`},
		"by a client, with a code":             {pool.Settings{SignIn: byMail, Clients: bank}, `by client "bank", and sign-ins begin`},
		"the one way in is the one kind": {
			pool.Settings{MFA: pool.MFASettings{Kinds: byMail.First}, SignIn: byMail}, "begin by email, and it is the only kind",
		},
		"of nobody, no kind": {pool.Settings{MFA: none, Groups: staff[:1], Clients: bank[:1]}, ""},
		"of a group, though of nobody else": {
			pool.Settings{MFA: pool.MFASettings{Require: mfa.Off}, Groups: staff}, "",
		},
	} {
		p, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &tt.settings})
		if err == nil {
			_ = p.Close(t.Context())
		}
		if _, refused := errors.AsType[*pool.SettingsError](err); refused != (tt.say != "") || refused && !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v, want it to say %q", name, err, tt.say)
		}
	}
}
