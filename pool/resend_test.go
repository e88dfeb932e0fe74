package pool_test

import (
	"errors"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
)

func TestResend(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	old := k.code(ada, 1)
	res, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket})
	if err != nil {
		t.Fatal(err)
	}
	code := k.code(ada, 2)
	if err := confirm(k, ticket, old); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("the ticket before = %v, want ErrTicketGone", err)
	}
	if _, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket}); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("resend of the ticket before = %v, want ErrTicketGone", err)
	}
	for range 5 { // beyond five mails the answer is the same
		if res, err = k.ResendCode(t.Context(), pool.ResendInput{Ticket: res.Ticket}); err != nil {
			t.Fatal(err)
		}
	}
	if code != "" && confirm(k, res.Ticket, code) == nil {
		t.Error("a voided code confirmed")
	}
}

// A resend at a taken address sends the owner another notice, never a code.
func TestT7_ResendAtATakenAddress(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	ticket := k.signUp(ada)
	k.mails(ada, 2)
	if _, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket}); err != nil {
		t.Fatal(err)
	}
	if ms := k.mails(ada, 3); ms[2].Kind != message.AlreadyRegistered {
		t.Errorf("the owner got %s, want %s", ms[2].Kind, message.AlreadyRegistered)
	}
}
