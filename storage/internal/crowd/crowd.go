// Package crowd makes up users for benchmarks, the same ones each time and as most are: an address,
// three attributes and a password.
package crowd

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Pool is the pool that they are in.
const Pool user.PoolID = "shop"

// Noon is when the first of them came.
var Noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Email returns the n-th address.
func Email(n int) string { return fmt.Sprintf("person%07d@example.com", n) }

// ID returns the n-th user id: a UUID as if at random.
func ID(n int) user.ID {
	b := sha256.Sum256(fmt.Append(nil, n))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return user.ID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16]))
}

// Person returns the n-th user.
func Person(n int) *user.User {
	created := Noon.Add(time.Duration(n) * 1234567 * time.Microsecond)
	digest := make([]byte, 80)
	for i := range digest {
		digest[i] = byte(n >> (i % 24))
	}
	return &user.User{
		Pool: Pool, ID: ID(n), Status: user.Confirmed, Epoch: 1,
		Logins: []user.Login{{Namespace: user.Name, Value: Email(n), Display: Email(n)}},
		Attributes: user.Attributes{
			"email": Email(n), "name": fmt.Sprintf("Ada Lovelace %d", n), "locale": "en-GB",
		},
		Password: &user.Password{
			Hash: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA", Digest: digest, Form: user.FormNFC, Set: created, Revision: 1,
		},
		EventKey: digest[:16], Created: created, Updated: created,
	}
}

// Listed returns the n-th user with what lists find users by: one searchable attribute, "name", and
// a group of a thousand.
func Listed(n int) *user.User {
	u := Person(n)
	group := Group(n)
	u.Groups = []string{group}
	u.Index = []user.Term{{Name: "name", Value: fmt.Sprintf("ada lovelace %d", n)}, {Name: storage.GroupTerm, Value: group}}
	return u
}

// Group returns the group of the n-th user.
func Group(n int) string { return fmt.Sprint("group", n/1000) }
