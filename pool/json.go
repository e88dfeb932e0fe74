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
//	{"step":"passkey","ticket":"...","expires":"...","options":{"challenge":"...", ...},"others":["totp"]}
//	{"step":"passkey_setup","ticket":"...","expires":"...","options":{"challenge":"...", ...}}
//	{"step":"code","ticket":"...","expires":"...","by":"sms","delivery":{"channel":"sms","destination":"+*********5678"},"others":["totp"]}
//	{"step":"custom","ticket":"...","expires":"...","name":"...","params":{"question":"..."},"others":["totp"]}
//	{"step":"choice","ticket":"...","expires":"...","kinds":["totp","passkey","recovery_code"]}
//	{"step":"recovery_wait","until":"...","ends":"..."}
//	{"step":"totp_setup","ticket":"...","expires":"...","uri":"otpauth://totp/...","secret":"..."}
//	{"step":"done","tokens":{"access_token":"...", ...},"device":"..."}
//	{"step":"done"}
//
// The last one is of a browser session, whose secrets are in cookies. Either has "recovery_codes" where
// there are [Done].RecoveryCodes; tokens have "remembered" beside them where there is [Done].Remembered.
func MarshalStep(s Step) ([]byte, error) {
	if v := reflect.ValueOf(s); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("pool: no JSON for a %T that is nil", s)
	}
	switch s := s.(type) {
	case *Done:
		if !s.Cookie.IsZero() { // it goes where no script reads it (security.md S10)
			return json.Marshal(ask{Step: s.Kind(), RecoveryCodes: s.RecoveryCodes})
		}
		return json.Marshal(struct {
			Step       StepKind  `json:"step"`
			Tokens     token.Set `json:"tokens"`
			Device     string    `json:"device,omitempty"`
			Remembered string    `json:"remembered,omitempty"`
			Codes      []string  `json:"recovery_codes,omitempty"`
		}{s.Kind(), s.Tokens, s.Device, s.Remembered, s.RecoveryCodes})
	case *NeedPassword:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Others: s.Others})
	case *NeedNewPassword:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires})
	case *NeedTOTP:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Others: s.Others})
	case *NeedPasskey:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Options: s.Options, Others: s.Others})
	case *NeedPasskeySetup:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Options: s.Options, Others: s.Others})
	case *NeedCode:
		a := ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, By: s.By, Others: s.Others}
		if s.Delivery != (Delivery{}) {
			a.Delivery = &destination{s.Delivery.Channel, s.Delivery.Destination}
		}
		return json.Marshal(a)
	case *NeedCustom:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Name: s.Name, Params: s.Params, Others: s.Others})
	case *NeedChoice:
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Kinds: s.Kinds, Enrol: s.Enrol})
	case *NeedWait:
		return json.Marshal(ask{Step: s.Kind(), Until: s.Until, Ends: s.Ends})
	case *NeedTOTPSetup:
		return json.Marshal(ask{
			Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, URI: s.URI(), Secret: s.Seed.Text(), Others: s.Others,
		})
	case *NeedConfirm:
		if s.Delivery == (Delivery{}) {
			return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires})
		}
		to := &destination{s.Delivery.Channel, s.Delivery.Destination}
		return json.Marshal(ask{Step: s.Kind(), Ticket: s.Ticket, Expires: s.Expires, Delivery: to})
	}
	return nil, fmt.Errorf("pool: no JSON for step %T", s)
}

// ask is a step that hands no token out.
type ask struct {
	Step     StepKind     `json:"step"`
	Ticket   string       `json:"ticket,omitempty"`
	Expires  time.Time    `json:"expires,omitzero"`
	Delivery *destination `json:"delivery,omitempty"`
	By       mfa.Kind     `json:"by,omitempty"`
	Kinds    []mfa.Kind   `json:"kinds,omitempty"`
	Others   []mfa.Kind   `json:"others,omitempty"`
	Enrol    bool         `json:"enrol,omitempty"`
	// Name and Params are of a challenge of the program's own.
	Name   string            `json:"name,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	Until  time.Time         `json:"until,omitzero"`
	Ends   time.Time         `json:"ends,omitzero"`
	// Options are for the browser to ask an authenticator by.
	Options json.RawMessage `json:"options,omitempty"`
	URI     string          `json:"uri,omitempty"`
	Secret  string          `json:"secret,omitempty"`

	RecoveryCodes []string `json:"recovery_codes,omitempty"`
}

type destination struct {
	Channel     message.Channel `json:"channel"`
	Destination string          `json:"destination"`
}

// maxResponse bounds an answer, in bytes.
const maxResponse = 16 << 10

// UnmarshalResponse reads an answer to a step: {"password":"..."}, {"code":"..."},
// {"new_password":"..."}, {"choice":"totp"}, {"recovery_code":"..."}, {"custom_answer":"..."}, {"passkey":{...}} or
// {"new_passkey":{...}}, where an object is what PublicKeyCredential.toJSON gives, and nothing beside
// it. An unknown or repeated name, and whatever follows the object, is an error of class [ErrInvalid],
// because two parsers that disagree on such a text see two answers.
func UnmarshalResponse(text []byte) (Response, error) {
	name, raw, ok := member(text)
	value, isText := unquoted(raw)
	if object := len(raw) > 0 && raw[0] == '{'; !ok || !isText && !object {
		return nil, &ValidationError{[]FieldError{{Field: "With", Reason: `must be an object such as {"code":"123456"}`}}}
	}
	if !isText {
		switch name {
		case "passkey":
			return PasskeyAssertion{JSON: raw}, nil
		case "new_passkey":
			return PasskeyAttestation{JSON: raw}, nil
		}
		return nil, noAnswer()
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
	case "custom_answer":
		return CustomAnswer{value}, nil
	}
	return nil, noAnswer()
}

func noAnswer() error {
	return &ValidationError{[]FieldError{{Field: "With", Reason: "is an answer of no kind that there is"}}}
}

// member reads an object of exactly one member.
func member(text []byte) (name string, value json.RawMessage, ok bool) {
	if len(text) > maxResponse {
		return "", nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	open, _ := d.Token()
	key, _ := d.Token()
	name, ok = key.(string)
	if open != json.Delim('{') || !ok || d.Decode(&value) != nil {
		return "", nil, false
	}
	if end, err := d.Token(); err != nil || end != json.Delim('}') {
		return "", nil, false
	}
	_, err := d.Token()
	return name, value, errors.Is(err, io.EOF)
}

// unquoted returns the text that a value is.
func unquoted(value json.RawMessage) (text string, ok bool) {
	return text, len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil
}
