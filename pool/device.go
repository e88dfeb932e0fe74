package pool

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Remember is when a browser or an app is remembered, on which a user has shown a second factor.
type Remember string

// When devices are remembered. The zero value is RememberNever.
const (
	RememberNever    Remember = ""
	RememberAlways   Remember = "always" // Cognito: not DeviceOnlyRememberedOnUserPrompt
	RememberByChoice Remember = "choice" // of the user: [RespondInput].Remember
)

// DeviceSettings are about remembered devices (Cognito's DeviceConfiguration with
// ChallengeRequiredOnNewDevice): where a user has shown a second factor, the password alone does for a
// while. A device stands in for it and proves nothing: it lifts no acr, skips nothing where the risk
// asks for a factor, and does for no step-up nor sensitive act. Turned off, devices of before are of no
// use, and sessions that rest on one are over.
type DeviceSettings struct {
	Remember Remember `json:",omitzero"`
	// Lifetime is for how long: 1 h to 365 days; 0 means 30 days.
	Lifetime time.Duration `json:",omitzero"`
}

func (s DeviceSettings) defaults() DeviceSettings {
	s.Lifetime = orElse(s.Lifetime, 30*24*time.Hour)
	return s
}

func (s DeviceSettings) problems() (ps []string) {
	if !slices.Contains([]Remember{RememberNever, RememberAlways, RememberByChoice}, s.Remember) {
		ps = append(ps, fmt.Sprintf(`devices: they are remembered "", "always" or by "choice", and not %.40q`, s.Remember))
	}
	if least, most := time.Hour, deviceLifetime; s.Lifetime < least || s.Lifetime > most {
		ps = append(ps, fmt.Sprintf("devices: lifetime %v is not within %v and %v", s.Lifetime, least, most))
	}
	return ps
}

// remembers judges the remembered-device token of a caller. A device that was remembered for longer than
// settings say today is forgotten (security.md S18).
func (p *Pool) remembers(r round, from Caller, u *user.User) (proof gate.Proof) {
	blob, ok := decode(from.Remembered, 1024)
	if !ok || u == nil {
		return proof
	}
	lifetime := r.state.settings.Devices.Lifetime
	known := u.Clone()
	if known.Factors != nil {
		known.Factors.Devices = slices.DeleteFunc(known.Factors.Devices, func(d user.Device) bool {
			return !r.now.Before(d.Created.Add(lifetime))
		})
	}
	return p.gate.Device(known, blob, r.now)
}

// remember has the session that is to be minted remember the device on which a second factor was shown
// for it. A step-up remembers none, nor does a change of password: part of what they go by was shown
// before, perhaps by somebody else from whom the session was stolen since.
func (p *Pool) remember(v attained, changes []storage.Change) (_ []storage.Change, held string) {
	s := v.state.settings.Devices
	asked := s.Remember == RememberAlways || s.Remember == RememberByChoice && v.remember
	if !asked || v.replaces != nil || !v.signsIn() || !gate.Twice(p.request(v.round, v.user), v.decided) {
		return changes, ""
	}
	next := v.user.Clone()
	if next.Factors == nil {
		return changes, "" // what was shown is the program's own: there is nobody to forget it with
	}
	d := user.Device{
		ID: rand.Text(), Agent: v.h.from.agent(), Epoch: next.Epoch, Created: v.now, Expires: v.now.Add(s.Lifetime),
	}
	f := next.Factors
	f.Devices = slices.DeleteFunc(f.Devices, func(d user.Device) bool { return d.Epoch != next.Epoch || !v.now.Before(d.Expires) })
	f.Devices = append(f.Devices, d)
	f.Devices = slices.Delete(f.Devices, 0, max(0, len(f.Devices)-user.MaxDevices)) // the oldest goes
	next.Updated = v.now
	changes = slices.DeleteFunc(slices.Clone(changes), func(c storage.Change) bool { return ofUser(c, next.ID) })
	return append(changes, storage.Put(next)), base64.RawURLEncoding.EncodeToString(p.gate.DeviceToken(next, d.ID))
}

