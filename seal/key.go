package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// maxID bounds a key id. It stands in every blob.
const maxID = 32

// Key is one key of a ring. However it is printed or logged, its secret is not shown, and it refuses
// to be marshalled as JSON. Inside another value's unexported field no method of Key is called: keep
// a [Keyring] there, which does not leak, rather than a Key.
type Key struct {
	ID     string   // 1 to 32 of a-z, 0-9 and "-"; unique in its ring, and never given to another secret
	Secret [32]byte // random; all zero is refused
}

// Generate returns a key with a random secret and a random id.
func Generate() Key {
	k := Key{ID: strings.ToLower(rand.Text()[:10])}
	rand.Read(k.Secret[:]) // never fails: crypto/rand
	return k
}

// String returns the id, without the secret.
func (k Key) String() string { return "seal.Key(" + k.ID + " REDACTED)" }

// GoString is as String.
func (k Key) GoString() string { return k.String() }

// Format writes String for every verb: %d and %x too would otherwise show the secret.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue is as String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON refuses: a key that reaches an encoder is on its way to the wrong place.
func (k Key) MarshalJSON() ([]byte, error) {
	return nil, errors.New("seal: a key is not marshalled; write it to a file of its own")
}

// check returns what is wrong with k alone, or nil.
func (k Key) check() error {
	switch {
	case !validID(k.ID):
		return fmt.Errorf("seal: key id %.40q is not 1 to %d of a-z, 0-9 and \"-\"", k.ID, maxID)
	case k.Secret == [32]byte{}:
		return fmt.Errorf("seal: the secret of key %q is all zero; use Generate", k.ID)
	}
	return nil
}

func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
