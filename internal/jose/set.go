package jose

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Limits of a key set that is read.
const (
	maxSet  = 256 << 10
	maxKeys = 100
)

// MarshalSet returns a JSON Web Key Set (RFC 7517, 5) of public keys. The same keys in the same
// order give the same bytes.
func MarshalSet(keys ...PublicKey) ([]byte, error) {
	list := make([]json.RawMessage, len(keys))
	for i, k := range keys {
		if _, err := algorithmOf(k.key); err != nil { // nothing private, nothing symmetric
			return nil, err
		}
		raw, err := encodeKey(k)
		if err != nil {
			return nil, fmt.Errorf("jose: write key: %w", err)
		}
		list[i] = raw
	}
	return json.Marshal(map[string][]json.RawMessage{"keys": list})
}

// ParseSet reads the keys of a JSON Web Key Set that can check signatures here, and passes over the
// others, as RFC 7517 section 5 asks. Two usable keys of one id, and private keys, are refused.
func ParseSet(b []byte) ([]PublicKey, error) {
	if len(b) > maxSet {
		return nil, fmt.Errorf("jose: a key set of more than %d bytes", maxSet)
	}
	members, err := Object(b)
	if err != nil {
		return nil, fmt.Errorf("jose: key set: %w", err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(members["keys"], &list); err != nil || len(list) > maxKeys {
		return nil, fmt.Errorf("jose: a key set has a list of at most %d keys", maxKeys)
	}
	var keys []PublicKey
	seen := map[string]bool{}
	for _, raw := range list {
		k, ok, err := parseKey(raw)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if seen[k.kid] {
			return nil, fmt.Errorf("jose: key id %.40q stands twice in the set", k.kid)
		}
		seen[k.kid] = true
		keys = append(keys, k)
	}
	return keys, nil
}

// parseKey returns ok where raw is a public key for signatures by an algorithm we have.
func parseKey(raw []byte) (k PublicKey, ok bool, err error) {
	members, err := Object(raw)
	if err != nil {
		return k, false, fmt.Errorf("jose: key: %w", err)
	}
	if _, private := members["d"]; private {
		return k, false, errors.New("jose: the set holds a private key, which is now known to others: replace it")
	}
	d, err := decodeKey(raw)
	if err != nil || d.kid == "" || len(d.kid) > maxKID || !d.verifies() {
		return k, false, nil
	}
	alg, err := algorithmOf(d.key)
	if err != nil || d.alg != "" && d.alg != string(alg) {
		return k, false, nil
	}
	return PublicKey{kid: d.kid, alg: alg, key: d.key}, true, nil
}

// decoded is what a JSON Web Key says. Nothing of it is checked but its form.
type decoded struct {
	kid, use, alg string
	ops           []string
	key           any // raw, for instance an *ecdsa.PublicKey
}

// verifies reports whether the key is meant for checking signatures (RFC 7517, 4.2 and 4.3).
func (d decoded) verifies() bool {
	return (d.use == "" || d.use == "sig") && (len(d.ops) == 0 || slices.Contains(d.ops, "verify"))
}
