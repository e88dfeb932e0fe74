package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// What everybody signs in with, and the first second in which one of them was made.
var (
	everybodys = password.New("correct horse battery staple")
	began      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// cheap are the least parameters that there are: what is left of a sign-in is all but the hash.
var cheap = password.Params{Memory: 8, Time: 1, Threads: 1}

const groups = 10

func loginOf(n int) string { return fmt.Sprintf("person%08d@example.com", n) }

func nameOf(n int) string { return fmt.Sprintf("Ada Lovelace %08d", n) }

func groupOf(n int) string { return fmt.Sprintf("group%d", n%groups) }

func createdOf(n int) time.Time { return began.Add(time.Duration(n) * time.Millisecond) }

// idOf returns the id of the n-th: a random UUID, the same each time.
func idOf(n int) user.ID {
	var b [16]byte
	r := mathrand.NewPCG(uint64(n), 1)
	binary.LittleEndian.PutUint64(b[:], r.Uint64())
	binary.LittleEndian.PutUint64(b[8:], r.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return user.ID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}

// settings are those of a pool whose users have one searchable attribute and are in groups. Nobody
// is refused for coming often.
func settings() *pool.Settings {
	s := &pool.Settings{
		Attributes: user.Schema{{Name: "name", Searchable: true}},
		Limits:     pool.LimitSettings{SignIns: 1_000_000, Mails: 1_000_000},
	}
	for n := range groups {
		s.Groups = append(s.Groups, pool.Group{Name: groupOf(n)})
	}
	return s
}

// openPool opens the pool on a store. Sending a mail costs nothing.
func openPool(ctx context.Context, st storage.Store, ring *seal.Keyring, hash *password.Params) (*pool.Pool, error) {
	sent := message.SenderFunc(func(context.Context, message.Message) error { return nil })
	return pool.Open(ctx, st, pool.Config{Keys: ring, Sender: sent, Settings: settings(), InsecureHash: hash})
}

var callers atomic.Uint32

// somebody is a caller with an address of their own and a browser.
func somebody() pool.Caller {
	n := callers.Add(1)
	return pool.Caller{
		IP:        netip.AddrFrom4([4]byte{byte(11 + n>>24), byte(n >> 16), byte(n >> 8), byte(n)}),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
	}
}

// mould is a user whom the pool has made itself, of whom all others are casts.
type mould struct {
	ring *seal.Keyring
	of   *user.User
	hash []byte // the digest, which each cast has under a seal of its own
}

// newMould lets a pool make a user, and reads the record.
func newMould(ctx context.Context, p *pool.Pool, st storage.Store, ring *seal.Keyring, login string) (*mould, error) {
	made, err := p.Admin(pool.Actor{Name: "load"}).CreateUser(ctx, pool.CreateUserInput{
		Username: login, EmailVerified: true, Password: everybodys, Permanent: true, Groups: []string{groupOf(0)},
		Attributes: user.Attributes{"name": nameOf(0), "locale": "en-GB"},
	})
	if err != nil {
		return nil, err
	}
	got, err := st.Read(ctx, p.ID(), storage.Want{Now: time.Now(), User: user.ByID(made.ID)})
	if err != nil || got.User == nil {
		return nil, errors.Join(errors.New("the user who was made cannot be read"), err)
	}
	m := &mould{ring: ring, of: got.User}
	if !slices.Equal(m.of.Index, terms(0)) || len(m.of.Logins) != 1 || m.of.Password == nil || len(m.of.EventKey) != 16 {
		return nil, fmt.Errorf("users are stored otherwise than here: mend crowd.go (%+v)", m.of)
	}
	m.hash, err = ring.Open(sealed(m.of), m.of.Password.Digest)
	return m, err
}

// sealed is what the digest of a password is sealed to.
func sealed(u *user.User) seal.Label {
	return seal.Label{Pool: string(u.Pool), Kind: "user", Owner: string(u.ID), Field: "password"}
}

func terms(n int) []user.Term {
	return []user.Term{{Name: "name", Value: strings.ToLower(nameOf(n))}, {Name: storage.GroupTerm, Value: groupOf(n)}}
}

// cast returns the n-th user.
func (m *mould) cast(n int) *user.User {
	login, _ := user.Email(loginOf(n)) // it is one
	u := &user.User{
		Pool: m.of.Pool, ID: idOf(n), Status: m.of.Status, Epoch: m.of.Epoch, Logins: []user.Login{login},
		Attributes: maps.Clone(m.of.Attributes), Groups: []string{groupOf(n)}, EventKey: make([]byte, 16),
		Index: terms(n), Created: createdOf(n), Updated: createdOf(n),
	}
	u.Attributes["name"] = nameOf(n)
	if _, said := u.Attributes["email"]; said {
		u.Attributes["email"] = loginOf(n)
	}
	rand.Read(u.EventKey)
	p := *m.of.Password
	p.Digest, p.Set = m.ring.Seal(sealed(u), m.hash), u.Created
	u.Password = &p
	return u
}
