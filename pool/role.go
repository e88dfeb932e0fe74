package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Role is what an administrator may do: a set of permissions, such as MayReadUsers|MayWriteUsers.
// The zero Role is none of them. As JSON it is a list of names, and one that this version does not
// know is refused rather than passed over.
type Role uint32

// The permissions. Each act of an [Admin] names those that it asks for.
const (
	// MayReadUsers finds and lists users, with all that is said of them.
	MayReadUsers Role = 1 << iota
	// MayWriteUsers makes and invites users, vouching for their addresses, confirms sign-ups,
	// changes attributes but for addresses, disables, enables, and ends sessions.
	MayWriteUsers
	// MayDeleteUsers deletes them.
	MayDeleteUsers
	// MaySetCredentials sets and resets the passwords of users, resets their factors, and changes the addresses by which
	// they get in: whoever may do that can take over the accounts that they may act on.
	MaySetCredentials
	// MaySetGroups says who is in which group.
	MaySetGroups
	// MayReadEvents reads what happened to users.
	MayReadEvents
	// MayImpersonate acts as a user ([Admin.Impersonate]).
	MayImpersonate
	// MayReadSettings reads the policy, groups and app clients among it.
	MayReadSettings
	// MayWriteSettings changes the policy, groups and app clients among it. It weakens or tightens
	// what protects everybody, and whoever words the messages can have the codes in them sent
	// elsewhere, as in the address of a picture: give it to those who may do everything anyway.
	MayWriteSettings
	// MaySetClientSecrets makes and withdraws the secrets of app clients.
	MaySetClientSecrets

	// MayEverything is all that this version knows. A group that has it is written out as a list:
	// what a later version adds is not given by it.
	MayEverything = 1<<iota - 1
)

// permissions are the names of the bits of a Role, in order. They are stored.
var permissions = []string{
	"read_users", "write_users", "delete_users", "set_credentials", "set_groups", "read_events",
	"impersonate", "read_settings", "write_settings", "set_client_secrets",
}

// Has reports whether r has all that need is made of.
func (r Role) Has(need Role) bool { return r&need == need }

// below reports whether other has all that r has, and more. Of two roles neither may be below the
// other.
func (r Role) below(other Role) bool { return other.Has(r) && r != other }

// names returns the permissions of r.
func (r Role) names() []string {
	names := []string{}
	for i, name := range permissions {
		if r.Has(1 << i) {
			names = append(names, name)
		}
	}
	return names
}

// String returns the names of the permissions with a comma between them, or "none".
func (r Role) String() string {
	switch {
	case r == 0:
		return "none"
	case r > MayEverything:
		return fmt.Sprintf("Role(%#x)", uint32(r))
	}
	return strings.Join(r.names(), ",")
}

// MarshalJSON writes the names of the permissions as a list. It fails where r has a bit that is none.
func (r Role) MarshalJSON() ([]byte, error) {
	if r > MayEverything {
		return nil, fmt.Errorf("pool: %v has a permission that there is not", r)
	}
	return json.Marshal(r.names())
}

// UnmarshalJSON reads a list of names, each once.
func (r *Role) UnmarshalJSON(text []byte) error {
	var names []string
	if err := json.Unmarshal(text, &names); err != nil || names == nil {
		return errors.New("pool: a role is a list of permissions")
	}
	var read Role
	for _, name := range names {
		i := slices.Index(permissions, name)
		if i < 0 || read.Has(1<<i) {
			return fmt.Errorf("pool: %.40q is no permission, or stands twice", name)
		}
		read |= 1 << i
	}
	*r = read
	return nil
}
