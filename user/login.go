package user

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Namespace keeps apart the kinds of things by which a user is found.
type Namespace string

// Name is the one namespace of user names, email addresses and phone numbers together: otherwise one
// person's phone number could be another's user name.
const Name Namespace = "name"

// PasskeyID is the namespace of the passkeys that users have: each is found by a digest of its id,
// and nobody else has it.
const PasskeyID Namespace = "passkey"

// Login is something by which a user signs in, in the form under which it is compared.
type Login struct {
	Namespace Namespace
	Value     string // canonical
	Display   string // as it was typed
	Rule      int    // version of the rule that made Value (security.md S20)
	Preferred bool   // a user name that may change, beside the chosen one: see [User.Prefer]
}

// Kind is what a login is: an address, or a name that was chosen.
type Kind string

// The kinds.
const (
	KindEmail    Kind = "email"
	KindPhone    Kind = "phone"
	KindUsername Kind = "username"
)

// Kind returns what l is, which its text tells: one that has "@" in it is an email address, one
// that begins with "+" a phone number, any other a user name. "" means that it is of another
// namespace than [Name], or nothing.
func (l Login) Kind() Kind {
	if l.Namespace != Name || l.Value == "" {
		return ""
	}
	return shape(l.Value)
}

func shape(s string) Kind {
	switch {
	case strings.Contains(s, "@"):
		return KindEmail
	case strings.HasPrefix(s, "+"):
		return KindPhone
	}
	return KindUsername
}

// Identify reads a login of any kind as it was typed: by [Email], [Phone] or, with c, [Username].
// No text is two of them, because a user name has the shape of neither address: otherwise one
// person's phone number could be another's name. The error is that of the kind that the text looks
// like.
func Identify(typed string, c Case) (Login, error) {
	switch shape(typed) {
	case KindEmail:
		return Email(typed)
	case KindPhone:
		return Phone(typed)
	case KindUsername:
	}
	return Username(typed, c)
}

// Key names a user: by id or by a login. The zero Key names nobody.
type Key struct {
	namespace Namespace // "" for an id
	value     string
}

// ByID names a user by id.
func ByID(id ID) Key { return Key{value: string(id)} }

// ByLogin names the owner of a user name, email address or phone number in canonical form or, where
// nobody owns it, the newest live attempt at it (security.md T7).
func ByLogin(canonical string) Key { return Key{Name, canonical} }

// ByPasskey names the owner of a passkey by its credential id.
func ByPasskey(credential []byte) Key { return Key{PasskeyID, PasskeyLogin(credential).Value} }

// PasskeyLogin returns the login under which a passkey is found: the SHA-256 of its credential id, as
// hexadecimal digits.
func PasskeyLogin(credential []byte) Login {
	digest := sha256.Sum256(credential)
	text := hex.EncodeToString(digest[:])
	return Login{Namespace: PasskeyID, Value: text, Display: text}
}

// ID returns the user id of a key made by [ByID].
func (k Key) ID() (id ID, ok bool) { return ID(k.value), k.namespace == "" && k.value != "" }

// Login returns the namespace and canonical value of a key made by [ByLogin]
// or [ByPasskey].
func (k Key) Login() (ns Namespace, value string, ok bool) {
	return k.namespace, k.value, k.namespace != ""
}

func (l Login) size() int { return len(l.Namespace) + len(l.Value) + len(l.Display) }
