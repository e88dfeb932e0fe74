package user

import (
	"maps"
	"slices"
)

// Attribute returns the name of the attribute that holds an address of kind k; "" for other kinds.
func (k Kind) Attribute() string {
	switch k {
	case KindEmail:
		return "email"
	case KindPhone:
		return "phone_number"
	case KindUsername:
	}
	return ""
}

// verified returns the name of the attribute that says that an address which is no login is proven.
func (k Kind) verified() string { return k.Attribute() + "_verified" }

// Address returns the email address or phone number of u, and whether u has proven that it is
// theirs: one that is a login is; otherwise it is the attribute, which is proven where the pool has
// noted so. The zero Login means that there is none.
func (u *User) Address(k Kind) (address Login, proven bool) {
	for _, l := range u.Logins {
		if k.Attribute() != "" && l.Kind() == k {
			return l, true
		}
	}
	address, err := Identify(u.Attributes[k.Attribute()], CaseInsensitive)
	if err != nil || address.Kind() != k {
		return Login{}, false
	}
	return address, u.Attributes[k.verified()] == "true"
}

// Username returns the name of u as it was typed: the one that was chosen or, where there is none,
// the first login that is no preferred name. "" means that u owns nothing but that.
func (u *User) Username() (name string) {
	for _, l := range u.Logins {
		switch {
		case l.Preferred, l.Namespace == PasskeyID:
		case l.Kind() == KindUsername:
			return l.Display
		case name == "":
			name = l.Display
		}
	}
	return name
}

// Named reports whether u owns a login that somebody can type, which those of passkeys are not.
func (u *User) Named() bool {
	return slices.ContainsFunc(u.Logins, func(l Login) bool { return l.Namespace != PasskeyID })
}

// Prefer gives u a user name beside the chosen one, in place of the one that was preferred before;
// the zero Login only takes that one away. A chosen name is for good; a preferred one follows the
// attribute "preferred_username" in a pool that takes it as a login (Cognito's alias of that name).
// What u owns already stays what it is.
func (u *User) Prefer(name Login) {
	u.Logins = slices.DeleteFunc(slices.Clone(u.Logins), func(l Login) bool { return l.Preferred })
	if name.Kind() != KindUsername || u.Login(name) != (Login{}) {
		return
	}
	name.Preferred = true
	u.Logins = append(u.Logins, name)
}

// Own ends the attempt of u: from then on u owns the login that was typed, and has no attribute
// that says the same. The caller moves the status on, with [Next].
func (u *User) Own() {
	l := u.Attempt.Login
	u.Logins, u.Attempt, u.Attributes = []Login{l}, nil, maps.Clone(u.Attributes)
	delete(u.Attributes, l.Kind().Attribute())
}

// Prove notes that u has proven an address. It becomes a login, which nobody else has, where its
// kind is among kinds, and else an attribute that says that it is proven; several users may have
// that.
func (u *User) Prove(address Login, kinds ...Kind) {
	k := address.Kind()
	if k.Attribute() == "" || u.Login(address) != (Login{}) {
		return
	}
	u.Attributes = maps.Clone(u.Attributes)
	if slices.Contains(kinds, k) {
		u.Logins = append(u.Logins, address)
		delete(u.Attributes, k.Attribute())
		return
	}
	if u.Attributes == nil {
		u.Attributes = Attributes{}
	}
	u.Attributes[k.Attribute()], u.Attributes[k.verified()] = address.Display, "true"
}
