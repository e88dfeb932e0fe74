package gate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/user"
)

const hold = 72 * time.Hour

// losses are what ada may have said of her factors, by how long ago it was.
var losses = map[string]user.Lost{
	"never":             {},
	"now":               said(0, 1),
	"almost long ago":   said(hold-1, 1),
	"long ago":          said(hold, 1),
	"the last moment":   said(hold+gate.Recovery-1, 1),
	"too long ago":      said(hold+gate.Recovery, 1),
	"before the epoch":  said(hold, 0),
	"told a later time": {ID: "l", Asked: now.Add(-hold), Until: now.Add(1), Epoch: 1},
}

func said(ago time.Duration, epoch int64) user.Lost {
	asked := now.Add(-ago)
	return user.Lost{ID: "l", Asked: asked, Until: asked.Add(hold), Epoch: epoch}
}

// TestS4_EveryLoss asks the gate about everybody who says that all factors are lost, or does not, by
// the invariants of all decisions.
func TestS4_EveryLoss(t *testing.T) {
	t.Parallel()
	pw, totp, sms := mfa.KindPassword, mfa.KindTOTP, mfa.KindSMS
	for _, when := range []string{"now", "long ago", "before the epoch"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			for _, rules := range []gate.Rules{
				{Seconds: []mfa.Kind{totp, sms}},
				{Seconds: []mfa.Kind{totp, sms}, Hold: hold},
				{Seconds: []mfa.Kind{totp, mfa.KindCustom}, Hold: hold},
				{Seconds: []mfa.Kind{mfa.KindCustom}, Hold: hold},
				{Firsts: []mfa.Kind{pw, mfa.KindPasskey, mfa.KindEmail}, Seconds: []mfa.Kind{totp, mfa.KindPasskey}, Hold: hold, Devices: true},
				{Hold: hold},
			} {
				for _, require := range []mfa.Requirement{mfa.Off, mfa.Optional, mfa.Required} {
					rules.Require = require
					for i, has := range people {
						u := person(has...)
						u.Factors.Lost = losses[when]
						everySituation(t, i, rules, has, u, true)
					}
				}
			}
		})
	}
}

// The hold is over for as long as it says, for who says that all is lost and has shown the password.
func TestS4_HoldOpensTheSetUp(t *testing.T) {
	t.Parallel()
	for when, opens := range map[string]bool{
		"never": false, "now": false, "almost long ago": false, "long ago": true, "the last moment": true, "too long ago": false,
		"before the epoch": false, "told a later time": false,
	} {
		u := person("password", "app", "passkey", "second", "recovery")
		u.Factors.Lost = losses[when]
		rules := gate.Rules{Seconds: []mfa.Kind{mfa.KindTOTP, mfa.KindPasskey}, Hold: hold}
		s := situation{nil, gate.Request{User: u, Purpose: gate.SignIn, Rules: rules, Lost: true}, []string{"password"}}
		d := s.decide()
		if enrols := d.Next() == gate.Enrol && slices.Equal(d.Kinds(), rules.Seconds); enrols != opens || !d.Lost() {
			t.Errorf("%s: next %d, kinds %v, lost %v", when, d.Next(), d.Kinds(), d.Lost())
		}
		s.r.Lost = false
		if d := s.decide(); d.Next() != gate.Second || !d.Lost() {
			t.Errorf("%s, of who does not say so: next %d, lost %v", when, d.Next(), d.Lost())
		}
	}
}
