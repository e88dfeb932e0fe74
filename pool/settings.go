package pool

import (
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/user"
)

// Settings is a pool's policy: plain values, the same on every node, changeable later. Zero values
// are safe defaults.
type Settings struct {
	SignIn SignInSettings
	SignUp SignUpSettings
	// Recovery is the way back for who has forgotten their password.
	Recovery RecoverySettings
	// Attributes is what users may say of themselves. The zero schema is OpenID Connect's standard
	// claims, none of them required.
	Attributes user.Schema
	// Passwords is what new passwords must keep. The zero policy is NIST's: 8 characters and more,
	// none of those that everybody uses, none made of the login.
	Passwords password.Policy
	// Messages are words of the pool's own, by kind and locale. Zero means the built-in ones.
	Messages message.Settings
	// Branding is the name, logo and colour that pages and messages carry.
	Branding Branding
	Keys     KeySettings
	Sessions SessionSettings
	Limits   LimitSettings
	Events   EventSettings
	// Groups are what users may be in. Groups that a user is in and the settings lack give nothing.
	Groups  []Group
	Clients []Client // none means one public first-party client named "default"
	// DeletionProtection keeps the pool from being deleted until it is taken away, as in Cognito.
	DeletionProtection bool `json:",omitzero"`
	// Tags are for operators, to find and to count pools by. They do nothing: at most 50, with keys
	// of 1 to 128 characters and values of at most 256.
	Tags map[string]string `json:",omitzero"`
}

// Client is an app that users sign in to.
type Client struct {
	ID     string // 1 to 128 of letters, digits, '-' and '_'
	Tokens TokenSettings
}

// TokenSettings are the lifetimes of a client's tokens, within Cognito's bounds.
type TokenSettings struct {
	Access  time.Duration // 5 min to 24 h; 0 means 15 min: how long a stand-alone verifier honours a revoked token
	ID      time.Duration // 5 min to 24 h; 0 means 1 h
	Refresh time.Duration // 1 h to 3650 days, and longer than the others; 0 means 30 days
	// Grace is how long the refresh token before the current one still gives the same successor, for
	// parallel tabs and lost answers: 1 s to 60 s; 0 means 10 s.
	Grace time.Duration
}

// defaults returns s with every default written out.
func (s Settings) defaults() Settings {
	if len(s.SignIn.Identifiers) == 0 {
		s.SignIn.Identifiers = []Identifier{Email}
	}
	if len(s.Clients) == 0 {
		s.Clients = []Client{{ID: "default"}}
	}
	s.Keys, s.Sessions, s.Limits = s.Keys.defaults(), s.Sessions.defaults(), s.Limits.defaults()
	s.SignUp, s.Events = s.SignUp.defaults(), s.Events.defaults()
	s.Groups = slices.Clone(s.Groups)
	for i, g := range s.Groups {
		s.Groups[i] = g.clone()
	}
	clients := make([]Client, len(s.Clients))
	for i, c := range s.Clients {
		t := &c.Tokens
		t.Access = orElse(t.Access, 15*time.Minute)
		t.ID = orElse(t.ID, time.Hour)
		t.Refresh = orElse(t.Refresh, 30*24*time.Hour)
		t.Grace = orElse(t.Grace, 10*time.Second)
		clients[i] = c
	}
	s.Clients = clients
	return s
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// problems returns all that is wrong with settings whose defaults are written out.
func (s Settings) problems() (ps []string) {
	for _, p := range s.Messages.Problems() {
		ps = append(ps, "messages: "+p)
	}
	for _, p := range s.Passwords.Problems() {
		ps = append(ps, "passwords: "+p)
	}
	ps = append(ps, s.Branding.problems()...)
	ps = append(ps, s.Keys.problems()...)
	ps = append(ps, s.Sessions.problems()...)
	ps = append(ps, s.Limits.problems()...)
	ps = append(ps, s.Events.problems()...)
	ps = append(ps, s.SignIn.problems(s.Attributes)...)
	ps = append(ps, s.SignUp.problems(s.SignIn)...)
	ps = append(ps, s.Recovery.problems()...)
	ps = append(ps, s.groupProblems()...)
	for _, p := range s.Attributes.Problems() {
		ps = append(ps, "attributes: "+p)
	}
	ps = append(ps, s.tagProblems()...)
	ps = append(ps, s.sizeProblems()...)
	seen := map[string]bool{}
	for _, c := range s.Clients {
		if !clientID(c.ID) || seen[c.ID] {
			const text = "client %q: an id is 1 to 128 letters, digits, '-' or '_', and stands once"
			ps = append(ps, fmt.Sprintf(text, c.ID))
		}
		seen[c.ID] = true
		t := c.Tokens
		for _, b := range []struct {
			name      string
			d, lo, hi time.Duration
		}{
			{"access", t.Access, 5 * time.Minute, 24 * time.Hour},
			{"id", t.ID, 5 * time.Minute, 24 * time.Hour},
			{"refresh", t.Refresh, time.Hour, 3650 * 24 * time.Hour},
			{"grace", t.Grace, time.Second, time.Minute},
		} {
			if b.d < b.lo || b.d > b.hi {
				ps = append(ps, fmt.Sprintf("client %q: %s lifetime %v is not within %v and %v",
					c.ID, b.name, b.d, b.lo, b.hi))
			}
		}
		if t.Refresh < max(t.Access, t.ID) {
			ps = append(ps, fmt.Sprintf("client %q: the refresh token ends before the other tokens", c.ID))
		}
	}
	return ps
}

func clientID(id string) bool {
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return id != "" && len(id) <= 128
}

func (s Settings) clientIDs() []string {
	ids := make([]string, len(s.Clients))
	for i, c := range s.Clients {
		ids[i] = c.ID
	}
	return ids
}

// client returns the client that an input names.
func (s Settings) client(id string) (Client, error) {
	if id == "" && len(s.Clients) == 1 {
		return s.Clients[0], nil
	}
	for _, c := range s.Clients {
		if c.ID == id {
			return c, nil
		}
	}
	return Client{}, ErrUnknownClient
}

// admits returns the client that a sign-up names, where visitors may sign up at all.
func (s Settings) admits(id string) (Client, error) {
	if s.SignUp.Closed {
		return Client{}, ErrNotAuthorized
	}
	return s.client(id)
}
