package pool_test

import (
	"slices"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/pool"
)

// What a page may offer is what a sign-in takes: by the pool's settings, the client's flows, and what the process
// can judge.
func TestWaysIn(t *testing.T) {
	t.Parallel()
	all := []mfa.Kind{mfa.KindPasskey, mfa.KindEmail, mfa.KindPassword}
	for name, tt := range map[string]struct {
		first    []mfa.Kind
		require  mfa.Requirement
		flows    []pool.Flow
		passkeys bool
		want     []mfa.Kind
	}{
		"by default":         {nil, "", nil, true, []mfa.Kind{mfa.KindPassword, mfa.KindPasskey}},
		"without passkeys":   {nil, "", nil, false, []mfa.Kind{mfa.KindPassword}},
		"all, in order":      {all, "", nil, true, all},
		"two factors":        {all, mfa.Required, nil, true, []mfa.Kind{mfa.KindPasskey, mfa.KindPassword}},
		"passwords alone":    {all, "", []pool.Flow{pool.FlowPassword}, true, []mfa.Kind{mfa.KindPassword}},
		"choice alone":       {all, "", []pool.Flow{pool.FlowChoice}, true, all},
		"no flow to sign in": {all, "", []pool.Flow{pool.FlowRefresh}, true, nil},
	} {
		k := open(t, func(c *pool.Config) {
			c.Settings = &pool.Settings{
				SignIn: pool.SignInSettings{First: tt.first}, MFA: pool.MFASettings{Require: tt.require},
				Clients: []pool.Client{{ID: "web", Flows: tt.flows}},
			}
			if tt.passkeys {
				c.Passkeys = passkey.New()
			}
		})
		for _, client := range []string{"", "web"} {
			if got := k.WaysIn(client); !slices.Equal(got, tt.want) {
				t.Errorf("%s: WaysIn(%q) = %v, want %v", name, client, got, tt.want)
			}
		}
		if got := k.WaysIn("another"); got != nil {
			t.Errorf("%s: of no client: %v", name, got)
		}
	}
}
