package pool

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// logins looks at what a user signs in by.
func (w *survey) logins(u *user.User) {
	before, after := 0, 0
	lost := map[string]bool{}
	for _, l := range u.Logins {
		if !w.was.SignIn.opens(u, l) {
			continue
		}
		if before++; w.is.SignIn.opens(u, l) {
			after++
		} else if l.Preferred {
			lost[string(PreferredUsername)] = true
		} else {
			lost[string(l.Kind())] = true
		}
	}
	if before > 0 && after == 0 {
		w.note(u, "locked_out", "")
		return
	}
	for kind := range lost {
		w.note(u, "loses_login", kind)
	}
}

// opens reports whether a user signs in by a login of theirs.
func (s SignInSettings) opens(u *user.User, l user.Login) bool {
	return s.takes(l.Kind()) && s.answersTo(u, l)
}

// attributes looks at what is said of a user.
func (w *survey) attributes(u *user.User) {
	said := maps.Clone(told(u))
	maps.DeleteFunc(said, func(name, _ string) bool {
		return name == user.KindEmail.Attribute()+"_verified" || name == user.KindPhone.Attribute()+"_verified"
	})
	for _, a := range w.is.Attributes {
		asked := func(o user.Attribute) bool { return o.Name == a.Name && o.Required }
		if a.Required && said[a.Name] == "" && !slices.ContainsFunc(w.was.Attributes, asked) {
			w.note(u, "lacks_attribute", a.Name)
		}
	}
	before, after := unfitting(w.was.Attributes, said), unfitting(w.is.Attributes, said)
	for name, rule := range after {
		switch {
		case before[name] != "":
		case rule == user.RuleUnknown:
			w.note(u, "unknown_attribute", name)
		default:
			w.note(u, "unfit_attribute", name)
		}
	}
}

// unfitting returns which rules values break, by attribute.
func unfitting(s user.Schema, said user.Attributes) map[string]user.AttributeRule {
	broken, _ := errors.AsType[*user.AttributesError](s.Check(said, user.Admin))
	if broken == nil {
		return nil
	}
	rules := map[string]user.AttributeRule{}
	for _, v := range broken.Violations {
		rules[v.Name] = v.Rule
	}
	return rules
}

// passwords looks at when a user's was set.
func (w *survey) passwords(u *user.User) {
	if u.Password == nil {
		return
	}
	over := func(s Settings) bool { return !w.now.Before(s.Passwords.Expires(u.Password.Set)) }
	if u.Status == user.ForceChangePassword && over(w.is) && !over(w.was) {
		w.note(u, "temporary_password_ends", "")
	}
	if u.Status != user.ForceChangePassword && w.is.Passwords.Stricter(w.was.Passwords) {
		w.note(u, "keeps_password", u.Password.Set.UTC().Format("2006-01"))
	}
}

// groups looks at the groups of a user.
func (w *survey) groups(u *user.User) {
	for _, name := range u.Groups {
		was, there := w.was.group(name)
		is, stays := w.is.group(name)
		switch {
		case !there:
		case !stays:
			w.note(u, "leaves_group", name)
		case was.May != is.May:
			w.note(u, "role_changes", name)
		}
	}
}

// factors looks at the second factors of a user, and at who asks for them.
func (w *survey) factors(p *Pool, u *user.User) {
	asked := func(s Settings, c Client) gate.Request {
		return gate.Request{User: u, Rules: p.rules(&state{settings: s}, u, c)}
	}
	lacks := func(s Settings, c Client) bool {
		r := asked(s, c)
		return r.Rules.Require == mfa.Required && len(r.Has()) == 0
	}
	has := asked(w.is, Client{}).Has()
	for _, k := range asked(w.was, Client{}).Has() {
		if k != mfa.KindCustom && !slices.Contains(has, k) { // custom ones nobody has set up
			w.note(u, "loses_factor", string(k))
		}
	}
	if lacks(w.is, Client{}) {
		if !lacks(w.was, Client{}) {
			w.note(u, "lacks_factor", "")
		}
		return
	}
	for _, c := range w.is.Clients {
		if !c.RequireMFA || !lacks(w.is, c) { // or it would take as long again for each client
			continue
		}
		if was, err := w.was.client(c.ID); err != nil || !lacks(w.was, was) {
			w.note(u, "lacks_factor", c.ID)
		}
	}
}

func (s Settings) group(name string) (Group, bool) {
	i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return s.Groups[i], true
}

// shorter reports whether sessions may end.
func (w *survey) shorter() bool {
	if w.is.Sessions.Absolute < w.was.Sessions.Absolute || w.is.Sessions.Idle < w.was.Sessions.Idle {
		return true
	}
	return slices.ContainsFunc(w.was.Clients, func(was Client) bool {
		is, err := w.is.client(was.ID)
		return err != nil || is.Tokens.Refresh < was.Tokens.Refresh
	})
}

// sessions looks at the sessions of a user, which end where settings do not let them be as old as
// they are, or know their client no more.
func (w *survey) sessions(ctx context.Context, p *Pool, u *user.User) error {
	ends := map[string]bool{}
	q := storage.SessionQuery{User: u.ID, Now: w.now}
	for {
		page, err := p.store.Sessions(ctx, p.config.ID, q)
		if err != nil {
			return unavailable(err)
		}
		for _, s := range page.Sessions {
			if s.Epoch == u.Epoch && w.is.outlives(s, w.now) && !w.was.outlives(s, w.now) {
				ends[s.Client] = true
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	for client := range ends {
		w.note(u, "session_ends", client)
	}
	return nil
}

// outlives reports whether a session is older than settings let sessions become, those of a lowered
// limit too (security.md S18), or is of a client that there is none any more.
func (s Settings) outlives(of *token.Session, now time.Time) bool {
	i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.ID == of.Client })
	if i < 0 {
		return true
	}
	if of.Kind == token.Browser {
		return s.Sessions.over(of, now)
	}
	return !now.Before(of.Created.Add(s.Clients[i].Tokens.Refresh))
}
