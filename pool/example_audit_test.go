package pool_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// An operator sees why somebody was refused, which the visitor is not told, and has the history
// checked. The head of the report is worth keeping outside of the database.
func ExamplePool_VerifyEvents() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: mailbox.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	_, err = p.SignIn(ctx, pool.SignInInput{
		Username: "nobody@example.com", With: pool.Password{Value: password.New("correct horse battery staple")},
		Caller: pool.Caller{IP: netip.MustParseAddr("203.0.113.77"), UserAgent: "Lynx"},
	})
	fmt.Println(err)

	page, err := p.ListEvents(ctx, pool.EventQuery{})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range page.Events {
		fmt.Println(e.Kind, e.Outcome, e.Reason, e.IP, e.UserAgent)
	}
	var kept pool.SealHead // of an earlier report
	report, err := p.VerifyEvents(ctx, kept)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Intact(), report.Sealed+report.Unsealed)
	// Output:
	// pool: not authorized
	// sign_in refused no_user 203.0.113.77 Lynx
	// true 1
}
