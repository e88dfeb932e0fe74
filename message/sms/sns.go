package sms

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
)

// Credentials are those of an AWS identity that may call sns:Publish.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey password.Secret
	SessionToken    password.Secret // of temporary ones; zero means none
}

// Always returns a function that returns c, for credentials that do not change.
func (c Credentials) Always() func(context.Context) (Credentials, error) {
	return func(context.Context) (Credentials, error) { return c, nil }
}

// SNSConfig says by which region of Amazon SNS to send, and as whom
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
type SNSConfig struct {
	// Region is that of the account's SMS settings, such as "eu-central-1".
	Region string
	// Credentials are asked for at each message, because those of a role change every few hours.
	// [Credentials.Always] is for those that do not.
	Credentials func(context.Context) (Credentials, error)

	// SenderID is the name that phones show: 1 to 11 letters and digits, in countries that have
	// such. "" means what the account's settings say.
	SenderID string
	// From is the number in E.164 that sends. "" lets SNS choose among those of the account.
	From string

	// Endpoint is of use for regions of China, and for tests. The zero Endpoint is
	// https://sns.REGION.amazonaws.com.
	Endpoint Endpoint
	// Now is the clock by which requests are signed: AWS refuses one that is five minutes wrong.
	// Nil means time.Now.
	Now func() time.Time
}

// NewSNS returns a sender through Amazon SNS, or an error that names everything that is wrong with
// c. It does not connect. Messages are sent as transactional ones, which are not held back at night.
func NewSNS(c SNSConfig) (*Sender, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	base, err := c.Endpoint.base("https://sns." + c.Region + ".amazonaws.com")
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return newSender(&sns{SNSConfig: c, base: base}, c.Endpoint), nil
}

func (c SNSConfig) check() error {
	var errs []error
	if !isID(c.Region) {
		errs = append(errs, errors.New("sms: Region must be one of AWS, such as eu-central-1"))
	}
	if c.Credentials == nil {
		errs = append(errs, errors.New("sms: Credentials must be given; Credentials.Always is for fixed ones"))
	}
	if c.SenderID != "" && (!isName(c.SenderID) || strings.Contains(c.SenderID, " ")) {
		errs = append(errs, errors.New("sms: SenderID must be 1 to 11 letters and digits, one of them a letter"))
	}
	if c.From != "" && !isNumber(c.From) {
		errs = append(errs, errors.New("sms: From must be a number in E.164, such as +4915112345678"))
	}
	return errors.Join(errs...)
}

type sns struct {
	SNSConfig
	base *url.URL
}

func (s *sns) request(ctx context.Context, m message.Message) (request, error) {
	c, err := s.Credentials(ctx)
	if err != nil {
		return request{}, fmt.Errorf("get the credentials: %w", err)
	}
	if c.AccessKeyID == "" || c.SecretAccessKey.IsZero() {
		return request{}, errors.New("the credentials are empty")
	}
	body := []byte(s.form(m).Encode())
	header := map[string]string{"content-type": form}
	signature{c, s.Region, "sns"}.sign(header, s.base.Host, body, s.Now())
	return request{url: s.base.String(), header: header, body: body}, nil
}

// form returns the parameters of a call of Publish.
func (s *sns) form(m message.Message) url.Values {
	v := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {m.To}, "Message": {m.Text},
	}
	n := 0
	attribute := func(name, value string) {
		if value == "" {
			return
		}
		n++
		at := "MessageAttributes.entry." + strconv.Itoa(n) + "."
		v.Set(at+"Name", name)
		v.Set(at+"Value.DataType", "String")
		v.Set(at+"Value.StringValue", value)
	}
	attribute("AWS.SNS.SMS.SMSType", "Transactional")
	attribute("AWS.SNS.SMS.SenderID", s.SenderID)
	attribute("AWS.MM.SMS.OriginationNumber", s.From)
	return v
}

func (*sns) accepted(body []byte) bool {
	var said struct {
		MessageID string `xml:"PublishResult>MessageId"`
	}
	return xml.Unmarshal(body, &said) == nil && said.MessageID != ""
}

func (*sns) refusal(body []byte) (code string, isFinal bool) {
	var said struct {
		Code string `xml:"Error>Code"`
	}
	if xml.Unmarshal(body, &said) != nil || len(said.Code) > 64 || strings.Trim(said.Code, letters) != "" {
		return "", false
	}
	switch said.Code {
	// The number or the text: all else that is sent has been checked. Or the person has opted out.
	case "InvalidParameter", "ParameterValueInvalid", "OptedOut":
		return said.Code, true
	}
	return said.Code, false
}
