package pooltest

import (
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool/internal/chore"
)

// Mail is what a pool has sent to people, by email and by SMS: the last 1000 messages. Whatever is
// due is delivered before it is read, so a message is there as soon as the call that caused it has
// returned.
type Mail struct {
	t    testing.TB
	hand *chore.Hand
	box  *mailbox.Mailbox
}

// Code returns the code in the newest message to addr that has one. Where there is none the test
// fails; that none was sent is seen with [Mail.To].
func (m *Mail) Code(addr string) string {
	m.t.Helper()
	return m.newest("code", addr, m.box.Code)
}

// Link returns the link in the newest message to addr that has one, and fails like [Mail.Code].
func (m *Mail) Link(addr string) string {
	m.t.Helper()
	return m.newest("link", addr, m.box.Link)
}

func (m *Mail) newest(what, addr string, find func(addr string) string) string {
	m.t.Helper()
	run(m.t, m.hand)
	found := find(addr)
	if found == "" {
		m.t.Fatalf("pooltest: %d messages to %s, and no %s in any", len(m.box.To(addr)), addr, what)
	}
	return found
}

// To returns the messages to addr, oldest first. Letter case does not matter.
func (m *Mail) To(addr string) []message.Message {
	m.t.Helper()
	run(m.t, m.hand)
	return m.box.To(addr)
}
