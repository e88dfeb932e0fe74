package pool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/token"
)

// MarshalStep returns a step as JSON: an object whose "step" is the [StepKind], beside what that
// step carries. It is how a handler answers; whoever reads it must refuse a step that they do not
// know.
//
//	{"step":"password","ticket":"...","expires":"2026-05-01T12:03:00Z"}
//	{"step":"confirm","ticket":"...","expires":"...","delivery":{"channel":"email","destination":"ada@example.com"}}
//	{"step":"new_password","ticket":"...","expires":"..."}
//	{"step":"totp","ticket":"...","expires":"...","others":["recovery_code"]}
//	{"step":"choice","ticket":"...","expires":"...","kinds":["totp","passkey","recovery_code"]}
//	{"step":"done","tokens":{"access_token":"...", ...},"device":"..."}
//	{"step":"done"}
//
// The last one is of a browser session, whose secrets are in cookies.
func MarshalStep(s Step) ([]byte, error) {
	if v := reflect.ValueOf(s); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("pool: no JSON for a %T that is nil", s)
	}
	switch s := s.(type) {
	case *Done:
		if !s.Cookie.IsZero() { // it goes where no script reads it (security.md S10)
			return json.Marshal(ask{Step: s.Kind()})
		}
		return json.Marshal(struct {
			Step   StepKind  `json:"step"`
			Tokens token.Set `json:"tokens"`
			Device string    `json:"device,omitempty"`
		}{s.Kind(), s.Tokens, s.Device})
	case *NeedPassword:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires})
	case *NeedNewPassword:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires})
	case *NeedTOTP:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Others: s.Others})
	case *NeedChoice:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Kinds: s.Kinds, Enrol: s.Enrol})
	case *NeedConfirm:
		if s.Delivery == (Delivery{}) {
			return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires})
		}
		to := &destination{s.Delivery.Channel, s.Delivery.Destination}
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Delivery: to})
	}
	return nil, fmt.Errorf("pool: no JSON for step %T", s)
}

// ask is a step that hands nothing out.
type ask struct {
	Step     StepKind     `json:"step"`
	Ticket   string       `json:"ticket,omitempty"`
	Expires  time.Time    `json:"expires,omitzero"`
	Delivery *destination `json:"delivery,omitempty"`
	Kinds    []mfa.Kind   `json:"kinds,omitempty"`
	Others   []mfa.Kind   `json:"others,omitempty"`
	Enrol    bool         `json:"enrol,omitempty"`
}

type destination struct {
	Channel     message.Channel `json:"channel"`
	Destination string          `json:"destination"`
}

// maxResponse bounds an answer, in bytes.
const maxResponse = 16 << 10

// UnmarshalResponse reads an answer to a step: {"password":"..."}, {"code":"..."},
// {"new_password":"..."}, {"choice":"totp"} or {"recovery_code":"..."}, and nothing beside it. An unknown or repeated name, and whatever follows
// the object, is an error of class [ErrInvalid], because two parsers that disagree on such a text
// see two answers.
func UnmarshalResponse(text []byte) (Response, error) {
	name, value, ok := member(text)
	if !ok {
		return nil, &ValidationError{[]FieldError{{Field: "With", Reason: `must be an object such as {"code":"123456"}`}}}
	}
	switch name {
	case "password":
		return Password{password.New(value)}, nil
	case "new_password":
		return NewPassword{password.New(value)}, nil
	case "code":
		return Code{value}, nil
	case "choice":
		return Choice{mfa.Kind(value)}, nil
	case "recovery_code":
		return RecoveryCode{value}, nil
	}
	return nil, &ValidationError{[]FieldError{{Field: "With", Reason: "is an answer of no kind that there is"}}}
}

// member reads an object of exactly one text.
func member(text []byte) (name, value string, ok bool) {
	if len(text) > maxResponse {
		return "", "", false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	var parts [4]json.Token
	for i := range parts {
		t, err := d.Token()
		if err != nil {
			return "", "", false
		}
		parts[i] = t
	}
	name, isName := parts[1].(string)
	value, isText := parts[2].(string)
	ok = parts[0] == json.Delim('{') && isName && isText && parts[3] == json.Delim('}')
	_, err := d.Token()
	return name, value, ok && errors.Is(err, io.EOF)
}
