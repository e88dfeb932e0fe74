package record

import (
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/user"
)

// factors are a (apps: i id, n name, s seed, c created), k (passkeys), s and e (since when SMS and
// email are factors), 2 (passkeys are a second factor), p (preferred), r and m (recovery codes, and
// when they were made), d (devices), h (the handle) and l (all are lost: i id, a asked, u until, v epoch).
type factors struct {
	Apps          []app     `json:"a,omitempty"`
	Passkeys      []passkey `json:"k,omitempty"`
	SMS           *int64    `json:"s,omitempty"`
	Email         *int64    `json:"e,omitempty"`
	PasskeySecond bool      `json:"2,omitempty"`
	Preferred     mfa.Kind  `json:"p,omitempty"`
	Codes         [][]byte  `json:"r,omitempty"`
	Made          *int64    `json:"m,omitempty"`
	Devices       []device  `json:"d,omitempty"`
	Handle        []byte    `json:"h,omitempty"`
	Lost          *lost     `json:"l,omitempty"`
}

type app struct {
	ID      string `json:"i"`
	Name    string `json:"n,omitempty"`
	Seed    []byte `json:"s"`
	Created *int64 `json:"c,omitempty"`
}

type passkey struct {
	ID         []byte   `json:"i"`
	PublicKey  []byte   `json:"p"`
	Model      []byte   `json:"m,omitempty"`
	Transports []string `json:"t,omitempty"`
	Verified   bool     `json:"v,omitempty"`
	Syncable   bool     `json:"y,omitempty"`
	Synced     bool     `json:"z,omitempty"`
	Count      uint32   `json:"o,omitempty"`
	Name       string   `json:"n,omitempty"`
	Created    *int64   `json:"c,omitempty"`
}

type device struct {
	ID      string `json:"i"`
	Name    string `json:"n,omitempty"`
	Agent   string `json:"a,omitempty"`
	Epoch   int64  `json:"v,omitempty"`
	Created *int64 `json:"c,omitempty"`
	Expires *int64 `json:"e,omitempty"`
}

type lost struct {
	ID    string `json:"i"`
	Asked *int64 `json:"a,omitempty"`
	Until *int64 `json:"u,omitempty"`
	Epoch int64  `json:"v,omitempty"`
}

func factorTexts(f *user.Factors) []string {
	texts := []string{string(f.Preferred), f.Lost.ID}
	for _, a := range f.Apps {
		texts = append(texts, a.ID, a.Name)
	}
	for _, p := range f.Passkeys {
		texts = append(append(texts, p.Name), p.Transports...)
	}
	for _, d := range f.Devices {
		texts = append(texts, d.ID, d.Name, d.Agent)
	}
	return texts
}

func fromFactors(f *user.Factors) *factors {
	if f == nil {
		return nil
	}
	out := &factors{
		SMS: Micros(f.SMS), Email: Micros(f.Email), PasskeySecond: f.PasskeySecond, Preferred: f.Preferred,
		Codes: f.Recovery.Codes, Made: Micros(f.Recovery.Made), Handle: f.Handle,
	}
	if l := f.Lost; l != (user.Lost{}) {
		out.Lost = &lost{l.ID, Micros(l.Asked), Micros(l.Until), l.Epoch}
	}
	for _, a := range f.Apps {
		out.Apps = append(out.Apps, app{a.ID, a.Name, a.Seed, Micros(a.Created)})
	}
	for _, p := range f.Passkeys {
		out.Passkeys = append(out.Passkeys, passkey{
			p.ID, p.PublicKey, p.Model, p.Transports, p.Verified, p.Syncable, p.Synced, p.Count, p.Name, Micros(p.Created),
		})
	}
	for _, d := range f.Devices {
		out.Devices = append(out.Devices, device{d.ID, d.Name, d.Agent, d.Epoch, Micros(d.Created), Micros(d.Expires)})
	}
	return out
}

func (f *factors) factors() *user.Factors {
	if f == nil {
		return nil
	}
	out := &user.Factors{
		SMS: Time(f.SMS), Email: Time(f.Email), PasskeySecond: f.PasskeySecond, Preferred: f.Preferred,
		Recovery: user.Recovery{Codes: f.Codes, Made: Time(f.Made)}, Handle: f.Handle,
	}
	if l := f.Lost; l != nil {
		out.Lost = user.Lost{ID: l.ID, Asked: Time(l.Asked), Until: Time(l.Until), Epoch: l.Epoch}
	}
	for _, a := range f.Apps {
		out.Apps = append(out.Apps, user.App{ID: a.ID, Name: a.Name, Seed: a.Seed, Created: Time(a.Created)})
	}
	for _, p := range f.Passkeys {
		out.Passkeys = append(out.Passkeys, mfa.Passkey{
			ID: p.ID, PublicKey: p.PublicKey, Model: p.Model, Transports: p.Transports, Verified: p.Verified,
			Syncable: p.Syncable, Synced: p.Synced, Count: p.Count, Name: p.Name, Created: Time(p.Created),
		})
	}
	for _, d := range f.Devices {
		out.Devices = append(out.Devices, user.Device{
			ID: d.ID, Name: d.Name, Agent: d.Agent, Epoch: d.Epoch, Created: Time(d.Created), Expires: Time(d.Expires),
		})
	}
	return out
}
