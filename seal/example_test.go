package seal_test

import (
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/seal"
)

func Example() {
	ring, err := seal.New(seal.Generate()) // a program keeps its keys: seal.File(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	place := seal.Label{Pool: "main", Kind: "user", Owner: "ada", Field: "totp"}
	blob := ring.Seal(place, []byte("JBSWY3DPEHPK3PXP"))

	seed, err := ring.Open(place, blob)
	fmt.Printf("%s %v\n", seed, err)

	place.Owner = "eve" // the blob was copied into another record
	_, err = ring.Open(place, blob)
	fmt.Println(errors.Is(err, seal.ErrOpen))
	// Output:
	// JBSWY3DPEHPK3PXP <nil>
	// true
}

func ExampleKeyring_MAC() {
	ring, err := seal.New(seal.Generate())
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := ring.MAC("confirm code", []byte("main"), []byte("ada"), []byte("123456"))
	fmt.Println(ring.VerifyMAC(stored, "confirm code", []byte("main"), []byte("ada"), []byte("123456")))
	fmt.Println(ring.VerifyMAC(stored, "reset code", []byte("main"), []byte("ada"), []byte("123456")))
	// Output:
	// true
	// false
}
