package main

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// letters is a mail server on loopback that hands on every mail as it came.
type letters chan string

// letterBox returns one, and where it listens.
func letterBox(t *testing.T) (box letters, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box = make(letters, 1)
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return box, nil }))
	srv.Domain = "localhost"
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return box, l.Addr().String()
}

func (letters) Mail(string, *smtp.MailOptions) error { return nil }
func (letters) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (letters) Reset()                               {}
func (letters) Logout() error                        { return nil }

func (box letters) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	box <- string(text)
	return err
}

// The whole program, as its environment sets it up: the code comes by SMTP.
func TestMailComesBySMTP(t *testing.T) {
	t.Parallel()
	box, addr := letterBox(t)
	env := files(t.TempDir())
	env["SMTP"], env["SMTP_FROM"], env["SMTP_INSECURE"] = addr, "no-reply@example.com", "1"
	url, stop := start(t, env)
	v := &visitor{t: t, client: http.DefaultClient, url: url}
	up := v.post(200, "/signup", "email", ada, "password", secret)
	var mail string
	select {
	case mail = <-box:
	case <-time.After(30 * time.Second):
		t.Fatal("no mail came")
	}
	code := regexp.MustCompile(`(?m)^\s*([0-9]{6})\s*$`).FindStringSubmatch(mail)
	if code == nil || !strings.Contains(mail, "no-reply@example.com") {
		t.Fatalf("the mail is %q, want a code in it and the sender", mail)
	}
	v.post(200, "/confirm", "ticket", up.Ticket, "code", code[1])
	v.bearer = v.post(200, "/signin", "email", ada, "password", secret).Tokens.Access
	if me := v.do(200, "GET", "/me", ""); me.Plan != "free" {
		t.Errorf("me is %+v", me)
	}
	stop()
}
