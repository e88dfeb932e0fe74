package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Client is an app that users sign in to.
//
// Its refresh tokens always rotate and can always be revoked: unlike Cognito's
// RefreshTokenRotation and EnableTokenRevocation, neither can be turned off, because a token that
// is good until it expires is as good for whoever copied it.
type Client struct {
	ID   string // 1 to 128 of letters, digits, '-' and '_'
	Name string `json:",omitzero"` // for people: at most 128 characters; "" means none

	// Confidential says that the app can keep a secret, as a server can and a phone or a page
	// cannot (RFC 6749, 2.1). Each visitor's call for it must then carry one that is live
	// (ClientSecret), and without one it can do nothing: see [Admin.AddClientSecret].
	Confidential bool `json:",omitzero"`
	// Flows are the ways in which its users get tokens. Nil means all that there are, and an empty
	// list none.
	Flows  []Flow `json:",omitzero"`
	Tokens TokenSettings
	// StepLifetime is how long a visitor has for a step that follows a proof, as Cognito's
	// AuthSessionValidity: 3 to 15 min; 0 means 3 min. Codes have lifetimes of their own, and who
	// has to set up a factor has 10 min at least.
	StepLifetime time.Duration `json:",omitzero"`

	// Read names the attributes that tokens and the account show to the app: standard claims, those
	// of [Settings].Attributes, "email_verified" and "phone_number_verified". Nil means all of
	// them, and an empty list none; Cognito leaves custom ones out of the former. Whose account it
	// is and what they sign in by is always shown.
	Read []string `json:",omitzero"`
	// Write names the attributes that users may set of themselves through the app. What the schema
	// requires must be among them. Nil means all that the schema allows, and an empty list none;
	// neither is about an address that a sign-up is to prove, nor about administrators.
	//
	// Nil has custom ones in it, which Cognito leaves out: whoever signs up sets them. Trust none for
	// what somebody may do unless it is AdminOnly in the schema ([user.Attribute]); roles are groups.
	Write []string `json:",omitzero"`

	// Scopes are what the app may ask for, and Redirects and Logouts where browsers are sent back
	// to, compared as they are (RFC 9700, 4.1.3): https, http on a loopback host, or a scheme of
	// the app's own such as "com.example.app:/back" (RFC 8252, 7). They are for OAuth, which is to
	// come, and are checked already. At most 50 scopes and 100 of each kind of URI.
	Scopes    []string `json:",omitzero"`
	Redirects []string `json:",omitzero"`
	Logouts   []string `json:",omitzero"`

	// InsecureTellExistence answers this client as Cognito does with PreventUserExistenceErrors set
	// to LEGACY: [ErrNotFound] at a sign-in by a login that nobody has or for whom a password is
	// forgotten, [ErrLoginTaken] at a sign-up where an address has an owner. Whoever can reach the
	// client learns who has an account. Each such answer is counted against the caller's network.
	InsecureTellExistence bool `json:",omitzero"`

	// RequireMFA asks everybody who signs in to the app for a second factor, whatever the pool does
	// ([MFASettings]).
	RequireMFA bool `json:",omitzero"`
}

// Flow is a way to get tokens. Others, such as SRP and the grants of OAuth, are refused until there
// are any.
type Flow string

// The flows.
const (
	FlowPassword Flow = "password" // sign in by a password: Cognito's ALLOW_USER_PASSWORD_AUTH
	// FlowChoice signs in by what the pool offers ([SignInSettings].First), with codes that are sent,
	// passkeys or a password, as Cognito's ALLOW_USER_AUTH does.
	FlowChoice  Flow = "choice"
	FlowRefresh Flow = "refresh" // with a refresh token, none of which is given without: ALLOW_REFRESH_TOKEN_AUTH
)

var flows = []Flow{FlowPassword, FlowChoice, FlowRefresh}

// TokenSettings are the lifetimes of a client's tokens, within Cognito's bounds.
type TokenSettings struct {
	Access  time.Duration // 5 min to 24 h; 0 means 15 min: how long a stand-alone verifier honours a revoked token
	ID      time.Duration // 5 min to 24 h; 0 means 1 h
	Refresh time.Duration // 1 h to 3650 days, and no less than the others; 0 means 30 days
	// Grace is how long the refresh token before the current one still gives the same successor, for
	// parallel tabs and lost answers: 1 s to 60 s; 0 means 10 s.
	Grace time.Duration
}

const maxClientName = 128 // code points

