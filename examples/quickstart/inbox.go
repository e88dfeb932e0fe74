package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/mail"
	"regexp"
	"time"

	"github.com/emersion/go-smtp"
)

// inbox is a mail server on loopback that keeps what it is given.
type inbox struct {
	server *smtp.Server
	addr   string
	mails  chan letter
}

type letter struct{ to, body string }

// listen starts an inbox on a free port.
func listen() (*inbox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in := &inbox{addr: l.Addr().String(), mails: make(chan letter, 16)}
	in.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{in: in}, nil }))
	in.server.Domain = "localhost"
	go in.server.Serve(l)
	return in, nil
}

// Addr returns host and port.
func (in *inbox) Addr() string { return in.addr }

// Close ends the server.
func (in *inbox) Close() error { return in.server.Close() }

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// code waits for the next mail, which must be to the address, and returns the code in it.
func (in *inbox) code(ctx context.Context, to string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case <-ctx.Done():
		return "", errors.New("no mail came")
	case m := <-in.mails:
		if m.to != to {
			return "", errors.New("the mail went to " + m.to)
		}
		code := sixDigits.FindString(m.body)
		if code == "" {
			return "", errors.New("the mail holds no code")
		}
		return code, nil
	}
}

// delivery is one SMTP session.
type delivery struct {
	in *inbox
	to string
}

func (*delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (*delivery) Reset()                               {}
func (*delivery) Logout() error                        { return nil }

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	d.in.mails <- letter{d.to, string(body)}
	return nil
}
