package sms_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/sms"
	"github.com/userpool-go/userpool/message/smtp"
	"github.com/userpool-go/userpool/password"
)

// Mail goes through one's mail server, and texts through Twilio, which here is a server of our own.
func Example() {
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.URL.Path)
		fmt.Println(r.FormValue("To"), "gets:", r.FormValue("Body"))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid": "SM0123456789abcdef0123456789abcdef"}`)
	}))
	defer twilio.Close()

	text, err := sms.NewTwilio(sms.TwilioConfig{
		Account: "AC0123456789abcdef0123456789abcdef", Secret: password.New("the auth token"), From: "Shop",
		Endpoint: sms.Endpoint{URL: twilio.URL, InsecureLoopback: true}, // leave it out, and it is Twilio
	})
	if err != nil {
		log.Fatal(err)
	}
	mail, err := smtp.New(smtp.Config{
		Addr: "mail.example.com:587", From: "no-reply@example.com",
		Username: "shop", Password: password.New(os.Getenv("SMTP_PASSWORD") + "secret"),
	})
	if err != nil {
		log.Fatal(err)
	}
	route := message.SenderFunc(func(ctx context.Context, m message.Message) error {
		if m.Channel == message.SMS {
			return text.Send(ctx, m)
		}
		return mail.Send(ctx, m)
	})
	// A pool with pool.Config{Sender: route} sends what follows by itself.
	err = route.Send(context.Background(), message.Message{
		ID: "1", Channel: message.SMS, To: "+4915112345678", Text: "271828 is your code.",
	})
	fmt.Println(err)
	// Output:
	// /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json
	// +4915112345678 gets: 271828 is your code.
	// <nil>
}

// An identity of AWS whose keys do not change, and which may call sns:Publish and nothing else.
func ExampleNewSNS() {
	keys := sms.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: password.New("the secret access key")}
	text, err := sms.NewSNS(sms.SNSConfig{Region: "eu-central-1", Credentials: keys.Always(), SenderID: "Shop"})
	if err != nil {
		log.Fatal(err)
	}
	err = text.Send(context.Background(), message.Message{Channel: message.Email, To: "ada@example.com", Text: "Hello"})
	fmt.Println(err)
	// Output:
	// sms: channel is "email", and a phone takes SMS only: send it by another Sender: message: refused for good, sending it again is of no use
}
