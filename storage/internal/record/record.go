// Package record writes the parts of a record that no query looks into as compact JSON, for
// adapters that keep records in a database. What it writes is read again by every later version,
// by the view userpool_user and by apps: names are only ever added.
//
// A user's body has the members l (logins: n namespace, v value, d display, r rule), t (attempt: l
// login, a address, e end), a (attributes), p (password: h hash, f form, i inner, s set, r
// revision), x (index terms, as pairs), g (groups), k (the sealed event key) and f (factors). What is usual is
// left out: the namespace "name", a display that equals the value, the form "nfc". Times are
// microseconds since 1970. The sealed digest of the password is not in the body: it is bytes, and
// has a place of its own.
package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/user"
)

// ErrText means that a text is not UTF-8, which JSON cannot hold.
var ErrText = errors.New("a text is not valid UTF-8")

type login struct {
	Namespace *user.Namespace `json:"n,omitempty"` // nil means user.Name
	Value     string          `json:"v"`
	Display   *string         `json:"d,omitempty"` // nil means Value
	Rule      int             `json:"r,omitempty"`
	Preferred bool            `json:"p,omitempty"`
}

type attempt struct {
	Login   login  `json:"l"`
	Address *login `json:"a,omitempty"` // nil means Login itself
	Expires *int64 `json:"e,omitempty"`
}

type password struct {
	Hash     string     `json:"h,omitempty"`
	Form     *user.Form `json:"f,omitempty"` // nil means user.FormNFC
	Inner    string     `json:"i,omitempty"`
	Set      *int64     `json:"s,omitempty"`
	Revision int64      `json:"r,omitempty"`
	Past     []past     `json:"p,omitempty"`
}

type past struct {
	Hash   string `json:"h,omitempty"`
	Digest []byte `json:"d,omitempty"`
}

type body struct {
	Logins     []login           `json:"l,omitempty"`
	Attempt    *attempt          `json:"t,omitempty"`
	Attributes map[string]string `json:"a,omitempty"`
	Password   *password         `json:"p,omitempty"`
	Index      [][2]string       `json:"x,omitempty"`
	Groups     []string          `json:"g,omitempty"`
	EventKey   []byte            `json:"k,omitempty"`
	Factors    *factors          `json:"f,omitempty"`
}

// EncodeUser returns the body of u. A text that is not UTF-8 is [ErrText].
func EncodeUser(u *user.User) (string, error) {
	if err := validUser(u); err != nil {
		return "", err
	}
	b := body{Attributes: u.Attributes, Groups: u.Groups, EventKey: u.EventKey, Factors: fromFactors(u.Factors.Clone())}
	for _, l := range u.Logins {
		b.Logins = append(b.Logins, fromLogin(l))
	}
	if u.Attempt != nil {
		b.Attempt = &attempt{Login: fromLogin(u.Attempt.Login), Expires: Micros(u.Attempt.Expires)}
		if a := u.Attempt.Address; a != (user.Login{}) {
			b.Attempt.Address = new(fromLogin(a))
		}
	}
	if p := u.Password; p != nil {
		b.Password = &password{Hash: p.Hash, Inner: p.Inner, Set: Micros(p.Set), Revision: p.Revision}
		if p.Form != user.FormNFC {
			b.Password.Form = &p.Form
		}
		for _, old := range p.Past {
			b.Password.Past = append(b.Password.Past, past(old))
		}
	}
	for _, t := range u.Index {
		b.Index = append(b.Index, [2]string{t.Name, t.Value})
	}
	return encode(b)
}

// DecodeUser sets the fields of u that [EncodeUser] wrote. The digest goes to the password, if
// there is one.
func DecodeUser(u *user.User, text []byte, digest []byte) error {
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("decode the body of user %s: %w", u.ID, err)
	}
	u.Attributes, u.Groups, u.EventKey, u.Factors = b.Attributes, b.Groups, b.EventKey, b.Factors.factors()
	if len(b.Logins) > 0 {
		u.Logins = make([]user.Login, len(b.Logins))
	}
	for i, l := range b.Logins {
		u.Logins[i] = l.login()
	}
	if b.Attempt != nil {
		u.Attempt = &user.Attempt{Login: b.Attempt.Login.login(), Expires: Time(b.Attempt.Expires)}
		if a := b.Attempt.Address; a != nil {
			u.Attempt.Address = a.login()
		}
	}
	if p := b.Password; p != nil {
		u.Password = &user.Password{
			Hash: p.Hash, Digest: digest, Form: user.FormNFC, Inner: p.Inner, Set: Time(p.Set), Revision: p.Revision,
		}
		if p.Form != nil {
			u.Password.Form = *p.Form
		}
		for _, old := range p.Past {
			u.Password.Past = append(u.Password.Past, user.Past(old))
		}
	}
	for _, t := range b.Index {
		u.Index = append(u.Index, user.Term{Name: t[0], Value: t[1]})
	}
	return nil
}

func validUser(u *user.User) error {
	texts := make([]string, 0, 32)
	for _, l := range u.Logins {
		texts = append(texts, string(l.Namespace), l.Value, l.Display)
	}
	if a := u.Attempt; a != nil {
		for _, l := range []user.Login{a.Login, a.Address} {
			texts = append(texts, string(l.Namespace), l.Value, l.Display)
		}
	}
	for k, v := range u.Attributes {
		texts = append(texts, k, v)
	}
	if p := u.Password; p != nil {
		texts = append(texts, p.Hash, string(p.Form), p.Inner)
		for _, old := range p.Past {
			texts = append(texts, old.Hash)
		}
	}
	for _, t := range u.Index {
		texts = append(texts, t.Name, t.Value)
	}
	if u.Factors != nil {
		texts = append(texts, factorTexts(u.Factors)...)
	}
	return Valid(append(texts, u.Groups...)...)
}

func fromLogin(l user.Login) login {
	out := login{Value: l.Value, Rule: l.Rule, Preferred: l.Preferred}
	if l.Namespace != user.Name {
		out.Namespace = &l.Namespace
	}
	if l.Display != l.Value {
		out.Display = &l.Display
	}
	return out
}

func (l login) login() user.Login {
	out := user.Login{Namespace: user.Name, Value: l.Value, Display: l.Value, Rule: l.Rule, Preferred: l.Preferred}
	if l.Namespace != nil {
		out.Namespace = *l.Namespace
	}
	if l.Display != nil {
		out.Display = *l.Display
	}
	return out
}

// Micros returns a time as microseconds since 1970, what is below cut off; nil is the zero time.
func Micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.UnixMicro()
	return &n
}

// Time returns the time that [Micros] wrote.
func Time(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMicro(*n).UTC()
}

// encode writes v without the escapes that are for HTML.
func encode(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// Valid refuses texts that JSON cannot hold: they would come back as others.
func Valid(texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return ErrText
		}
	}
	return nil
}
