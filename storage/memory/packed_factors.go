package memory

import (
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/user"
)

func (w *packer) factors(f *user.Factors) {
	w.number(int64(len(f.Apps)))
	for _, a := range f.Apps {
		w.text(a.ID)
		w.text(a.Name)
		w.text(string(a.Seed))
		w.time(a.Created)
	}
	w.number(int64(len(f.Passkeys)))
	for _, p := range f.Passkeys {
		w.passkey(p)
	}
	w.time(f.SMS)
	w.time(f.Email)
	w.flag(f.PasskeySecond)
	w.text(string(f.Preferred))
	w.number(int64(len(f.Recovery.Codes)))
	for _, c := range f.Recovery.Codes {
		w.text(string(c))
	}
	w.time(f.Recovery.Made)
	w.number(int64(len(f.Devices)))
	for _, d := range f.Devices {
		w.text(d.ID)
		w.text(d.Name)
		w.text(d.Agent)
		w.number(d.Epoch)
		w.time(d.Created)
		w.time(d.Expires)
	}
	w.text(string(f.Handle))
	w.text(f.Lost.ID)
	w.time(f.Lost.Asked)
	w.time(f.Lost.Until)
	w.number(f.Lost.Epoch)
}

func (r *unpacker) factors() *user.Factors {
	f := &user.Factors{}
	for range r.number() {
		f.Apps = append(f.Apps, user.App{ID: r.text(), Name: r.text(), Seed: r.bytes(), Created: r.time()})
	}
	for range r.number() {
		f.Passkeys = append(f.Passkeys, r.passkey())
	}
	f.SMS, f.Email, f.PasskeySecond, f.Preferred = r.time(), r.time(), r.flag(), mfa.Kind(r.text())
	for range r.number() {
		f.Recovery.Codes = append(f.Recovery.Codes, r.bytes())
	}
	f.Recovery.Made = r.time()
	for range r.number() {
		f.Devices = append(f.Devices, user.Device{
			ID: r.text(), Name: r.text(), Agent: r.text(), Epoch: r.number(), Created: r.time(), Expires: r.time(),
		})
	}
	f.Handle = r.bytes()
	f.Lost = user.Lost{ID: r.text(), Asked: r.time(), Until: r.time(), Epoch: r.number()}
	return f
}

func (w *packer) passkey(p mfa.Passkey) {
	for _, b := range [][]byte{p.ID, p.PublicKey, p.Model} {
		w.text(string(b))
	}
	w.number(int64(len(p.Transports)))
	for _, t := range p.Transports {
		w.text(t)
	}
	w.flag(p.Verified)
	w.flag(p.Syncable)
	w.flag(p.Synced)
	w.number(int64(p.Count))
	w.text(p.Name)
	w.time(p.Created)
}

func (r *unpacker) passkey() mfa.Passkey {
	p := mfa.Passkey{ID: r.bytes(), PublicKey: r.bytes(), Model: r.bytes()}
	for range r.number() {
		p.Transports = append(p.Transports, r.text())
	}
	p.Verified, p.Syncable, p.Synced = r.flag(), r.flag(), r.flag()
	p.Count, p.Name, p.Created = uint32(r.number()), r.text(), r.time()
	return p
}

// bytes returns a value that may be anything; nil for one that is empty.
func (r *unpacker) bytes() []byte {
	if text := r.text(); text != "" {
		return []byte(text)
	}
	return nil
}
