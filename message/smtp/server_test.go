package smtp_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

const (
	user     = "shop"
	password = "correct horse"
)

// server is a mail server on loopback that keeps what it is given, and refuses what it is told to.
type server struct {
	addr  string
	roots *x509.CertPool

	mail, rcpt, data error // answers instead of acceptance

	mu       sync.Mutex
	sessions int
	rcpts    []string
	mails    []string
}

type security int

const (
	plain security = iota
	startTLS
	implicitTLS
)

// serve starts s. With TLS it also asks for the password.
func (s *server) serve(t *testing.T, sec security) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	srv := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sessions++
		return &session{server: s, in: sec == plain}, nil
	}))
	srv.Domain = "localhost"
	srv.EnableSMTPUTF8 = true
	srv.ErrorLog = log.New(io.Discard, "", 0)
	if sec != plain {
		cert, roots := certificate(t)
		s.roots = roots
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	if sec == implicitTLS {
		l = tls.NewListener(l, srv.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		_ = l.Close() // Serve may not have had the time to tell srv of it
		<-done
	})
	return s
}

func (s *server) seen() (sessions int, mails, rcpts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions, s.mails, s.rcpts
}

type session struct {
	server *server
	in     bool // signed in
}

func (*session) Reset()                   {}
func (*session) Logout() error            { return nil }
func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, u, p string) error {
		if s.in = u == user && p == password; !s.in {
			return gosmtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Mail(string, *gosmtp.MailOptions) error {
	if !s.in {
		return gosmtp.ErrAuthRequired
	}
	return s.server.mail
}

func (s *session) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.rcpts = append(s.server.rcpts, to)
	return s.server.rcpt
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil || s.server.data != nil {
		return s.server.data
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, string(b))
	return nil
}

// certificate makes one for 127.0.0.1 that signs itself, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// recite plays one connection of a server from a script: the greeting, then one reply to each line
// that comes. An empty reply says nothing any more, and the end of the script hangs up. It returns
// the server's address, and a channel on which silence is announced.
func recite(t *testing.T, script ...string) (addr string, silent <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	quiet, done := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		in, body := bufio.NewScanner(conn), false
		for i, reply := range script {
			if i > 0 && !nextCommand(in, body) {
				return
			}
			if reply == "" {
				close(quiet)
				for in.Scan() { // until the client hangs up
				}
				return
			}
			body = strings.HasPrefix(reply, "354")
			_, _ = fmt.Fprintf(conn, "%s\r\n", reply)
		}
	}()
	return l.Addr().String(), quiet
}

// nextCommand reads one line, or a whole body up to its dot.
func nextCommand(in *bufio.Scanner, body bool) bool {
	for in.Scan() {
		if !body || in.Text() == "." {
			return true
		}
	}
	return false
}
