package mailbox_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
)

var _ message.Sender = (*mailbox.Mailbox)(nil)

func Example() {
	box := mailbox.New()
	_, text, _, _ := message.Render(message.ConfirmSignUp, message.Data{Code: "271828", Pool: "Shop 123456"})
	_ = box.Send(context.Background(), message.Message{To: "ada@example.com", Text: text})
	fmt.Println(box.Code("ada@example.com"))
	// Output: 271828
}

func send(t *testing.T, b *mailbox.Mailbox, to, text string) {
	t.Helper()
	if err := b.Send(t.Context(), message.Message{To: to, Text: text}); err != nil {
		t.Fatal(err)
	}
}

func TestTo(t *testing.T) {
	t.Parallel()
	b := mailbox.New()
	send(t, b, "ada@example.com", "1")
	send(t, b, "bob@example.com", "2")
	send(t, b, "Ada@Example.com", "3")
	tests := []struct {
		addr string
		want []string
	}{
		{"ada@example.com", []string{"1", "3"}},
		{"ADA@EXAMPLE.COM", []string{"1", "3"}},
		{"bob@example.com", []string{"2"}},
		{"da@example.com", nil},
		{"", nil},
	}
	for _, tt := range tests {
		var got []string
		for _, m := range b.To(tt.addr) {
			got = append(got, m.Text)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("To(%q) = %v, want %v", tt.addr, got, tt.want)
		}
	}
	b.To("ada@example.com")[0].Text = "changed"
	if got := b.To("ada@example.com")[0].Text; got != "1" {
		t.Errorf("a caller changed what is kept to %q", got)
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		texts []string
		want  string
	}{
		{"none sent", nil, ""},
		{"no code", []string{"You already have an account."}, ""},
		{"own line", []string{"Hello 999999,\n\n    271828\n\nBye"}, "271828"},
		{"own line, CRLF", []string{"Hello,\r\n271828\r\nBye"}, "271828"},
		{"in a sentence", []string{"Your code is 271828."}, "271828"},
		{"eight digits", []string{"27182818"}, "27182818"},
		{"digits of a link", []string{"https://a.example/123456?link=-271828-"}, ""},
		{"beside a link", []string{"https://a.example/123456 271828"}, "271828"},
		{"too short", []string{"27182"}, ""},
		{"too long", []string{"2718281828"}, ""},
		{"newest wins", []string{"111111", "222222"}, "222222"},
		{"newest without code", []string{"111111", "no code"}, "111111"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := mailbox.New()
			for _, text := range tt.texts {
				send(t, b, "ada@example.com", text)
			}
			send(t, b, "bob@example.com", "333333")
			if got := b.Code("ada@example.com"); got != tt.want {
				t.Errorf("Code after %q = %q, want %q", tt.texts, got, tt.want)
			}
		})
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		texts []string
		want  string
	}{
		{"none sent", nil, ""},
		{"no link", []string{"Your code is 271828."}, ""},
		{"own line", []string{"Hello,\r\n    https://a.example/c?link=x-_9\r\nBye"}, "https://a.example/c?link=x-_9"},
		{"in brackets", []string{"Open <http://localhost:80/c?a=1&b=2>."}, "http://localhost:80/c?a=1&b=2"},
		{"newest wins", []string{"https://a.example/1", "https://a.example/2"}, "https://a.example/2"},
		{"newest without link", []string{"https://a.example/1", "271828"}, "https://a.example/1"},
		{"of another scheme", []string{"ftp://a.example/1 xhttps://a.example/2 mailto:a@b.example"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := mailbox.New()
			for _, text := range tt.texts {
				send(t, b, "ada@example.com", text)
			}
			send(t, b, "bob@example.com", "https://b.example")
			if got := b.Link("ADA@example.com"); got != tt.want {
				t.Errorf("Link after %q = %q, want %q", tt.texts, got, tt.want)
			}
		})
	}
}

// Messages by SMS are kept like mails, under the number.
func TestSMS(t *testing.T) {
	t.Parallel()
	b := mailbox.New()
	m, err := message.Settings{}.Render(message.ConfirmSignUp, "", message.Data{Channel: message.SMS, Code: "271828", Pool: "Shop 123456"})
	if err != nil {
		t.Fatal(err)
	}
	m.To = "+4915112345678"
	if err := b.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := b.Code(m.To); got != "271828" {
		t.Errorf("Code = %q in %q, want 271828", got, m.Text)
	}
}

func TestSendEndedContext(t *testing.T) {
	t.Parallel()
	b := mailbox.New()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Send(ctx, message.Message{To: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Send = %v, want context.Canceled", err)
	}
	if got := b.To("a"); got != nil {
		t.Errorf("kept %v", got)
	}
}

func TestOldestGoFirst(t *testing.T) {
	t.Parallel()
	b := mailbox.New()
	for i := range 1003 {
		send(t, b, "a", strconv.Itoa(i))
	}
	got := b.To("a")
	if len(got) != 1000 || got[0].Text != "3" || got[999].Text != "1002" {
		t.Errorf("kept %d from %q to %q, want 1000 from 3 to 1002", len(got), got[0].Text, got[len(got)-1].Text)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := mailbox.New()
		send(t, b, "a", "1")
		done := false
		go func() {
			got, err := b.Wait(t.Context(), "a", 3)
			if err != nil || len(got) != 3 {
				t.Errorf("Wait = %d messages, %v, want 3", len(got), err)
			}
			done = true
		}()
		for _, text := range []string{"2", "3"} {
			send(t, b, "b", "of another")
			synctest.Wait()
			if done {
				t.Fatalf("Wait returned before message %s", text)
			}
			send(t, b, "a", text)
			synctest.Wait()
		}
		if !done {
			t.Fatal("Wait did not return")
		}
	})
}

func TestWaitContext(t *testing.T) {
	t.Parallel()
	b := mailbox.New()
	send(t, b, "a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := b.Wait(ctx, "a", 2)
	if !errors.Is(err, context.Canceled) || len(got) != 1 {
		t.Errorf("Wait = %d messages, %v, want the one that is there and context.Canceled", len(got), err)
	}
	if got, err := b.Wait(ctx, "a", 1); err != nil || len(got) != 1 {
		t.Errorf("Wait for what is there = %d messages, %v, want 1", len(got), err)
	}
	if got, err := b.Wait(ctx, "nobody", 0); err != nil || len(got) != 0 {
		t.Errorf("Wait for nothing = %d messages, %v", len(got), err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	const people, each = 16, 20
	b := mailbox.New()
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for p := range people {
		addr := strconv.Itoa(p)
		wg.Go(func() {
			<-gate
			for range each {
				if err := b.Send(t.Context(), message.Message{To: addr, Text: "271828"}); err != nil {
					t.Error(err)
				}
				b.Code(addr)
			}
		})
		wg.Go(func() {
			<-gate
			if got, err := b.Wait(t.Context(), addr, each); err != nil || len(got) != each {
				t.Errorf("%s: %d messages, %v, want %d", addr, len(got), err, each)
			}
		})
	}
	close(gate)
	wg.Wait()
}
