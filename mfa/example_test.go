package mfa_test

import (
	"fmt"
	"log"
	"time"

	"github.com/userpool-go/userpool/mfa"
)

// An app is enrolled by its first code, and each code is good once.
func Example() {
	seed := mfa.NewSeed()
	picture, err := mfa.QR(seed.URI("Shop", "ada@example.com"))
	if err != nil {
		log.Fatal(err)
	}
	_ = picture.SVG("Scan this with your authenticator app, or type " + seed.Text())

	now := time.Now()
	code := seed.Code(now) // what the app shows
	last, ok := seed.Accept(code, now, 0)
	fmt.Println(ok)
	_, ok = seed.Accept(code, now, last)
	fmt.Println(ok)
	// Output:
	// true
	// false
}
