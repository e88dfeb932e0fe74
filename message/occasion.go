package message

import (
	"net/netip"
	"strings"
	"time"
)

// Occasion says when, where and how something was done that a notice is about. What is zero is left
// out of the words.
//
// Nothing of it is text that whoever did it has chosen: the pool would carry the words of a thief to
// their victim, under its own name.
type Occasion struct {
	At time.Time // shown in UTC, to the minute
	// Network is where it was done from: an address, or the network of a customer.
	Network netip.Prefix
	// Agent is the User-Agent header of whoever did it, which may be anything. Of it the words name
	// the browser and the system, by a short list, such as "Firefox, Windows"; else nothing.
	Agent  string
	Factor Factor // of [FactorAdded] and [FactorRemoved]
}

// Factor is a kind of way to sign in, or to prove beside a password that it is oneself.
type Factor string

// The factors. Others have no word.
const (
	Authenticator Factor = "authenticator" // an app that shows codes (TOTP, RFC 6238)
	Passkey       Factor = "passkey"       // WebAuthn
	SMSCode       Factor = "sms"
	EmailCode     Factor = "email"
)

// factors are the built-in words for factors, by locale, for where no sentence is about them.
var factors = map[string]map[Factor]string{
	"en": {Authenticator: "authenticator app", Passkey: "passkey", SMSCode: "codes by SMS", EmailCode: "codes by email"},
	"de": {Authenticator: "Authenticator-App", Passkey: "Passkey", SMSCode: "Codes per SMS", EmailCode: "Codes per E-Mail"},
}

// in returns the word for a factor in a language, or else in English; "" means that it has none.
func (f Factor) in(locale string) string {
	base, _, _ := strings.Cut(locale, "-")
	if words, ok := factors[base]; ok {
		return words[f]
	}
	return factors["en"][f]
}

// when returns the time in words that every language shares.
func (o Occasion) when() string {
	if o.At.IsZero() {
		return ""
	}
	return o.At.UTC().Format("2006-01-02 15:04 UTC")
}

// network returns an address as people know it, or the network.
func (o Occasion) network() string {
	switch {
	case !o.Network.IsValid():
		return ""
	case o.Network.IsSingleIP():
		return o.Network.Addr().WithZone("").String()
	}
	return o.Network.String()
}

// longestAgent bounds what is read of a User-Agent header, in bytes.
const longestAgent = 512

// part is a part of a User-Agent header, and what it is the mark of.
type part struct{ mark, name string }

// Many browsers carry the marks of others that they want to pass for; the first that is found counts.
var (
	browsers = []part{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"Chrome/", "Chrome"},
		{"CriOS/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = []part{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"Macintosh", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	}
)

// device names the browser and the system of a User-Agent header; "" means that it tells neither.
func (o Occasion) device() string {
	agent := o.Agent[:min(len(o.Agent), longestAgent)]
	var names []string
	for _, parts := range [][]part{browsers, systems} {
		for _, p := range parts {
			if strings.Contains(agent, p.mark) {
				names = append(names, p.name)
				break
			}
		}
	}
	return strings.Join(names, ", ")
}
