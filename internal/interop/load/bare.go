package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	mathrand "math/rand/v2"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// errMissing means that the bare statements found something else than the store does.
var errMissing = errors.New("load: the bare statements do not find what is there")

// bare is what a program would do that knows nothing but the tables: one prepared statement for a
// read, the rows scanned and not decoded, and one transaction for a commit. Rows that are written
// are like the store's, in the same tables, of a pool that nobody has.
type bare interface {
	byLogin(ctx context.Context, login string) error
	byID(ctx context.Context, id user.ID) error
	// The pages of pageSize: those made from a time on, whose name begins so, or in a group.
	byCreated(ctx context.Context, from time.Time) error
	byPrefix(ctx context.Context, name string) error
	byGroup(ctx context.Context, group string) error
	// signIn writes a session, its event and the end of a run of failures, where the user is as
	// the caller has read.
	signIn(ctx context.Context, id user.ID) error
	// start makes the sessions of a caller, refresh reads one of them with its user and moves it on.
	start(ctx context.Context, caller int, ids []user.ID) error
	refresh(ctx context.Context, caller int) error
}

const pageSize = 60

// argon is one Argon2id at the default parameters, and nothing around it.
func argon(context.Context, int, *mathrand.Rand) error {
	p := password.Default()
	argon2.IDKey([]byte("correct horse battery staple"), make([]byte, 16), p.Time, p.Memory, p.Threads, 32)
	return nil
}

// signer makes and checks bare ES256 signatures over texts as long as an access token.
type signer struct {
	key       *ecdsa.PrivateKey
	text      []byte
	signature []byte
}

func newSigner() (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	s := &signer{key: key, text: make([]byte, 600)}
	rand.Read(s.text)
	s.signature, err = s.sign()
	return s, err
}

func (s *signer) sign() ([]byte, error) {
	sum := sha256.Sum256(s.text)
	return s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
}

func (s *signer) verify(context.Context, int, *mathrand.Rand) error {
	sum := sha256.Sum256(s.text)
	if !ecdsa.VerifyASN1(&s.key.PublicKey, sum[:], s.signature) {
		return errMissing
	}
	return nil
}

// twice signs both tokens that a sign-in and a refresh hand out.
func (s *signer) twice() error {
	for range 2 {
		if _, err := s.sign(); err != nil {
			return err
		}
	}
	return nil
}

// bareMap is the floor of a store in memory: a Go map, and copies of one user, so that a million of
// them need no memory of their own. It writes nothing.
type bareMap struct {
	logins map[string]int32
	ids    map[user.ID]int32
	one    *user.User
}

func newBareMap(ctx context.Context, st storage.Store, users int) (*bareMap, error) {
	got, err := st.Read(ctx, "default", storage.Want{Now: time.Now(), User: user.ByID(idOf(0))})
	if err != nil || got.User == nil {
		return nil, errors.Join(errMissing, err)
	}
	b := &bareMap{logins: make(map[string]int32, users), ids: make(map[user.ID]int32, users), one: got.User}
	for n := range users {
		b.logins[loginOf(n)], b.ids[idOf(n)] = int32(n), int32(n)
	}
	return b, nil
}

func (b *bareMap) copies(n int, found bool) error {
	for range n {
		found = found && b.one.Clone() != nil
	}
	if !found {
		return errMissing
	}
	return nil
}

func (b *bareMap) byLogin(_ context.Context, login string) error {
	_, ok := b.logins[login]
	return b.copies(1, ok)
}

func (b *bareMap) byID(_ context.Context, id user.ID) error {
	_, ok := b.ids[id]
	return b.copies(1, ok)
}

func (b *bareMap) byCreated(context.Context, time.Time) error  { return b.copies(pageSize, true) }
func (b *bareMap) byPrefix(context.Context, string) error      { return b.copies(pageSize, true) }
func (b *bareMap) byGroup(context.Context, string) error       { return b.copies(pageSize, true) }
func (b *bareMap) signIn(context.Context, user.ID) error       { return b.copies(1, true) }
func (b *bareMap) start(context.Context, int, []user.ID) error { return nil }
func (b *bareMap) refresh(context.Context, int) error          { return b.copies(1, true) }
