package hosted

import (
	"context"
	_ "embed"
	"encoding/json"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// passkeyScript is the one script of the pages: browsers use passkeys in no other way. It is a file
// of its own, and the pages that it is for allow no other (see [withScript]).
//
//go:embed templates/passkey.js
var passkeyScript []byte

// passkeyView is what the script needs: where it asks for the options of a passkey, by a body that
// names the step and no secret, and what it tells of what the browser says.
type passkeyView struct {
	Script, Ask, Body                    string
	NoScript                             string
	Unsupported, Refused, Known, Failure string
}

// withScript is the policy of pages that have the script.
const withScript = "; script-src 'self'; connect-src 'self'"

func passkeyForm(pool.Settings) []field {
	return []field{{Name: "passkey", Type: "hidden", words: "passkey"}}
}

// passkey answers with what a passkey has proven.
func (v *visit) passkey(ctx context.Context) outcome {
	return v.then(v.respond(ctx, pool.PasskeyAssertion{JSON: []byte(v.in["passkey"])}))
}

// newPasskey answers with a passkey that was made.
func (v *visit) newPasskey(ctx context.Context) outcome {
	return v.then(v.respond(ctx, pool.PasskeyAttestation{JSON: []byte(v.in["passkey"])}))
}

// script has the page run the script. Options are asked for when the button is pressed, by choosing
// the kind once more: they are longer than a cookie may be, and a second try needs others.
func (v *visit) script() *passkeyView {
	v.w.header.Set("Content-Security-Policy", secure["Content-Security-Policy"]+withScript)
	refused, ask, body := "passkey.refused", choosePage, map[string]string{ticketJSON: v.flow.id, "kind": string(mfa.KindPasskey)}
	switch {
	case v.page.name == newKeyPage:
		refused, ask, body = "set_up_passkey.refused", addKeyPage, map[string]string{}
	case v.page.name == setUpKeyPage:
		refused = "set_up_passkey.refused"
	case v.flow.First: // whose ticket is good for one challenge
		ask, body = byPasskeyPage, map[string]string{}
	}
	text, _ := json.Marshal(body) // texts
	return &passkeyView{
		Script: v.brand(v.settings.Branding).script, Ask: v.path(ask), Body: string(text),
		NoScript: v.words.say("passkey.noscript"), Unsupported: v.words.say("passkey.unsupported"),
		Refused: v.words.say(refused), Known: v.words.say("passkey.known"), Failure: v.words.say("passkey.failed"),
	}
}
