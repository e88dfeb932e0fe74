// Command hello is a whole program with accounts: sign up, confirm, sign in, forget the password,
// sign out. It needs nothing but itself: users are kept in memory, and mail in a mailbox that a
// page shows.
//
//	go run ./examples/hello
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/hosted/dev"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/web"
)

func main() {
	box := mailbox.New() // mail stays here, and /dev/mailbox shows it
	p, err := pool.Open(context.Background(), memory.New(), pool.Config{Sender: box})
	if err != nil {
		log.Fatal(err)
	}
	home := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s", web.User(r.Context()).Username)
	}
	log.Print("http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", hosted.New(p, hosted.Config{Dev: dev.InsecureDev(box)}).Wrap(http.HandlerFunc(home))))
}
