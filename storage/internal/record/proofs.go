package record

import (
	"encoding/json"
	"fmt"

	"github.com/userpool-go/userpool/token"
)

type proof struct {
	Method     token.Method `json:"m,omitempty"`
	Credential string       `json:"c,omitempty"`
	Revision   int64        `json:"r,omitempty"`
	Channel    string       `json:"h,omitempty"`
	Time       *int64       `json:"t,omitempty"`
}

// EncodeProofs returns the proofs of a session as a list of m (method), c (credential), r
// (revision), h (channel) and t (time); "" means none.
func EncodeProofs(proofs []token.Proof) (string, error) {
	if len(proofs) == 0 {
		return "", nil
	}
	out := make([]proof, len(proofs))
	for i, p := range proofs {
		if err := Valid(string(p.Method), p.Credential, p.Channel); err != nil {
			return "", err
		}
		out[i] = proof{p.Method, p.Credential, p.Revision, p.Channel, Micros(p.Time)}
	}
	return encode(out)
}

// DecodeProofs reads what [EncodeProofs] wrote.
func DecodeProofs(text string) ([]token.Proof, error) {
	if text == "" {
		return nil, nil
	}
	var in []proof
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, fmt.Errorf("decode the proofs of a session: %w", err)
	}
	proofs := make([]token.Proof, len(in))
	for i, p := range in {
		proofs[i] = token.Proof{Method: p.Method, Credential: p.Credential, Revision: p.Revision, Channel: p.Channel, Time: Time(p.Time)}
	}
	return proofs, nil
}

// EncodeStrings returns a list of texts; "" means none.
func EncodeStrings(list []string) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	if err := Valid(list...); err != nil {
		return "", err
	}
	return encode(list)
}

// DecodeStrings reads what [EncodeStrings] wrote.
func DecodeStrings(text string) (list []string, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("decode a list of texts: %w", err)
	}
	return list, nil
}
