package user

import "maps"

// Attribute returns the name of the attribute that holds an address of kind k; "" for other kinds.
func (k Kind) Attribute() string {
	switch k {
	case KindEmail:
		return "email"
	case KindPhone:
		return "phone_number"
	}
	return ""
}

// verified returns the name of the attribute that says that an address which is no login is proven.
func (k Kind) verified() string { return k.Attribute() + "_verified" }

// Address returns the email address or phone number of u, and whether u has proven that it is theirs:
// one that is a login is; otherwise it is the attribute, which is proven where the pool has noted so. The
// zero Login means that there is none.
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

// Username returns the name of u as it was typed: the one that was chosen or, where there is none, the
// first login. "" means that u owns nothing.
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

// Own ends the attempt of u, whose address was proven. From then on u owns the login that was typed and,
// where its kind is among kinds, the address. An address of another kind stays an attribute, which says
// that it is proven; several users may have it. The caller moves the status on, with [Next].
func (u *User) Own(kinds ...Kind) {
	chosen, proven := u.Attempt.Login, u.Attempt.Proves()
	u.Logins, u.Attempt, u.Attributes = []Login{chosen}, nil, maps.Clone(u.Attributes)
	if proven == chosen {
		delete(u.Attributes, proven.Kind().Attribute())
		return
	}
	for _, k := range kinds {
		if k == proven.Kind() {
			u.Logins = append(u.Logins, proven)
			delete(u.Attributes, k.Attribute())
			return
		}
	}
	if u.Attributes == nil {
		u.Attributes = Attributes{}
	}
	u.Attributes[proven.Kind().Attribute()] = proven.Display
	u.Attributes[proven.Kind().verified()] = "true"
}
