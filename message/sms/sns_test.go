package sms_test

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/sms"
	"github.com/userpool-go/userpool/password"
)

// keys and noon are those of AWS's published test suite of Signature Version 4, as is token.
var (
	keys = sms.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: password.New("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")}
	noon = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
)

const token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

// Posts to "/" of the test suite (https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html).
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		token  string
		header map[string]string
		body   string
		signed string
		want   string
	}{
		{"post-vanilla", "", nil, "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{
			"post-header-key-sort", "",
			map[string]string{"my-header1": "value1"},
			"",
			"host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
		},
		{
			"post-header-value-case", "",
			map[string]string{"my-header1": "VALUE1"},
			"",
			"host;my-header1;x-amz-date", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
		},
		{
			"post-x-www-form-urlencoded", "",
			map[string]string{"content-type": "application/x-www-form-urlencoded"},
			"Param1=value1",
			"content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
		{
			"post-x-www-form-urlencoded-parameters", "",
			map[string]string{"content-type": "application/x-www-form-urlencoded; charset=utf8"},
			"Param1=value1",
			"content-type;host;x-amz-date", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
		},
		{
			"post-sts-header-before", token, nil, "",
			"host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
		},
	} {
		c := keys
		if tt.token != "" {
			c.SessionToken = password.New(tt.token)
		}
		header := map[string]string{}
		maps.Copy(header, tt.header)
		sms.Sign(c, "us-east-1", "service", header, "example.amazonaws.com", []byte(tt.body), noon)
		want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + tt.signed + ", Signature=" + tt.want
		if got := header["authorization"]; got != want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, want)
		}
	}
	const day = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d" // of AWS's page on deriving keys
	if got := hex.EncodeToString(sms.Key(keys, "us-east-1", "iam", "20120215")); got != day {
		t.Errorf("key = %s, want %s", got, day)
	}
}

func TestSNS(t *testing.T) {
	t.Parallel()
	const at = "MessageAttributes.entry."
	least := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {number}, "Message": {hello.Text},
		at + "1.Name": {"AWS.SNS.SMS.SMSType"}, at + "1.Value.DataType": {"String"}, at + "1.Value.StringValue": {"Transactional"},
	}
	both := maps.Clone(least)
	maps.Copy(both, url.Values{
		at + "2.Name": {"AWS.SNS.SMS.SenderID"}, at + "2.Value.DataType": {"String"}, at + "2.Value.StringValue": {"Shop24"},
		at + "3.Name": {"AWS.MM.SMS.OriginationNumber"}, at + "3.Value.DataType": {"String"}, at + "3.Value.StringValue": {"+15005550006"},
	})
	for name, tt := range map[string]struct {
		c    sms.SNSConfig
		want url.Values
	}{
		"least": {sms.SNSConfig{}, least},
		"all":   {sms.SNSConfig{SenderID: "Shop24", From: "+15005550006"}, both},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, 200, taken["sns"])
			c := keys
			c.SessionToken = password.New(token)
			tt.c.Region, tt.c.Endpoint, tt.c.Now = "eu-central-1", s.endpoint(), func() time.Time { return noon }
			tt.c.Credentials = c.Always()
			sender, err := sms.NewSNS(tt.c)
			if err != nil {
				t.Fatal(err)
			}
			if err := sender.Send(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			got := s.only(t)
			if !reflect.DeepEqual(got.form, tt.want) || got.Method != "POST" || got.URL.String() != "/" {
				t.Errorf("%s %s with %v, want %v", got.Method, got.URL, got.form, tt.want)
			}
			header := map[string]string{"content-type": got.Header.Get("Content-Type")}
			sms.Sign(c, "eu-central-1", "sns", header, got.Host, []byte(got.body), noon)
			for name, want := range header {
				if h := got.Header.Get(name); h != want {
					t.Errorf("%s = %q, want %q", name, h, want)
				}
			}
		})
	}
}

// Credentials of a role change: each message is signed with those of its time, and waits while there
// are none.
func TestSNSCredentials(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, taken["sns"])
	down := errors.New("no role")
	next := make(chan sms.Credentials, 1)
	sender, err := sms.NewSNS(sms.SNSConfig{
		Region: "eu-central-1", Endpoint: s.endpoint(),
		Credentials: func(context.Context) (sms.Credentials, error) {
			select {
			case c := <-next:
				return c, nil
			default:
				return sms.Credentials{}, down
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), hello); !errors.Is(err, down) || errors.Is(err, message.ErrRefused) {
		t.Errorf("without credentials = %v, want the error of who gives them", err)
	}
	for _, empty := range []sms.Credentials{{}, {AccessKeyID: "AKIDEXAMPLE"}, {SecretAccessKey: keys.SecretAccessKey}} {
		next <- empty
		if err := sender.Send(t.Context(), hello); err == nil || errors.Is(err, message.ErrRefused) {
			t.Errorf("with empty credentials = %v, want an error that is not final", err)
		}
	}
	next <- keys
	if err := sender.Send(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	if h := s.only(t).Header; h.Get("X-Amz-Security-Token") != "" || !strings.Contains(h.Get("Authorization"), "Credential=AKIDEXAMPLE/") {
		t.Errorf("header = %v", h)
	}
}

func TestNewSNS(t *testing.T) {
	t.Parallel()
	good := sms.SNSConfig{Region: "eu-central-1", Credentials: keys.Always()}
	if _, err := sms.NewSNS(good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*sms.SNSConfig)
		want   string
	}{
		{"no region", func(c *sms.SNSConfig) { c.Region = "" }, "Region"},
		{"region that is a host", func(c *sms.SNSConfig) { c.Region = "example.com/" }, "Region"},
		{"no credentials", func(c *sms.SNSConfig) { c.Credentials = nil }, "Credentials"},
		{"sender of digits", func(c *sms.SNSConfig) { c.SenderID = "12345" }, "SenderID"},
		{"sender with a blank", func(c *sms.SNSConfig) { c.SenderID = "My Shop" }, "SenderID"},
		{"sender too long", func(c *sms.SNSConfig) { c.SenderID = "ExampleShop1" }, "SenderID"},
		{"national number", func(c *sms.SNSConfig) { c.From = "015112345678" }, "From"},
		{"http", func(c *sms.SNSConfig) { c.Endpoint.URL = "http://sns.eu-central-1.amazonaws.com" }, "not https"},
		{"path", func(c *sms.SNSConfig) { c.Endpoint.URL = "https://sns.eu-central-1.amazonaws.com/x" }, "without path"},
	} {
		c := good
		tt.change(&c)
		if _, err := sms.NewSNS(c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: NewSNS = %v, want an error that says %q", tt.name, err, tt.want)
		}
	}
}
