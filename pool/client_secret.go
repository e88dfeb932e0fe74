package pool

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/storage"
)

// ClientSecret is one of at most two secrets of a confidential client: while one is replaced, both
// are good.
type ClientSecret struct {
	ID      string
	Created time.Time
	// Value is the secret itself, where the pool made it: it is told by the call that adds it, and
	// never again. Zero otherwise.
	Value password.Secret
}

// AddClientSecretInput asks for another secret of a client.
type AddClientSecretInput struct {
	Client string // "" means the pool's only client
	// Secret is one that was chosen elsewhere: 32 to 256 characters of ASCII that can be printed,
	// without spaces (RFC 6749, A.2), and as random as that. Zero means that one is made, of 43
	// characters and 256 bits.
	Secret password.Secret
}

const (
	secretPurpose = "client secret"
	maxSecrets    = 2
	minSecret     = 32 // characters of one that was chosen
	maxSecret     = 256
)

// secretParts returns the parts of a secret's MAC: it is of one client, and stands for no other.
func (p *Pool) secretParts(client, id string, secret password.Secret) [][]byte {
	return [][]byte{[]byte(p.config.ID), []byte(client), []byte(id), []byte(secret.Reveal())}
}

// opens reports whether a secret is one of those that a client has.
func (p *Pool) opens(kept []keptSecret, client string, shown password.Secret) (right bool) {
	if len(shown.Reveal()) > maxSecret {
		return false
	}
	for _, s := range kept { // all of them: which one it is shows by nothing
		ok := p.config.Keys.VerifyMAC(s.MAC, secretPurpose, p.secretParts(client, s.ID, shown)...)
		right = right || ok
	}
	return right
}

// AddClientSecret gives a confidential client another secret, good from its next call on, on every
// node. It works also where [Config].Settings are given.
//
// It fails with a *[ValidationError], with [ErrUnknownClient], and with [ErrSecretLimit] where the
// client has two: delete one first. It costs one read and one commit.
func (a *Admin) AddClientSecret(ctx context.Context, in AddClientSecretInput) (ClientSecret, error) {
	var v validation
	if text := in.Secret.Reveal(); text != "" && !secretText(text) {
		v.add("Secret", fmt.Sprintf("must be %d to %d printable characters of ASCII without spaces", minSecret, maxSecret))
	}
	if err := v.err(); err != nil {
		return ClientSecret{}, err
	}
	secret, added := in.Secret, ClientSecret{ID: rand.Text(), Created: a.pool.now()}
	if secret.IsZero() {
		secret = newClientSecret()
		added.Value = secret
	}
	err := a.secrets(ctx, in.Client, clientAddEvent, func(client string, kept []keptSecret) ([]keptSecret, error) {
		if len(kept) >= maxSecrets {
			return nil, ErrSecretLimit
		}
		mac := a.pool.config.Keys.MAC(secretPurpose, a.pool.secretParts(client, added.ID, secret)...)
		return append(kept, keptSecret{added.ID, mac, added.Created}), nil
	})
	if err != nil {
		return ClientSecret{}, err
	}
	return added, nil
}

// ListClientSecrets returns the secrets that a client has, oldest first, without their values. It
// fails with [ErrUnknownClient], and with a *[ValidationError] for a public client. It costs one
// read.
func (a *Admin) ListClientSecrets(ctx context.Context, client string) ([]ClientSecret, error) {
	if err := a.reads(ctx, MayReadSettings); err != nil {
		return nil, err
	}
	_, doc, err := a.pool.clientSecrets(ctx, client)
	if err != nil {
		return nil, err
	}
	kept, err := readKept(doc)
	if err != nil {
		return nil, unavailable(err)
	}
	var list []ClientSecret
	for _, s := range kept.Secrets {
		list = append(list, ClientSecret{ID: s.ID, Created: s.Created})
	}
	return list, nil
}

// DeleteClientSecret takes a secret from a client: at once, on every node. A client without any can
// do nothing. It fails as [Admin.ListClientSecrets] does, and with [ErrNotFound] where there is no
// such secret. It costs one read and one commit.
func (a *Admin) DeleteClientSecret(ctx context.Context, client, id string) error {
	return a.secrets(ctx, client, clientDropEvent, func(_ string, kept []keptSecret) ([]keptSecret, error) {
		left := slices.DeleteFunc(slices.Clone(kept), func(s keptSecret) bool { return s.ID == id })
		if len(left) == len(kept) {
			return nil, ErrNotFound
		}
		return left, nil
	})
}

// secrets changes the secrets of a confidential client, in one document, so that of any number who
// add one at once none adds a third.
func (a *Admin) secrets(
	ctx context.Context, client, kind string, change func(client string, kept []keptSecret) ([]keptSecret, error),
) error {
	_, err := again(func() (struct{}, error) { return struct{}{}, a.secretsOnce(ctx, client, kind, change) })
	return err
}

func (a *Admin) secretsOnce(
	ctx context.Context, client, kind string, change func(client string, kept []keptSecret) ([]keptSecret, error),
) error {
	p := a.pool
	by, err := a.may(ctx, MaySetClientSecrets)
	if err != nil {
		return a.refused(ctx, kind, nil, err)
	}
	c, doc, err := p.clientSecrets(ctx, client)
	if err != nil {
		return err
	}
	kept, err := readKept(doc)
	if err != nil {
		return unavailable(err)
	}
	if kept.Secrets, err = change(c.ID, kept.Secrets); err != nil {
		return err
	}
	now := p.now()
	o := a.did(kind, nil, "")
	o.Client = c.ID
	return p.commit(ctx, append(by.still, kept.put(doc, now), p.event(now, o))...)
}

// clientSecrets reads a confidential client and the document of what it has, a new one where it
// never had anything.
func (p *Pool) clientSecrets(ctx context.Context, id string) (c Client, doc *storage.Document, err error) {
	for range tries {
		s := p.state.Load()
		c, err = s.settings.client(id)
		key := storage.DocumentKey{Kind: clientKind, ID: c.ID}
		want := storage.Want{Now: p.now()}
		if err == nil {
			want.Documents = []storage.DocumentKey{key}
		}
		got, readErr := p.read(ctx, want)
		if readErr != nil {
			return c, nil, readErr
		}
		fresh, readErr := p.current(ctx, got.PoolEpoch)
		if readErr != nil {
			return c, nil, readErr
		}
		if fresh.epoch != s.epoch { // other settings bind by now (security.md S18)
			continue
		}
		if err != nil {
			return c, nil, err
		}
		if !c.Confidential {
			return c, nil, &ValidationError{[]FieldError{{Field: "Client", Reason: "must be confidential: others have no secret"}}}
		}
		if doc = got.Documents[0]; doc == nil {
			doc = p.document(clientKind, c.ID, []byte("{}"))
		}
		return c, doc, nil
	}
	return c, nil, fmt.Errorf("%w: the settings change all the time", ErrUnavailable)
}

// newClientSecret returns a secret that nobody can guess.
func newClientSecret() password.Secret {
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand
	return password.New(base64.RawURLEncoding.EncodeToString(b[:]))
}

// secretText reports whether a text may be chosen as a secret.
func secretText(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(s) >= minSecret && len(s) <= maxSecret
}
