package token

import (
	"encoding/json"
	"strings"
	"time"
)

// wire is a token's payload but for its attributes. Members are written in this order.
type wire struct {
	Issuer        string   `json:"iss"`
	Subject       string   `json:"sub"`
	Audience      audience `json:"aud"`
	ClientID      string   `json:"client_id,omitempty"`
	Use           Use      `json:"token_use"`
	Scope         string   `json:"scope,omitempty"`
	AuthTime      int64    `json:"auth_time,omitempty"`
	IssuedAt      int64    `json:"iat"`
	ExpiresAt     int64    `json:"exp"`
	JTI           string   `json:"jti"`
	Session       string   `json:"origin_jti"`
	Epoch         int64    `json:"epoch,omitempty"`
	AMR           []string `json:"amr,omitempty"`
	ACR           string   `json:"acr,omitempty"`
	Username      string   `json:"username,omitempty"`
	IDName        string   `json:"cognito:username,omitempty"`
	Groups        []string `json:"cognito:groups,omitempty"`
	Actor         *actor   `json:"act,omitempty"`
	Name          string   `json:"name,omitempty"`
	Email         string   `json:"email,omitempty"`
	EmailVerified *bool    `json:"email_verified,omitempty"`
	Phone         string   `json:"phone_number,omitempty"`
	PhoneVerified *bool    `json:"phone_number_verified,omitempty"`
}

// actor is the act claim of RFC 8693, section 4.1.
type actor struct {
	Subject string `json:"sub"`
}

// audience is a text where there is one, as Cognito and most of the world write it.
type audience []string

func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// encode returns the payload of c. The same claims give the same bytes.
func (c *Claims) encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	w := wire{
		Issuer: c.Issuer, Subject: c.Subject, Use: c.Use, JTI: c.JTI, Session: c.Session, Epoch: c.Epoch, Groups: c.Groups,
		AuthTime: seconds(c.AuthTime), IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(), AMR: c.AMR, ACR: c.ACR,
	}
	if c.Actor != "" {
		w.Actor = &actor{c.Actor}
	}
	if c.Use == Access {
		w.ClientID, w.Audience, w.Scope, w.Username = c.ClientID, c.Audience, strings.Join(c.Scope, " "), c.Username
		if len(w.Audience) == 0 {
			w.Audience = audience{c.Issuer}
		}
		return c.appendFurther(w)
	}
	w.Audience, w.IDName, w.Name, w.Email = audience{c.ClientID}, c.Username, c.Name, c.Email
	if c.Email != "" {
		w.EmailVerified = c.EmailVerified
	}
	if w.Phone = c.PhoneNumber; c.PhoneNumber != "" {
		w.PhoneVerified = c.PhoneVerified
	}
	return c.appendFurther(w)
}

// appendFurther returns the payload of w with the further claims, without those whose names are
// reserved: two members of one name would be read by each verifier as it likes.
func (c *Claims) appendFurther(w wire) ([]byte, error) {
	body, err := json.Marshal(w)
	if err != nil || len(c.Attributes)+len(c.Values) == 0 {
		return body, err
	}
	further := make(map[string]any, len(c.Attributes)+len(c.Values))
	for name, value := range c.Attributes {
		if !Reserved(name) {
			further[name] = value
		}
	}
	for name, value := range c.Values {
		if !Reserved(name) {
			further[name] = value
		}
	}
	if len(further) == 0 {
		return body, nil
	}
	more, err := json.Marshal(further) // sorted by name
	if err != nil {
		return nil, err
	}
	body[len(body)-1] = ','
	return append(body, more[1:]...), nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
