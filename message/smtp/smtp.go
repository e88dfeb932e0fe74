// Package smtp sends messages through a mail server (RFC 5321), over TLS:
//
//	mail, err := smtp.New(smtp.Config{
//		Addr:     "mail.example.com:587",
//		From:     "Example Shop <no-reply@example.com>",
//		Username: "shop",
//		Password: password.New(os.Getenv("SMTP_PASSWORD")),
//	})
//	p, err := pool.Open(ctx, store, pool.Config{Sender: mail, ...})
package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/userpool-go/userpool/password"
)

// Config says which mail server to use, and as whom.
type Config struct {
	// Addr is the server's "host:port". On port 465 the connection is TLS from its first byte; on
	// every other port it becomes TLS by STARTTLS, and a server without that gets nothing.
	Addr string
	// From is the sender of every message: an address, or a name and an address as in
	// "Shop <no-reply@example.com>".
	From string

	// Username and Password sign in to the server, by the strongest way that it offers. Both empty
	// means that it asks for none.
	Username string
	Password password.Secret

	// Timeout bounds one sending from dialling to the server's answer. Zero means 10 seconds.
	Timeout time.Duration
	// RootCAs are the authorities that may vouch for the server. Nil means those of the system.
	RootCAs *x509.CertPool
	// ImplicitTLS has TLS from the first byte on another port than 465, too.
	ImplicitTLS bool
	// InsecureNoTLS sends in the clear, so that everybody on the way reads the codes. It is refused
	// for servers that are not on this machine, and together with a Username.
	InsecureNoTLS bool

	// Now is the clock that dates messages. Nil means time.Now.
	Now func() time.Time
}

// Sender is a message.Sender through one mail server. It is made by [New], safe for concurrent use,
// and holds no connection between messages.
type Sender struct {
	host     string
	port     int
	from     mail.Address
	username string
	password password.Secret
	timeout  time.Duration
	tls      *tls.Config // nil means none
	implicit bool
	now      func() time.Time
}

// New returns a sender, or an error that names everything that is wrong with c. It does not connect.
func New(c Config) (*Sender, error) {
	s := &Sender{username: c.Username, password: c.Password, timeout: c.Timeout, now: c.Now}
	if s.timeout == 0 {
		s.timeout = 10 * time.Second
	}
	if s.now == nil {
		s.now = time.Now
	}
	err := errors.Join(s.setServer(c), s.setFrom(c.From), s.check(c))
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Sender) setServer(c Config) error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil || host == "" {
		return fmt.Errorf("smtp: Addr %q must be host:port, such as mail.example.com:587", c.Addr)
	}
	if s.port, err = strconv.Atoi(port); err != nil || s.port < 1 || s.port > 65535 {
		return fmt.Errorf("smtp: Addr %q must end in a port from 1 to 65535", c.Addr)
	}
	s.host = host
	if c.InsecureNoTLS {
		if !onThisMachine(host) {
			return fmt.Errorf("smtp: InsecureNoTLS is for servers on this machine, and %q is not: remove it", host)
		}
		return nil
	}
	s.implicit = c.ImplicitTLS || s.port == 465
	s.tls = &tls.Config{ServerName: host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	return nil
}

func (s *Sender) setFrom(from string) error {
	a, err := mail.ParseAddress(from)
	if err != nil {
		return fmt.Errorf("smtp: From %q must be an address such as no-reply@example.com", from)
	}
	s.from = *a
	return nil
}

func (s *Sender) check(c Config) error {
	var errs []error
	if (c.Username == "") != (c.Password.Reveal() == "") {
		errs = append(errs, errors.New("smtp: give Username and Password both, or neither"))
	}
	if c.InsecureNoTLS && c.Username != "" {
		errs = append(errs, errors.New("smtp: a password is sent over TLS only: remove InsecureNoTLS"))
	}
	if c.InsecureNoTLS && c.ImplicitTLS {
		errs = append(errs, errors.New("smtp: InsecureNoTLS and ImplicitTLS contradict each other"))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("smtp: Timeout %s must not be negative", c.Timeout))
	}
	return errors.Join(errs...)
}

// domain is that of the sender's address.
func (s *Sender) domain() string {
	return s.from.Address[strings.LastIndexByte(s.from.Address, '@')+1:]
}

// onThisMachine reports whether host can only be this machine. The name localhost counts, and is
// looked at again once it is dialled, since a resolver may send it anywhere.
func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
