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
// the first login. "" means that u owns nothing.
func (u *User) Username() string {
	for _, l := range u.Logins {
		if l.Kind() == KindUsername {
			return l.Display
		}
	}
	if len(u.Logins) == 0 {
		return ""
	}
	return u.Logins[0].Display
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
