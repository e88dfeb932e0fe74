package smtp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/userpool-go/userpool/message"
)

// Send hands m to the server. A nil error means that the server has taken it on.
//
// The error wraps [message.ErrRefused] where m can never be sent: the server knows no such
// recipient, the address or subject is malformed, or m is not an email. Whatever else goes wrong,
// wrong credentials and a refused sender among them, may be put right, and is worth another try.
func (s *Sender) Send(ctx context.Context, m message.Message) error {
	mm, err := s.compose(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel() // also closes a connection that go-mail left open when its greeting failed
	c, err := mail.NewClient(s.host, s.options(ctx)...)
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	err = c.DialAndSendWithContext(ctx, mm)
	if err == nil || mm.IsDelivered() {
		return nil // a farewell that failed does not undo the delivery; sending again would repeat it
	}
	if ctx.Err() != nil {
		return fmt.Errorf("smtp: send through %s: %w", s.host, context.Cause(ctx))
	}
	return verdict(err, m.To)
}

func (s *Sender) options(ctx context.Context) []mail.Option {
	opts := []mail.Option{
		mail.WithPort(s.port),
		mail.WithTimeout(2 * s.timeout), // a backstop: ctx ends first, and says why
		mail.WithDialContextFunc(s.dialer(ctx)),
		mail.WithoutNoop(),
		mail.WithoutRset(),
	}
	switch {
	case s.tls == nil:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	case s.implicit:
		// The dialer has made it TLS already, which go-mail notices, other than with WithSSL, when
		// it chooses a way to sign in. There is nothing to upgrade.
		opts = append(opts, mail.WithTLSConfig(s.tls), mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		opts = append(opts, mail.WithTLSConfig(s.tls), mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.username != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(s.username), mail.WithPassword(s.password.Reveal()))
	}
	return opts
}

// dialer returns a function that dials, and ties the connection to ctx: go-mail minds a context only
// while dialling, and a server that then falls silent would hold the caller.
func (s *Sender) dialer(ctx context.Context) mail.DialContextFunc {
	return func(dialCtx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(dialCtx, network, addr)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if s.tls == nil {
			if a, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
				return nil, fmt.Errorf("%s without TLS is not on this machine", s.host)
			}
		}
		if !s.implicit {
			return conn, nil
		}
		secured := tls.Client(conn, s.tls)
		if err := secured.HandshakeContext(dialCtx); err != nil {
			return nil, err
		}
		return secured, nil
	}
}

// compose refuses what could add a header or a recipient, rather than to escape it: no message of
// ours has such a thing.
func (s *Sender) compose(m message.Message) (*mail.Msg, error) {
	to, err := netmail.ParseAddress(m.To)
	switch {
	case m.Channel != message.Email:
		return nil, refuse(fmt.Sprintf("channel is %.20q, and a mail server takes email only: send it by another Sender", m.Channel))
	case err != nil || to.Address != m.To || strings.ContainsFunc(m.To, unicode.IsControl):
		return nil, refuse("recipient is not one bare address")
	case !utf8.ValidString(m.Subject) || strings.ContainsFunc(m.Subject, unicode.IsControl):
		return nil, refuse("subject is not one line of text")
	case m.Text == "":
		return nil, refuse("text is empty")
	}
	mm := mail.NewMsg(mail.WithNoDefaultUserAgent())
	from := s.from
	mm.FromMailAddress(&from)
	mm.ToMailAddress(&netmail.Address{Address: m.To})
	mm.Subject(m.Subject)
	mm.SetDateWithValue(s.now())
	mm.SetMessageIDWithValue(messageID(m) + "@" + s.domain())
	mm.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	mm.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		mm.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return mm, nil
}

// messageID is the same at every attempt to send m, so that a receiver can drop a repeat. It is a
// digest because an id may hold what a header may not.
func messageID(m message.Message) string {
	if m.ID == "" {
		return strings.ToLower(rand.Text())
	}
	sum := sha256.Sum256([]byte(m.Pool + "\x00" + m.ID))
	return hex.EncodeToString(sum[:16])
}

func refuse(why string) error { return fmt.Errorf("smtp: %s: %w", why, message.ErrRefused) }

// verdict tells a recipient that will never exist from everything else. Errors are logged, and
// servers like to repeat the address, so it is taken out.
func verdict(err error, to string) error {
	text := strings.ReplaceAll(err.Error(), to, "recipient")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	sent, ok := errors.AsType[*mail.SendError](err)
	if ok && sent.Reason == mail.ErrSMTPRcptTo && gone(sent.ErrorCode()) {
		return fmt.Errorf("smtp: %s: %w", text, message.ErrRefused)
	}
	return errors.New("smtp: " + text)
}

// gone reports whether a reply to RCPT says that there is no such mailbox (RFC 5321 section 4.3.2,
// RFC 7504). A full mailbox (552) may be emptied, and 503 and 530 are about the session.
func gone(code int) bool {
	switch code {
	case 550, 551, 553, 554, 556:
		return true
	}
	return false
}
