package pooltest

import (
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// ClientSecret returns a live secret of the app client that people sign in to, which is the first of
// the settings, and the zero one of a public client. It is made when it is first needed, as an
// administrator does, and is one of the two that a client may have.
func (k *Kit) ClientSecret() password.Secret {
	k.t.Helper()
	return k.secret(k.client())
}

// client returns the client that people sign in to.
func (k *Kit) client() pool.Client { return k.Settings().Clients[0] }

func (k *Kit) secret(c pool.Client) password.Secret {
	k.t.Helper()
	if s, made := k.secrets[c.ID]; made || !c.Confidential {
		return s
	}
	s, err := k.admin().AddClientSecret(k.t.Context(), pool.AddClientSecretInput{Client: c.ID})
	if err != nil {
		k.t.Fatalf("pooltest: make a secret of the app client %s: %v", c.ID, err)
	}
	k.secrets[c.ID] = s.Value
	return s.Value
}

// admin is who does what people and apps do not do themselves.
func (k *Kit) admin() *pool.Admin { return k.Admin(pool.Actor{Name: "pooltest"}) }
