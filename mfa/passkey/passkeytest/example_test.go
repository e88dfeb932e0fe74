package passkeytest_test

import (
	"fmt"
	"log"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
)

var (
	ceremonies = passkey.New()
	party      = mfa.RelyingParty{ID: "example.com", Name: "Shop", Origins: []string{"https://id.example.com"}}
	ada        = mfa.PasskeyUser{Handle: []byte("64 random bytes"), Name: "ada@example.com"}
)

// A device makes a passkey, a copy of it proves it, and then the device itself: its count stands still, and the copy
// shows.
func Example() {
	phone := passkeytest.New("https://id.example.com")
	phone.Counts = true
	options, state, err := ceremonies.Create(party, ada, mfa.VerifyRequired)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := phone.Create(options)
	if err != nil {
		log.Fatal(err)
	}
	stored, err := ceremonies.Created(party, state, answer)
	if err != nil {
		log.Fatal(err)
	}
	for _, device := range []*passkeytest.Authenticator{phone.Clone(), phone} {
		got, err := signIn(device, stored)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("verified:", got.Verified, "cloned:", got.Cloned)
		stored.Count = max(stored.Count, got.Count)
	}
	phone.Origin = "https://id.example.com.evil.example"
	_, err = signIn(phone, stored)
	fmt.Println(err)
	// Output:
	// verified: true cloned: false
	// verified: true cloned: true
	// mfa: the passkey proves nothing: a page of "https://id.example.com.evil.example" asked for it
}

// signIn asks a device for any passkey of the party's.
func signIn(device *passkeytest.Authenticator, stored mfa.Passkey) (mfa.Assertion, error) {
	options, state, err := ceremonies.Get(party, nil, mfa.VerifyPreferred)
	if err != nil {
		return mfa.Assertion{}, err
	}
	answer, err := device.Get(options)
	if err != nil {
		return mfa.Assertion{}, err
	}
	return ceremonies.Got(party, state, answer, stored, ada.Handle)
}
