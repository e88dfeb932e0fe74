package pool

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Filter finds users by one value, as the filter of Cognito's ListUsers does; the zero Filter is
// none. It is two texts and a flag, so that nothing that somebody typed is ever read as a part of a
// query (CVE class 47).
type Filter struct {
	// Attribute is one that the schema declares [user.Attribute].Searchable. Besides, "username",
	// "email" and "phone_number" find by what users sign in by, where the pool takes logins of that
	// kind: chosen names and proven addresses. Where the schema declares an address searchable, all
	// that users say is found, proven or not, and by sign-ups that are not confirmed too.
	Attribute string
	// Value is at most 2048 bytes. Logins are compared as they are to sign in, other standard
	// claims without regard to letter case, and attributes of the pool's own byte for byte. Empty,
	// it finds all who have any value, and needs Prefix.
	Value  string
	Prefix bool // values that begin with Value, Cognito's ^=, rather than equal it
}

const maxFilter = 2048

// loginKinds are the attributes that lists find without an index of their own.
var loginKinds = map[string]user.Kind{
	"username": user.KindUsername, "email": user.KindEmail, "phone_number": user.KindPhone,
}

// finder is a filter as it was read: what the store is asked, and whom of its answer it means. The
// store knows the beginnings of values only, and no kinds of logins.
type finder struct {
	where *storage.Where // nil for all
	means func(*user.User) bool
}

// finder reads the filter and the group of a query.
func (v *validation) finder(s *state, q UserQuery) (f finder, ready bool) {
	f.means, ready = func(*user.User) bool { return true }, true
	if q.Group != "" {
		if !user.ValidGroup(q.Group) {
			v.add("Group", "must be the name of a group")
		}
		term := groupTerm(q.Group)
		f.where = &storage.Where{Name: term.Name, Value: term.Value}
		f.means = func(u *user.User) bool { return slices.Contains(u.Groups, q.Group) }
		ready = slices.Contains(s.index.Ready, storage.GroupTerm)
	}
	if q.Filter == (Filter{}) {
		return f, ready
	}
	value := q.Filter.Value
	if len(value) > maxFilter || !utf8.ValidString(value) || strings.ContainsRune(value, 0) || value == "" && !q.Filter.Prefix {
		v.add("Filter.Value", "must be 1 to 2048 bytes of UTF-8 without NUL; empty only with Prefix")
		return f, false
	}
	members, kind := f.means, loginKinds[q.Filter.Attribute]
	var finds finder
	switch {
	case slices.Contains(s.index.Names, q.Filter.Attribute):
		finds, ready = q.Filter.byTerm(), slices.Contains(s.index.Ready, q.Filter.Attribute)
	case kind != "" && s.settings.SignIn.takes(kind):
		finds, ready = q.Filter.byLogin(kind, s.settings.SignIn), true
	default:
		v.add("Filter.Attribute", "must be one that users sign in by, or that the schema declares Searchable")
		return f, false
	}
	f.where = finds.where
	f.means = func(u *user.User) bool { return finds.means(u) && members(u) }
	return f, ready
}

// byTerm finds by the index of an attribute.
func (f Filter) byTerm() finder {
	value := user.Comparable(f.Attribute, f.Value)
	return finder{f.asked(f.Attribute, value), func(u *user.User) bool {
		said := told(u)[f.Attribute]
		return said != "" && f.matches(user.Comparable(f.Attribute, said), value)
	}}
}

// byLogin finds by the logins of a kind.
func (f Filter) byLogin(kind user.Kind, s SignInSettings) finder {
	value := strings.ToLower(f.Value)
	if kind == user.KindUsername {
		value = f.Value
		if l, err := user.Username(f.Value, s.folding()); err == nil {
			value = l.Value
		}
	} else if l, err := user.Identify(f.Value, user.CaseInsensitive); err == nil && l.Kind() == kind {
		value = l.Value
	}
	return finder{f.asked(storage.LoginTerm, value), func(u *user.User) bool {
		return slices.ContainsFunc(u.Logins, func(l user.Login) bool { return l.Kind() == kind && f.matches(l.Value, value) })
	}}
}

// asked returns what the store finds: a little more than is meant, where the value is longer than
// what an index keeps.
func (f Filter) asked(name, value string) *storage.Where {
	short := cut(value)
	return &storage.Where{Name: name, Value: short, Prefix: f.Prefix && short == value || name == storage.LoginTerm && short != value}
}

func (f Filter) matches(said, value string) bool {
	return said == value || f.Prefix && strings.HasPrefix(said, value)
}
