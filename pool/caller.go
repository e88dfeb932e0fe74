package pool

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/user"
)

// Caller says who asks, as the program that calls knows it: never take it from a request's body. The
// zero Caller is one source that all who say nothing share.
type Caller struct {
	IP        netip.Addr
	UserAgent string
	// Locale is that of messages: a BCP 47 tag, or an Accept-Language header. "", and anything over
	// 256 bytes, means English.
	Locale string
	// Device is the known-device token of an earlier [Done] in this browser or app, or "". With it,
	// wrong passwords of strangers do not lock the owner out, nor do their wrong codes and answers by
	// which a sign-in begins (security.md T6), and without it each sign-in is one from a new device,
	// which the owner is told of by email ([NoticeSettings]).
	Device string
	// Remembered is the remembered-device token of an earlier [Done] in this browser or app, or "". With
	// it the user is asked for no second factor, where the pool remembers devices ([DeviceSettings]).
	Remembered string
	// Browser asks for a browser session: a sign-in ends in [Done].Cookie, and in no tokens.
	// Package web sets it. A step is answered as it was begun, with it or without (security.md T2).
	Browser bool
}

// LogValue leaves the tokens out.
func (c Caller) LogValue() slog.Value {
	return slog.GroupValue(slog.String("ip", c.source()), slog.String("agent", c.agent()), slog.Bool("browser", c.Browser))
}

// locale returns the locale of messages. A header may have put anything there.
func (c Caller) locale() string {
	if len(c.Locale) > 256 || !utf8.ValidString(c.Locale) {
		return ""
	}
	return c.Locale
}

// agent returns the first 256 bytes of the user agent. A header may have put anything there.
func (c Caller) agent() string {
	return strings.ToValidUTF8(c.UserAgent[:min(len(c.UserAgent), 256)], "")
}

// address returns the caller's address in the one form that it has (CVE class 9); an invalid one means
// that it is not known.
func (c Caller) address() netip.Addr { return c.IP.Unmap().WithZone("") }

// network returns the network that the caller is in: an IPv4 address, or the 64 bits of an IPv6 one
// that belong to one customer (CVE class 9). The zero prefix means that it is not known.
func (c Caller) network() netip.Prefix {
	ip := c.address()
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	network, _ := ip.Prefix(bits) // only an address that is none has no such prefix
	return network
}

// source returns the text of the caller's network; "" means that it is not known.
func (c Caller) source() string {
	switch n := c.network(); {
	case !n.IsValid():
		return ""
	case n.Addr().Is4():
		return n.Addr().String()
	default:
		return n.String()
	}
}

// deviceLifetime is how long a known device stays known without a sign-in.
const deviceLifetime = 365 * 24 * time.Hour

// device is what a known-device token says: this browser or app has signed in as that user. It
// proves nothing, and skips nothing: guesses with it draw on a budget of their own.
type device struct {
	User     user.ID        `json:"user"`
	Epoch    int64          `json:"epoch"`
	ID       string         `json:"id"`
	Networks []netip.Prefix `json:"networks,omitempty"` // that it was in, the last one first
	Expires  time.Time      `json:"expires"`
}

func (p *Pool) deviceLabel() seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "device", Field: "known"}
}

// deviceToken returns the text of a device.
func (p *Pool) deviceToken(d device) string {
	text, _ := json.Marshal(d) // texts, a number and a time cannot fail
	return base64.RawURLEncoding.EncodeToString(p.config.Keys.Seal(p.deviceLabel(), text))
}

// device reads a known-device token; the zero device means that it is none, or over.
func (p *Pool) device(c Caller, now time.Time) (d device) {
	blob, ok := decode(c.Device, 1024)
	if !ok {
		return device{}
	}
	text, err := p.config.Keys.Open(p.deviceLabel(), blob)
	if err != nil || json.Unmarshal(text, &d) != nil || !now.Before(d.Expires) {
		return device{}
	}
	return d
}

// knows reports whether the device has signed in as u since u's epoch began.
func (d device) knows(u *user.User) bool {
	return u != nil && d.User == u.ID && d.Epoch == u.Epoch
}

// counter returns the name of the device's own counter of wrong passwords, and signInCounter that of wrong
// codes and answers by which a sign-in begins.
func (d device) counter() string       { return passwordCounter + ":" + d.ID }
func (d device) signInCounter() string { return signInCounter + ":" + d.ID }

// from says for whom the door hashes.
func (p *Pool) from(c Caller, account string, known bool) password.From {
	return password.From{Pool: string(p.config.ID), Source: c.source(), Account: account, Known: known}
}
