package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// naming is how the user names of a pool are stored and compared. It follows
// [SignInSettings].CaseSensitive, and stands in a document of its own, because the names of all users
// have to be stored in another form before they can be looked up in it (security.md S20):
//
//  1. Moving: every name that is taken from now on is taken in both forms, and a walk over all users
//     gives theirs the other one. Names are looked up as before. Where case ceases to count nobody
//     takes a name until the walk has reached everybody once: a stranger who is "ada" before it
//     reaches Ada would keep case counting for as long as they please.
//  2. All names are there in both forms. Names are looked up in the other one, from one commit on.
//  3. Tidying, where case no longer counts: another walk takes the forms of before away. Where case
//     counts they stay with who had them: "ada" keeps opening the account of Ada, and is nobody
//     else's.
//
// All along each form is a login, which the store gives to one user only, and each name is found by
// the form that is looked up. Who takes a name requires this document as it was read, so that no
// name is taken by the rules of before once a walk has begun, however late its commit comes.
type naming struct {
	CaseSensitive bool  // how names are looked up
	Moving        bool  `json:",omitzero"` // on the way to the other way
	Reached       bool  `json:",omitzero"` // that walk was at everybody, and some are in each other's way
	Tidying       bool  `json:",omitzero"`
	Walk          int64 `json:",omitzero"` // number of the walk over all users

	stored *storage.Document // nil means that there is none yet
}

// target returns whether case is to count in the end.
func (n naming) target() bool { return n.CaseSensitive != n.Moving }

// toward returns the naming that leads to names whose case counts, or does not.
func (n naming) toward(sensitive bool) naming {
	if n.target() == sensitive {
		return n
	}
	n.Walk, n.Reached = n.Walk+1, false
	n.Moving = n.CaseSensitive != sensitive
	n.Tidying = !n.Moving && !n.CaseSensitive // a move that is called off
	return n
}

// arrived returns the naming after the walk under way.
func (n naming) arrived() naming {
	n.Reached = false
	if n.Moving {
		n.CaseSensitive, n.Moving, n.Walk = !n.CaseSensitive, false, n.Walk+1
		n.Tidying = !n.CaseSensitive
		return n
	}
	n.Tidying = false
	return n
}

// walking reports whether users are to be looked through.
func (n naming) walking() bool { return n.Moving || n.Tidying }

// free refuses to give user names away while it is not known which there are without case.
func (n naming) free() error {
	if n.Moving && n.CaseSensitive && !n.Reached {
		return fmt.Errorf("%w: user names are being stored without case, try again soon", ErrUnavailable)
	}
	return nil
}

// change returns the document of n, to be put.
func (n naming) change(p *Pool) storage.Change {
	body, _ := json.Marshal(n) // flags and a number cannot fail
	if n.stored == nil {
		return storage.Put(p.document(settingsKind, namesID, body))
	}
	next := n.stored.Clone()
	next.Body, next.Updated = body, p.now()
	return storage.Put(next)
}

// parseNaming reads the naming of a pool. One of before there were such documents compares names as
// its settings said, which could not change.
func parseNaming(names, settings *storage.Document) (n naming, err error) {
	if names == nil {
		var said struct{ SignIn struct{ CaseSensitive bool } }
		err = json.Unmarshal(settings.Body, &said)
		n.CaseSensitive = said.SignIn.CaseSensitive
	} else {
		err = json.Unmarshal(names.Body, &n)
		n.stored = names
	}
	if err != nil {
		return n, fmt.Errorf("read how user names are compared: %w", err)
	}
	return n, nil
}

// recase returns the changes that lead to the case of user names that settings ask for. It fails
// with a *[SettingsError] where names would be one that are of several users.
func (p *Pool) recase(ctx context.Context, n naming, s SignInSettings) ([]storage.Change, error) {
	next := n.toward(s.CaseSensitive)
	if next == n && n.stored != nil {
		return nil, nil
	}
	if next.Moving && n.CaseSensitive {
		t, err := p.twins(ctx)
		if err != nil {
			return nil, err
		}
		if t.users+t.unfit > 0 {
			return nil, &SettingsError{[]string{fmt.Sprintf("CaseSensitive cannot be taken away: %d users have names that "+
				"differ from another's in case only, and %d have one that is too long without; see Admin.Plan", t.users, t.unfit)}}
		}
	}
	return []storage.Change{next.change(p)}, nil
}

// folded returns the login of a user name in one of its forms. False means that it has none.
func folded(l user.Login, sensitive bool) (user.Login, bool) {
	form, err := user.Username(l.Display, SignInSettings{CaseSensitive: sensitive}.folding())
	form.Preferred = l.Preferred
	return form, err == nil
}

// reread returns a login in the form that is looked up, which may have become another one since it
// was read.
func (n naming) reread(l user.Login) user.Login {
	if l.Kind() != user.KindUsername {
		return l
	}
	if form, ok := folded(l, n.CaseSensitive); ok {
		return form
	}
	return l
}

// rename gives the names of a user the forms that they are to have. False means that a name has no
// such form.
func (n naming) rename(u *user.User) bool {
	was, _ := u.Loaded()
	var all []user.Login
	add := func(l user.Login) {
		if !slices.ContainsFunc(all, func(o user.Login) bool { return o.Namespace == l.Namespace && o.Value == l.Value }) {
			all = append(all, l)
		}
	}
	for _, l := range u.Logins {
		if l.Kind() != user.KindUsername {
			add(l)
			continue
		}
		form, ok := folded(l, n.CaseSensitive)
		other, also := folded(l, !n.CaseSensitive)
		if !ok || n.Moving && !also {
			return false
		}
		add(form)
		if n.Moving || n.CaseSensitive && slices.Contains(was.Logins, other) {
			add(other)
		}
	}
	u.Logins = all
	return true
}

// takes reports whether a user who is put takes a name that they did not have.
func (n naming) takes(u *user.User) bool {
	was, _ := u.Loaded()
	return slices.ContainsFunc(u.Logins, func(l user.Login) bool {
		return l.Kind() == user.KindUsername && !slices.ContainsFunc(was.Logins, func(o user.Login) bool {
			return o.Namespace == l.Namespace && o.Value == l.Value
		})
	})
}

// named lets whoever takes a user name in these changes take it in the forms of now, and require
// that these are still the forms.
func (p *Pool) named(changes []storage.Change) ([]storage.Change, error) {
	s := p.state.Load()
	if s == nil || s.naming.stored == nil { // the pool is being made, or opened for the first time by this version
		return changes, nil
	}
	n, require := s.naming, false
	for _, c := range changes {
		put, _ := c.(storage.PutRecord)
		u, ok := put.Record.(*user.User)
		if !ok {
			continue
		}
		if u.Version == 0 && u.Attempt != nil {
			u.Attempt.Login = n.reread(u.Attempt.Login)
		}
		if !n.takes(u) {
			continue
		}
		if err := n.free(); err != nil {
			return nil, err
		}
		if !n.rename(u) {
			return nil, &ValidationError{[]FieldError{{Field: "Username", Reason: "must be shorter"}}}
		}
		require = true
	}
	if !require {
		return changes, nil
	}
	return append(slices.Clone(changes), storage.Require(n.stored)), nil
}
