package user

// Namespace keeps apart the kinds of things by which a user is found.
type Namespace string

// Name is the one namespace of user names, email addresses and phone numbers together: otherwise one
// person's phone number could be another's user name.
const Name Namespace = "name"

// Login is something by which a user signs in, in the form under which it is compared.
type Login struct {
	Namespace Namespace
	Value     string // canonical
	Display   string // as it was typed
	Rule      int    // version of the rule that made Value (security.md S20)
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

// ID returns the user id of a key made by [ByID].
func (k Key) ID() (id ID, ok bool) { return ID(k.value), k.namespace == "" && k.value != "" }

// Login returns the namespace and canonical value of a key made by [ByLogin].
func (k Key) Login() (ns Namespace, value string, ok bool) {
	return k.namespace, k.value, k.namespace != ""
}

func (l Login) size() int { return len(l.Namespace) + len(l.Value) + len(l.Display) }
