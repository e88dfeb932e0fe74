package pool

import (
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/user"
)

// exportedFactor is something that a user has set up beside a password, without what it is shown by.
type exportedFactor struct {
	Kind    mfa.Kind  `json:"kind"`
	Name    string    `json:"name,omitempty"`
	Created time.Time `json:"created"`
	Left    int       `json:"left,omitempty"` // of recovery codes
}

type exportedDevice struct {
	Name      string    `json:"name,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
}

// exportedFactors lists the factors of a user by kind, each kind in the order in which they were made.
func exportedFactors(f *user.Factors) []exportedFactor {
	list := []exportedFactor{}
	if f == nil {
		return list
	}
	add := func(k mfa.Kind, name string, made time.Time, left int) {
		if !made.IsZero() {
			list = append(list, exportedFactor{k, name, made.UTC(), left})
		}
	}
	for _, app := range f.Apps {
		add(mfa.KindTOTP, app.Name, app.Created, 0)
	}
	for _, key := range f.Passkeys {
		add(mfa.KindPasskey, key.Name, key.Created, 0)
	}
	add(mfa.KindSMS, "", f.SMS, 0)
	add(mfa.KindEmail, "", f.Email, 0)
	add(mfa.KindRecovery, "", f.Recovery.Made, len(f.Recovery.Codes))
	return list
}

// exportedDevices lists the devices on which the user is asked for no second factor.
func (g granted) exportedDevices() []exportedDevice {
	list := []exportedDevice{}
	for _, d := range g.rememberedDevices(g.user, "") {
		list = append(list, exportedDevice{d.Name, d.Agent, d.Created.UTC(), d.Expires.UTC()})
	}
	return list
}
