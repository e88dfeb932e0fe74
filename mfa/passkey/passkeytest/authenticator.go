// Package passkeytest is an authenticator for tests, with the browser around it: it makes passkeys and
// proves them, and misbehaves where a test says so. What it takes are the options of [mfa.Passkeys], what
// it gives are answers to them.
//
//	a := passkeytest.New("https://id.example.com")
//	answer, err := a.Create(options) // as a person registers a passkey
//	...
//	answer, err = a.Get(options) // and signs in by it
//
// It signs by ES256, and is asked by nobody: user verification is what its fields say, whatever the
// options ask for.
//
// [mfa.Passkeys]: https://pkg.go.dev/github.com/userpool-go/userpool/mfa#Passkeys
package passkeytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Authenticator is a device with passkeys, and the browser of its owner. Its fields may be changed
// between uses. The zero Authenticator is at no page. It is not safe for concurrent use.
type Authenticator struct {
	Origin string // of the page that asks, such as https://id.example.com

	// What devices may be like.
	Unverified bool // it does not verify its user: a security key without a PIN
	Synced     bool // its passkeys are backed up
	Counts     bool // it counts its signatures

	// What no honest one does. Zero values are honest.
	Absent    bool   // nobody touched it
	Framed    bool   // the page that asks is in a frame of another site's
	Challenge []byte // answered in place of the one that was asked
	RPID      string // signed for in place of the one that asked
	Handle    []byte // said to be whose passkey it is

	keys []*key
}

type key struct {
	id, handle []byte
	rp         string
	private    *ecdsa.PrivateKey
	count      uint32
}

// New returns an authenticator without passkeys, whose owner is at a page of an origin.
func New(origin string) *Authenticator { return &Authenticator{Origin: origin} }

// Clone returns a second device with the same passkeys, whose counts go their own way from here: where
// both are used, the count of one of them does not grow (WebAuthn Level 3, 6.1.1).
func (a *Authenticator) Clone() *Authenticator {
	c := *a
	c.keys = nil
	for _, k := range a.keys {
		same := *k
		c.keys = append(c.keys, &same)
	}
	return &c
}

// credential is how a page names a passkey.
type credential struct {
	ID text `json:"id"`
}

// text is bytes in the JSON of WebAuthn: base64url without padding.
type text []byte

func (t text) MarshalJSON() ([]byte, error) {
	return json.Marshal(base64.RawURLEncoding.EncodeToString(t))
}

func (t *text) UnmarshalJSON(b []byte) (err error) {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t, err = base64.RawURLEncoding.DecodeString(s)
	return err
}

// Create makes a passkey as options ask, and returns the answer. It fails where the device has one that
// the options exclude, or they do not take ES256.
func (a *Authenticator) Create(options []byte) (answer []byte, err error) {
	var o struct {
		Challenge text `json:"challenge"`
		RP        struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID text `json:"id"`
		} `json:"user"`
		Parameters []struct {
			Algorithm int `json:"alg"`
		} `json:"pubKeyCredParams"`
		Exclude []credential `json:"excludeCredentials"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("passkeytest: read the options: %w", err)
	}
	for _, e := range o.Exclude {
		if a.find(o.RP.ID, []credential{e}) != nil {
			return nil, errors.New("passkeytest: it has a passkey of this user")
		}
	}
	takes := false
	for _, p := range o.Parameters {
		takes = takes || p.Algorithm == es256
	}
	if !takes {
		return nil, errors.New("passkeytest: the page does not take ES256")
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	k := &key{id: make([]byte, 32), handle: o.User.ID, rp: o.RP.ID, private: private}
	rand.Read(k.id) // never fails: crypto/rand
	public, err := cose(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	data := a.data(k, attested)
	data = append(data, make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id)))
	data = append(append(data, k.id...), public...)
	a.keys = append(a.keys, k)
	return json.Marshal(map[string]any{
		"id": text(k.id), "rawId": text(k.id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": struct{}{},
		"response": map[string]any{
			"clientDataJSON": text(a.client("webauthn.create", o.Challenge)), "transports": []string{"internal"},
			"attestationObject": text(attestation(data)),
		},
	})
}

// Get proves a passkey as options ask, the newest where several would do, and returns the answer. It fails
// where it has none.
func (a *Authenticator) Get(options []byte) (answer []byte, err error) {
	var o struct {
		Challenge text         `json:"challenge"`
		RPID      string       `json:"rpId"`
		Allow     []credential `json:"allowCredentials"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("passkeytest: read the options: %w", err)
	}
	k := a.find(o.RPID, o.Allow)
	if k == nil {
		return nil, errors.New("passkeytest: it has no such passkey")
	}
	client, data := a.client("webauthn.get", o.Challenge), a.data(k, 0)
	digest := sha256.Sum256(client)
	signed := sha256.Sum256(append(bytes.Clone(data), digest[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, signed[:])
	if err != nil {
		return nil, err
	}
	handle := k.handle
	if a.Handle != nil {
		handle = a.Handle
	}
	return json.Marshal(map[string]any{
		"id": text(k.id), "rawId": text(k.id), "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": struct{}{},
		"response": map[string]any{
			"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature), "userHandle": text(handle),
		},
	})
}

// find returns the newest passkey for a relying party that is among some, or any where there are none.
func (a *Authenticator) find(rp string, among []credential) *key {
	for i := len(a.keys) - 1; i >= 0; i-- {
		k := a.keys[i]
		if k.rp != rp {
			continue
		}
		if len(among) == 0 {
			return k
		}
		for _, c := range among {
			if bytes.Equal(c.ID, k.id) {
				return k
			}
		}
	}
	return nil
}

// client returns what the browser says of the page.
func (a *Authenticator) client(ceremony string, challenge []byte) []byte {
	if a.Challenge != nil {
		challenge = a.Challenge
	}
	b, _ := json.Marshal(map[string]any{ // strings alone do not fail
		"type": ceremony, "challenge": text(challenge), "origin": a.Origin, "crossOrigin": a.Framed,
	})
	return b
}

// The flags of an authenticator's data (WebAuthn Level 3, 6.1).
const (
	present  = 1 << 0
	verified = 1 << 2
	syncable = 1 << 3
	synced   = 1 << 4
	attested = 1 << 6
)

// data returns what the authenticator signs of itself.
func (a *Authenticator) data(k *key, flags byte) []byte {
	if !a.Absent {
		flags |= present
	}
	if !a.Unverified {
		flags |= verified
	}
	if a.Synced {
		flags |= syncable | synced
	}
	if a.Counts {
		k.count++
	}
	rp := k.rp
	if a.RPID != "" {
		rp = a.RPID
	}
	hash := sha256.Sum256([]byte(rp))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), k.count)
}
