package hosted

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// deviceKind is what a remembered device is called where factors are called by their kind. It is none.
const deviceKind mfa.Kind = "device"

// device is a browser or app on which a second factor is not asked for.
type device struct {
	factor
	Agent   string    `json:"agent,omitempty"`
	Expires time.Time `json:"expires"`
	This    bool      `json:"this,omitempty"`
}

// ownDevices reads the devices that are remembered.
func (v *visit) ownDevices(ctx context.Context, a *pool.Account) error {
	all, err := a.RememberedDevices(ctx)
	for _, d := range all {
		v.factors.Devices = append(v.factors.Devices, device{factor{d.ID, d.Name, d.Created}, d.Agent, d.Expires, d.This})
	}
	return err
}

// devices lists them, each with a button that forgets it.
func (v *visit) devices() groupView {
	var all []factor
	for _, d := range v.factors.Devices {
		all = append(all, d.factor)
	}
	g := v.group(deviceKind, all)
	for i, d := range v.factors.Devices {
		item := &g.Items[i]
		item.Since = v.words.say("security.device_until", "date", d.Expires.Format(time.DateOnly))
		item.Agent, item.Remove.Text = d.Agent, v.words.say("to.forget_device")
		item.Remove.As = v.words.say("security.forget", "name", item.Name)
		if d.This {
			item.Since = v.words.say("security.device_this", "date", d.Expires.Format(time.DateOnly))
		}
	}
	return g
}

// forgetDevice has a second factor asked for on a device again. Who forgets the one in front of them is
// signed out, as is everybody there.
func (v *visit) forgetDevice(ctx context.Context, a *pool.Account) outcome {
	if err := a.ForgetDevice(ctx, pool.ForgetDeviceInput{ID: v.in["id"], Caller: v.caller()}); err != nil {
		return outcome{err: err}
	}
	return outcome{to: securityPage, flow: flow{Notice: "device_forgotten"}, kind: "forgotten"}
}
