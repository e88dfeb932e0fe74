package sms_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/sms"
	"github.com/userpool-go/userpool/password"
)

const (
	number  = "+4915798765432"
	account = "AC0123456789abcdef0123456789abcdef"
	secret  = "hunter2-hunter2"
)

var hello = message.Message{
	ID: "m1", Pool: "p1", Channel: message.SMS, Kind: message.ConfirmSignUp, To: number,
	Text: "271828 is your code & more = 100% «ok»",
}

// server is a provider on loopback, which keeps what it is given and answers what it is told to.
type server struct {
	*httptest.Server
	status int
	answer string

	mu    sync.Mutex
	calls []call
}

type call struct {
	*http.Request
	form url.Values
	body string
}

func serve(t *testing.T, status int, answer string) *server {
	t.Helper()
	s := &server{status: status, answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		form, parsed := url.ParseQuery(string(body))
		if err != nil || parsed != nil {
			t.Errorf("the body is no form: %v, %v", err, parsed)
		}
		s.mu.Lock()
		s.calls = append(s.calls, call{r, form, string(body)})
		s.mu.Unlock()
		if s.status/100 == 3 {
			w.Header().Set("Location", s.answer)
		}
		w.WriteHeader(s.status)
		fmt.Fprint(w, s.answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// only returns the one call there was.
func (s *server) only(t *testing.T) call {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) != 1 {
		t.Fatalf("%d calls, want one", len(s.calls))
	}
	return s.calls[0]
}

func (s *server) endpoint() sms.Endpoint { return sms.Endpoint{URL: s.URL, InsecureLoopback: true} }

// senders makes a sender of each kind for what is at e.
func senders(t *testing.T, e sms.Endpoint) map[string]*sms.Sender {
	t.Helper()
	twilio, err := sms.NewTwilio(sms.TwilioConfig{Account: account, Secret: password.New(secret), From: "+15005550006", Endpoint: e})
	if err != nil {
		t.Fatal(err)
	}
	sns, err := sms.NewSNS(sms.SNSConfig{Region: "eu-central-1", Credentials: keys.Always(), Endpoint: e})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*sms.Sender{"twilio": twilio, "sns": sns}
}

// answers of the providers: of a message taken on, and of an error.
var (
	taken = map[string]string{
		"twilio": `{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued","error_code":null}`,
		"sns": `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId>` +
			`</PublishResult><ResponseMetadata><RequestId>f187a3c1-376f-11df-8963-01868b7c937a</RequestId></ResponseMetadata></PublishResponse>`,
	}
	failed = map[string]func(code string) string{
		"twilio": func(code string) string {
			return `{"code":` + code + `,"message":"The 'To' number ` + number + ` is not well","more_info":"https://www.twilio.com/docs/errors/1","status":400}`
		},
		"sns": func(code string) string {
			return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code + `</Code>` +
				`<Message>Invalid parameter: PhoneNumber Reason: ` + number + ` is not well</Message></Error><RequestId>f187a3c1</RequestId></ErrorResponse>`
		},
	}
)
