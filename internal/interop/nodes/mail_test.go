package nodes_test

import (
	"context"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailServer takes mail by SMTP (RFC 5321) from all processes.
type mailServer struct {
	t    testing.TB
	addr string

	mu   sync.Mutex
	down bool          // takes no mail
	slow time.Duration // it takes to say that a mail is taken on
	got  []mail
}

type mail struct{ id, to, code string }

func serveMail(t testing.TB) *mailServer {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &mailServer{t: t, addr: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(textproto.NewConn(conn))
		}
	}()
	return s
}

var (
	messageID = regexp.MustCompile(`(?mi)^Message-ID: <([^@>]+)`)
	codeLine  = regexp.MustCompile(`(?m)^[ \t]*([0-9]{6,8})[ \t]*\r?$`)
)

// talk is one conversation. A mail is taken on before that is said, as by a real server.
func (s *mailServer) talk(c *textproto.Conn) {
	defer c.Close()
	down, slow := s.mood()
	if down {
		_ = c.PrintfLine("421 come back later")
		return
	}
	say := func(line string) { _ = c.PrintfLine("%s", line) }
	say("220 localhost")
	var to string
	for {
		line, err := c.ReadLine()
		verb, rest, _ := strings.Cut(line, ":")
		switch {
		case err != nil:
			return
		case strings.EqualFold(verb, "RCPT TO"):
			to = strings.Trim(rest, "<> ")
			say("250 ok")
		case strings.EqualFold(line, "DATA"):
			say("354 go on")
			text, err := c.ReadDotBytes()
			if err != nil {
				return
			}
			s.take(to, string(text))
			time.Sleep(slow)
			say("250 taken")
		case strings.EqualFold(line, "QUIT"):
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *mailServer) take(to, text string) {
	m := mail{to: to}
	if found := messageID.FindStringSubmatch(text); found != nil {
		m.id = found[1]
	}
	if found := codeLine.FindStringSubmatch(text); found != nil {
		m.code = found[1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, m)
}

func (s *mailServer) mood() (down bool, slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down, s.slow
}

// be sets whether the server takes no mail, and how long it takes to say that it did.
func (s *mailServer) be(down bool, slow time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.slow = down, slow
}

// all returns what came, in order, to an address, or to any where that is "".
func (s *mailServer) all(to string) []mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.got), func(m mail) bool { return to != "" && m.to != to })
}

// wait returns the n-th mail to an address.
func (s *mailServer) wait(to string, n int) mail {
	for range 2500 {
		if got := s.all(to); len(got) >= n {
			return got[n-1]
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Errorf("mail %d to %s did not come", n, to)
	return mail{}
}

// copies returns how often each message came, by its id.
func (s *mailServer) copies() map[string]int {
	n := map[string]int{}
	for _, m := range s.all("") {
		n[m.id]++
	}
	return n
}
