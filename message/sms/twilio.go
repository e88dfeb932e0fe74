package sms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
)

// TwilioConfig says which account of Twilio sends, and as whom
// (https://www.twilio.com/docs/messaging/api/message-resource).
type TwilioConfig struct {
	// Account is the SID of the account, such as "AC0123456789abcdef0123456789abcdef".
	Account string
	// Key is the SID of an API key, which can be withdrawn by itself. "" means that Secret is the
	// account's auth token.
	Key string
	// Secret is that of the key, or the auth token.
	Secret password.Secret

	// From is the sender: a number in E.164, a short code, or a name of up to 11 letters and
	// digits, in countries that have such.
	From string
	// Service is the SID of a messaging service, which chooses the sender. Give it or From.
	Service string

	// Endpoint is of use for a region, and for tests. The zero Endpoint is https://api.twilio.com.
	Endpoint Endpoint
}

// NewTwilio returns a sender through Twilio, or an error that names everything that is wrong with c.
// It does not connect.
func NewTwilio(c TwilioConfig) (*Sender, error) {
	base, err := c.Endpoint.base("https://api.twilio.com")
	if err := errors.Join(err, c.check()); err != nil {
		return nil, err
	}
	user := c.Key
	if user == "" {
		user = c.Account
	}
	return newSender(&twilio{
		url:  base.JoinPath("2010-04-01", "Accounts", c.Account, "Messages.json").String(),
		user: user, secret: c.Secret, from: c.From, service: c.Service,
	}, c.Endpoint), nil
}

func (c TwilioConfig) check() error {
	var errs []error
	if !isID(c.Account) {
		errs = append(errs, errors.New("sms: Account must be the SID of the account, such as AC0123456789abcdef0123456789abcdef"))
	}
	if c.Key != "" && !isID(c.Key) {
		errs = append(errs, errors.New("sms: Key must be the SID of an API key, or empty"))
	}
	if c.Secret.IsZero() {
		errs = append(errs, errors.New("sms: Secret must be that of the Key or, without one, the account's auth token"))
	}
	if (c.From == "") == (c.Service == "") {
		errs = append(errs, errors.New("sms: give From or Service, and not both"))
	}
	if c.From != "" && !isNumber(c.From) && !isShortCode(c.From) && !isName(c.From) {
		errs = append(errs, errors.New("sms: From must be a number in E.164, a short code, or a name of at most 11 letters and digits"))
	}
	if c.Service != "" && !isID(c.Service) {
		errs = append(errs, errors.New("sms: Service must be the SID of a messaging service"))
	}
	return errors.Join(errs...)
}

func isShortCode(s string) bool {
	return len(s) >= 3 && len(s) <= 8 && strings.Trim(s, "0123456789") == ""
}

type twilio struct {
	url           string
	user          string
	secret        password.Secret
	from, service string
}

func (t *twilio) request(_ context.Context, m message.Message) (request, error) {
	values := url.Values{"To": {m.To}, "Body": {m.Text}}
	if t.service != "" {
		values.Set("MessagingServiceSid", t.service)
	} else {
		values.Set("From", t.from)
	}
	credentials := base64.StdEncoding.EncodeToString([]byte(t.user + ":" + t.secret.Reveal()))
	return request{
		url:    t.url,
		header: map[string]string{"Content-Type": form, "Accept": "application/json", "Authorization": "Basic " + credentials},
		body:   []byte(values.Encode()),
	}, nil
}

func (*twilio) accepted(body []byte) bool {
	var said struct {
		SID string `json:"sid"`
	}
	return json.Unmarshal(body, &said) == nil && said.SID != ""
}

// final are the errors of Twilio that are about the number, or about the text
// (https://www.twilio.com/docs/api/errors). One that is not listed is tried again until its message
// is too old, which costs little.
var final = map[int]bool{
	21211: true, // "To" is no valid number
	21214: true, // "To" cannot be reached
	21217: true, // it does not seem to be valid
	21263: true, // it is a short code
	21265: true, // it is a short code
	21266: true, // it is the sender
	21408: true, // its country is not among those that the account allows: their guard against pumping
	21602: true, // there is no text
	21610: true, // the person has opted out
	21612: true, // no route leads from this sender to it
	21614: true, // it is not a mobile number
	21617: true, // the text is too long
	21635: true, // it is a landline
}

func (*twilio) refusal(body []byte) (code string, isFinal bool) {
	var said struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(body, &said) != nil || said.Code == 0 {
		return "", false
	}
	return strconv.Itoa(said.Code), final[said.Code]
}
