package pool

import (
	"cmp"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Config is what this process brings to a pool. It is never stored.
type Config struct {
	// ID names the pool in its store. "" means "default".
	ID user.PoolID
	// Issuer is the base URL that tokens name. An https issuer is production, and needs a Sender.
	// Empty, or http on a loopback host, is development. "" means http://localhost.
	Issuer string
	// Settings are the policy, and the truth for as long as they are given. Nil means those that the
	// store has, or the defaults on first open. A group that is taken out of them gives nothing, but
	// keeps its members, because a process of the version before may still know it: should one of
	// that name come back they are in it, other than after [Admin.DeleteGroup].
	Settings *Settings
	// Keys seal what must not be read from the store. Nil is allowed only in development on a store
	// that forgets, which gets a ring of its own; otherwise Open fails with [ErrNoKeyring].
	Keys *seal.Keyring
	// Sender delivers messages. Nil means, in development only, that they go to Logger, codes
	// included. In production it must not be [message.Undelivered].
	Sender message.Sender
	// Hooks are what the program does at the turns of this pool. The zero Set is none. Give all
	// processes on one store the same.
	Hooks hook.Set
	// ConfirmURL is the page of the program that links for [Pool.ConfirmLink] lead to, such as
	// "https://shop.example.com/confirm"; a link adds the query parameter "link". It is an https
	// URL without fragment or, in development, http on a loopback host, and the same in every
	// process of a pool. Never make it from the Host header of a request: whoever sends that would
	// be sent the links of others (security.md S2). "" is allowed where Settings.SignUp.ByLink is
	// not set.
	ConfirmURL string
	// CancelURL is the page that the links for [Pool.CancelChange] lead to, such as
	// "https://shop.example.com/not-me"; all that is said of ConfirmURL holds for it. "" means that
	// no address which somebody has proven can be changed by themselves: what they could do, whoever
	// has stolen their session could, and nobody could undo it (security.md S5).
	CancelURL string
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger takes what an operator should see; it is given no secret. Nil means nothing is logged.
	Logger *slog.Logger
	// Observer is told what happens, in numbers and closed sets of words: what metrics and traces
	// are made of. The zero Observer is none.
	Observer Observer
	// Sealed is handed the head of each seal that this process makes, to be kept outside of the
	// database for [Pool.VerifyEvents]. It may miss one, where the answer of the store was lost;
	// the next covers it. Nothing is sealed until it returns. Nil means that nobody asks.
	Sealed func(SealHead)
	// Breached is asked about every password that is chosen, once all other rules are kept, and
	// never at a sign-in: it learns five hex digits. A question counts as a request of the caller's
	// network. Nil means that nobody is asked.
	Breached *password.Breached
	// Passkeys are the ceremonies of WebAuthn: passkey.New of mfa/passkey has them. Nil means that
	// this process knows none: they are no way in, and who has made them a second factor in another
	// process is asked for another or, without one, refused.
	Passkeys mfa.Passkeys
	// MaxHashes bounds how many passwords are hashed at once. 0 means GOMAXPROCS.
	MaxHashes int
	// InsecureHash replaces the parameters of new password hashes, for tests that cannot wait. It is
	// refused with an https issuer. Nil means [password.Default].
	InsecureHash *password.Params
}

const developmentIssuer = "http://localhost"

// check returns c with its defaults written out, or all that is wrong with it.
func (c Config) check(st storage.Store) (Config, error) {
	c.ID = cmp.Or(c.ID, "default")
	c.Issuer = cmp.Or(c.Issuer, developmentIssuer)
	c, err := c.sound()
	if err != nil || c.Keys != nil {
		return c, err
	}
	if production, _ := parseIssuer(c.Issuer); production {
		return c, ErrNoKeyring
	}
	c.Keys, err = ringFor(st)
	return c, err
}

// ringFor makes a keyring for what a store that forgets is given, in development.
func ringFor(st storage.Store) (*seal.Keyring, error) {
	if e, ok := st.(storage.Ephemeral); !ok || !e.Ephemeral() {
		return nil, ErrNoKeyring
	}
	return seal.New(seal.Generate())
}

// sound returns c, which names a pool and its issuer, with all other defaults written out but Keys,
// or all that is wrong with it.
func (c Config) sound() (Config, error) {
	var problems []string
	if !clientID(string(c.ID)) {
		problems = append(problems, "the pool id is 1 to 128 letters, digits, '-' or '_'")
	}
	production, ok := parseIssuer(c.Issuer)
	if !ok {
		problems = append(problems, "the issuer is an https URL without query and fragment, or http on a loopback host")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Sender == nil && production {
		problems = append(problems, "an https issuer is production and needs a Sender")
	}
	if u, ok := c.Sender.(message.Undelivered); ok && u.Undelivered() && production {
		problems = append(problems, "an https issuer is production, and this Sender delivers nothing")
	}
	if c.InsecureHash != nil && production {
		problems = append(problems, "InsecureHash is for tests; an https issuer is production")
	}
	if c.Sender == nil {
		c.Sender = message.Log(c.Logger)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	problems = append(append(problems, c.linkProblems(production)...), c.hookProblems()...)
	if c.Settings != nil {
		s := c.Settings.defaults()
		problems = append(append(problems, s.problems()...), c.lacks(s)...)
		c.Settings = new(s.copied())
	}
	if len(problems) > 0 {
		return c, &SettingsError{problems}
	}
	return c, nil
}

// parseIssuer tells whether s may be an issuer, and whether it is one of production (api.md decision 9).
// It takes one spelling of each, because issuers are compared byte by byte (RFC 8414, 2).
func parseIssuer(s string) (production, ok bool) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(s, "?#") ||
		u.String() != s || strings.ToLower(u.Host) != u.Host || u.Port() == "0" || strings.HasSuffix(u.Host, ":") {
		return false, false
	}
	switch u.Scheme {
	case "https":
		return true, true
	case "http":
		ip, err := netip.ParseAddr(u.Hostname())
		return false, u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	}
	return false, false
}

// hashing returns the parameters of new password hashes.
func (c Config) hashing() password.Params {
	if c.InsecureHash != nil {
		return *c.InsecureHash
	}
	return password.Default()
}
