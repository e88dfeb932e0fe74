package hosted

import (
	"context"
	"html/template"
	"net/url"
	"strings"

	"github.com/userpool-go/userpool/mfa"
)

// appView is an authenticator app that is to be set up, as its owner sees it.
type appView struct {
	Picture       template.HTML // a QR code
	Link          template.URL  // opens an app on the same device
	LinkAs        string
	Secret, Named string // what is typed by who cannot scan, and what it is called
}

// app returns what an app is set up by. The seed is in the flow, since the picture must be the same
// after a wrong code; the flow is in a cookie that no script reads and this browser alone sends, and
// goes with the step.
func (v *visit) app() *appView {
	u, err := url.Parse(v.flow.App)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		return nil
	}
	picture, err := mfa.QR(v.flow.App)
	if err != nil { // longer than any of ours
		return nil
	}
	return &appView{
		Picture: template.HTML(picture.SVG(v.words.say("app.picture"))), //nolint:gosec // of squares, and of words that it escapes
		Secret:  grouped(u.Query().Get("secret")), Named: v.words.say("app.secret"),
		Link:   template.URL(v.flow.App), //nolint:gosec // of the scheme that was asked for
		LinkAs: v.words.say("app.link"),
	}
}

// grouped returns a text in groups of four, for people to copy.
func grouped(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hasCodes answers where there are no recovery codes to show. They are shown to who is signed in.
func (v *visit) hasCodes() *outcome {
	if no := v.mustBeIn(); no != nil || v.flow.Codes != nil {
		return no
	}
	return &outcome{leave: v.next()}
}

// keptCodes has the browser forget recovery codes, which cannot be shown again.
func (v *visit) keptCodes(context.Context) outcome { return outcome{leave: v.next()} }