// clientDefaults returns the clients with every default written out, sharing nothing.
func (s Settings) clientDefaults() []Client {
	if len(s.Clients) == 0 {
		s.Clients = []Client{{ID: "default"}}
	}
	clients := make([]Client, len(s.Clients))
	for i, c := range s.Clients {
		clients[i] = c.defaults()
	}
	return clients
}

// defaults returns c with every default written out, sharing nothing.
func (c Client) defaults() Client {
	if c.Flows == nil {
		c.Flows = flows
	}
	c.Flows = slices.Clone(c.Flows)
	for _, list := range []*[]string{&c.Read, &c.Write, &c.Scopes, &c.Redirects, &c.Logouts} {
		*list = slices.Clone(*list)
	}
	t := &c.Tokens
	t.Access = orElse(t.Access, 15*time.Minute)
	t.ID = orElse(t.ID, time.Hour)
	t.Refresh = orElse(t.Refresh, 30*24*time.Hour)
	t.Grace = orElse(t.Grace, 10*time.Second)
	c.StepLifetime = orElse(c.StepLifetime, 3*time.Minute)
	return c
}

// clientProblems returns what is wrong with clients whose defaults are written out.
func (s Settings) clientProblems() (ps []string) {
	seen := map[string]bool{}
	for _, c := range s.Clients {
		if !clientID(c.ID) || seen[c.ID] {
			const text = "client %.140q: an id is 1 to 128 letters, digits, '-' or '_', and stands once"
			ps = append(ps, fmt.Sprintf(text, c.ID))
			continue
		}
		seen[c.ID] = true
		for _, p := range c.problems(s) {
			ps = append(ps, fmt.Sprintf("client %q: %s", c.ID, p))
		}
	}
	return ps
}

// problems returns what is wrong with a client of s.
func (c Client) problems(s Settings) (ps []string) {
	if utf8.RuneCountInString(c.Name) > maxClientName || !utf8.ValidString(c.Name) || strings.ContainsRune(c.Name, 0) {
		ps = append(ps, fmt.Sprintf("a name is at most %d characters of UTF-8 without NUL", maxClientName))
	}
	for i, f := range c.Flows {
		if !slices.Contains(flows, f) || slices.Contains(c.Flows[:i], f) {
			ps = append(ps, fmt.Sprintf("flow %.40q: there are password, choice and refresh, each once", f))
		}
	}
	ps = append(ps, c.lifetimeProblems()...)
	ps = append(ps, c.attributeProblems(s.Attributes)...)
	return append(ps, c.uriProblems()...)
}

func (c Client) lifetimeProblems() (ps []string) {
	t := c.Tokens
	for _, b := range []struct {
		name      string
		d, lo, hi time.Duration
	}{
		{"access lifetime", t.Access, 5 * time.Minute, 24 * time.Hour},
		{"id lifetime", t.ID, 5 * time.Minute, 24 * time.Hour},
		{"refresh lifetime", t.Refresh, time.Hour, 3650 * 24 * time.Hour},
		{"grace lifetime", t.Grace, time.Second, time.Minute},
		{"step lifetime", c.StepLifetime, 3 * time.Minute, 15 * time.Minute},
	} {
		if b.d < b.lo || b.d > b.hi {
			ps = append(ps, fmt.Sprintf("%s %v is not within %v and %v", b.name, b.d, b.lo, b.hi))
		}
	}
	if t.Refresh < max(t.Access, t.ID) {
		ps = append(ps, "the refresh token ends before the other tokens")
	}
	return ps
}

// clientID reports whether id may be that of a client, or of a pool.
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

// client returns the client of an id, whoever says that it is. Visitors' calls have theirs from
// what they read, by [Pool.proven].
func (s Settings) client(id string) (Client, error) {
	if id == "" && len(s.Clients) == 1 {
		return s.Clients[0], nil
	}
	for _, c := range s.Clients {
		if c.ID == id {
			return c, nil
		}
	}
	if id == "" {
		return Client{}, fmt.Errorf("%w: the pool has several; name one", ErrUnknownClient)
	}
	return Client{}, ErrUnknownClient
}

// allows refuses a flow that the client lacks. It is judged before anything of a user is, so it
// says nothing of one.
func (c Client) allows(f Flow) error {
	if !c.has(f) {
		return fmt.Errorf("%w: %s", ErrFlowNotAllowed, f)
	}
	return nil
}

func (c Client) has(f Flow) bool { return slices.Contains(c.Flows, f) }
