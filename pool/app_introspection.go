package pool

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/token"
)

// Introspection is what a token is worth to an app client. The zero one is of a token that is not
// active. Its JSON is the answer of an introspection endpoint (RFC 7662, 2.2), which must not be
// stored: Cache-Control: no-store.
type Introspection struct {
	Active  bool
	Refresh bool // it is a refresh token, and else an access token
	// Claims are what an access token says, but for groups that the user has left since, unless a
	// hook shapes tokens. Of a refresh token they are whose it is, the client, the session, the
	// issuer and, as ExpiresAt, when the session ends at the latest.
	Claims token.Claims
}

// accessible returns what a live access token is worth.
func (g granted) accessible(c token.Claims, hooked bool) Introspection {
	if !hooked {
		now := g.state.groupsOf(g.user)
		c.Groups = slices.DeleteFunc(c.Groups, func(name string) bool { return !slices.Contains(now, name) })
	}
	return Introspection{Active: true, Claims: c}
}

// refreshable returns what a live refresh token is worth.
func (g granted) refreshable(issuer string) Introspection {
	return Introspection{Active: true, Refresh: true, Claims: token.Claims{
		Issuer: issuer, Subject: string(g.user.ID), Username: g.user.Username(), ClientID: g.client.ID,
		Session: g.session.ID, IssuedAt: g.session.Created, ExpiresAt: g.session.Expires, AuthTime: authTime(g.session, g.now),
	}}
}

// MarshalJSON returns the answer of an introspection endpoint. Of what is not active it says nothing
// more (RFC 7662, 2.2).
func (i Introspection) MarshalJSON() ([]byte, error) {
	c := i.Claims
	if !i.Active {
		return []byte(`{"active":false}`), nil
	}
	type actor struct {
		Subject string `json:"sub"`
	}
	answer := struct {
		Active   bool     `json:"active"`
		Scope    string   `json:"scope,omitempty"`
		Client   string   `json:"client_id"`
		Username string   `json:"username,omitempty"`
		Type     string   `json:"token_type,omitempty"` // of an access token (RFC 6749, 5.1)
		Expires  int64    `json:"exp"`
		Issued   int64    `json:"iat"`
		Subject  string   `json:"sub"`
		Audience []string `json:"aud,omitempty"`
		Issuer   string   `json:"iss"`
		JTI      string   `json:"jti,omitempty"`
		Session  string   `json:"origin_jti"`
		AuthTime int64    `json:"auth_time,omitempty"`
		ACR      string   `json:"acr,omitempty"`
		Groups   []string `json:"cognito:groups,omitempty"`
		Actor    *actor   `json:"act,omitempty"` // who acts as the user (RFC 8693, 4.1)
	}{
		Active: true, Scope: strings.Join(c.Scope, " "), Client: c.ClientID, Username: c.Username,
		Expires: c.ExpiresAt.Unix(), Issued: c.IssuedAt.Unix(), Subject: c.Subject, Audience: c.Audience,
		Issuer: c.Issuer, JTI: c.JTI, Session: c.Session, ACR: c.ACR, Groups: c.Groups,
	}
	if !c.AuthTime.IsZero() {
		answer.AuthTime = c.AuthTime.Unix()
	}
	if c.Actor != "" {
		answer.Actor = &actor{c.Actor}
	}
	if !i.Refresh {
		answer.Type = "Bearer"
	}
	return json.Marshal(answer)
}