// ofUser reports whether a change is of the record of a user.
func ofUser(c storage.Change, id user.ID) bool {
	var record any
	switch c := c.(type) {
	case storage.PutRecord:
		record = c.Record
	case storage.RequireRecord:
		record = c.Record
	}
	u, ok := record.(*user.User)
	return ok && u.ID == id
}

// RememberedDevice is a browser or app on which the user is asked for no second factor.
type RememberedDevice struct {
	ID      string // for [ForgetDeviceInput]
	Name    string // as its owner calls it; "" means nothing
	Agent   string // the user agent that it had
	Created time.Time
	Expires time.Time
	This    bool // the acting session rests on it; false in what administrators see
}

// RememberedDevices lists the devices that are remembered, the oldest first. It costs one read.
func (a *Account) RememberedDevices(ctx context.Context) ([]RememberedDevice, error) {
	g, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	return g.rememberedDevices(g.user, g.session.Device), nil
}

// rememberedDevices lists the devices that stand in for a second factor of a user by today's settings; this
// is the one that a session rests on.
func (r round) rememberedDevices(u *user.User, this string) []RememberedDevice {
	list := []RememberedDevice{}
	if u.Factors == nil || r.state.settings.Devices.Remember == RememberNever {
		return list
	}
	lifetime := r.state.settings.Devices.Lifetime
	for _, d := range u.Factors.Devices {
		expires := earlier(d.Expires, d.Created.Add(lifetime))
		if d.Epoch == u.Epoch && r.now.Before(expires) {
			list = append(list, RememberedDevice{d.ID, d.Name, d.Agent, d.Created, expires, d.ID == this})
		}
	}
	return list
}

// RenameDeviceInput gives a remembered device a name.
type RenameDeviceInput struct {
	ID     string // of a [RememberedDevice]
	Name   string // one line of at most 64 characters; "" means none
	Caller Caller `json:"-"`
}

// RenameDevice gives a remembered device a name, for its owner to know it by. It fails with
// [ErrNotFound] and with a *[ValidationError]. It costs one read and one commit.
func (a *Account) RenameDevice(ctx context.Context, in RenameDeviceInput) error {
	var v validation
	v.factorName(in.Name)
	if err := v.err(); err != nil {
		return err
	}
	return a.changeDevices(ctx, renameDeviceEvent, in.Caller, in.ID, func(f *user.Factors, i int) { f.Devices[i].Name = in.Name })
}

// ForgetDeviceInput names a device that is to be remembered no more.
type ForgetDeviceInput struct {
	ID     string // of a [RememberedDevice]
	Caller Caller `json:"-"`
}

// ForgetDevice asks for a second factor on a device again, and ends the sessions that rest on it, be it
// the acting one: access tokens of theirs are good at a [token.Verifier] until they expire. It asks for
// no fresh proof, since nobody gets in by it. To forget all of them is for [Account.SignOutEverywhere].
//
// It fails with [ErrNotFound]. It costs one read and one commit.
func (a *Account) ForgetDevice(ctx context.Context, in ForgetDeviceInput) error {
	return a.changeDevices(ctx, forgetDeviceEvent, in.Caller, in.ID, func(f *user.Factors, i int) {
		f.Devices = slices.Delete(f.Devices, i, i+1)
	})
}

// changeDevices does something to a remembered device of the user.
func (a *Account) changeDevices(ctx context.Context, kind string, from Caller, id string, do func(f *user.Factors, i int)) error {
	_, err := again(func() (struct{}, error) {
		g, err := a.readWith(ctx, from, storage.Want{})
		if err != nil {
			return struct{}{}, err
		}
		if err := a.inPerson(ctx, g, kind, from); err != nil {
			return struct{}{}, err
		}
		if _, ok := g.user.Device(id, g.now); !ok {
			return struct{}{}, ErrNotFound
		}
		next := g.user.Clone()
		do(next.Factors, slices.IndexFunc(next.Factors.Devices, func(d user.Device) bool { return d.ID == id }))
		next.Updated = g.now
		o := occurrence{who: g.user, from: from, Kind: kind, Outcome: succeeded, Client: g.client.ID}
		return struct{}{}, a.pool.commit(ctx, storage.Require(g.session), storage.Put(next), a.pool.event(g.now, o))
	})
	return err
}
