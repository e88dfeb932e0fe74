package pool

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// What a ticket is for. The purpose is in its MAC and in its code's.
const (
	purposeConfirm     = "confirm_sign_up"
	purposePassword    = "password"
	purposeReset       = "reset_password"
	purposeNewPassword = "new_password"
	purposeFirst       = "first_factor"
	purposeSecond      = "second_factor"
	purposeEnrol       = "enrol"
	purposeAddFactor   = "add_factor"
	purposePasskey     = "passkey" // of nobody: the answer says whose
)

// How long tickets live: Cognito's 24 hours for a sign-up, and its hour for a reset. Those of a step
// are the client's to say ([Client].StepLifetime).
const (
	confirmLifetime = 24 * time.Hour
	resetLifetime   = time.Hour
)

// ticketRule is how many wrong answers one ticket takes (security.md S1).
var ticketRule = storage.Rule{Free: 5}

const ticketCounter = "tries"

// choiceRule is how often one ticket lets its holder choose a kind: each choice writes, whoever makes it,
// and people have made up their mind by then.
var choiceRule = storage.Rule{Free: 20}

const choiceCounter = "choices"

// bearer is what a visitor holds: a ticket's id, and the secret that proves the right to answer it.
type bearer struct {
	id     [16]byte
	secret [32]byte
	mailed bool // in a link: whoever opens it need not be whom the ticket was given to
}

func newBearer() (b bearer) {
	rand.Read(b.id[:]) // never fails: crypto/rand
	rand.Read(b.secret[:])
	return b
}

// parseBearer reads the one spelling that String gives.
func parseBearer(s string) (b bearer, ok bool) {
	if len(s) != 64 {
		return b, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != 48 {
		return b, false // a line break is skipped by the decoder, and shortens it
	}
	copy(b.id[:], raw)
	copy(b.secret[:], raw[16:])
	return b, true
}

func (b bearer) String() string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat(b.id[:], b.secret[:]))
}

// ID returns what the ticket is stored under.
func (b bearer) ID() string { return base64.RawURLEncoding.EncodeToString(b.id[:]) }

// carried is what a ticket remembers from step to step.
type carried struct {
	Proofs  []token.Proof `json:"proofs,omitempty"`
	Channel string        `json:"channel,omitempty"` // pseudonym of where its code went
	SMS     bool          `json:"sms,omitempty"`     // it went to a phone number
	Until   time.Time     `json:"until,omitzero"`    // the code is good; zero means as long as the ticket
	To      string        `json:"to,omitempty"`      // the address that is to be proven, where the user has it not yet
	Taken   bool          `json:"taken,omitempty"`   // the address had an owner: the code opens nothing
	Owner   string        `json:"owner,omitempty"`   // of the counters of a reset, where the ticket is nobody's
	Arrives string        `json:"arrives,omitempty"` // what was typed by who is made a user of the ticket by a reset
	Typed   []byte        `json:"typed,omitempty"`   // the login by which a sign-in was begun; sealed
	Listed  []candidate   `json:"listed,omitempty"`  // the passkeys at that login, made up or not
	Request int64         `json:"request,omitempty"` // which reset it is of: only the newest is good
	First   bool          `json:"first,omitempty"`   // sign-in with a password of one's own: the owner is told of no new device
	Browser bool          `json:"browser,omitempty"` // a browser began it, and a browser session ends it

	// Of a step that asks for a factor.
	Kind    mfa.Kind         `json:"kind,omitempty"`    // that is asked for; "" means that the visitor chooses
	Risk    gate.Risk        `json:"risk,omitempty"`    // of the sign-in
	Lost    bool             `json:"lost,omitempty"`    // what is set up takes the place of all other factors
	Counted []string         `json:"counted,omitempty"` // names of the counters that the session clears
	Asked   []hook.Challenge `json:"asked,omitempty"`   // of the program's own, that were answered
	Secret  []byte           `json:"sealed,omitempty"`  // what an answer is judged by: a challenge, or a seed that is to be set up; sealed
	stepUp                   // that it is a step of, if it is
}

// newTicket returns a ticket of u, given to a caller, and what they hold for it.
func (p *Pool) newTicket(
	u *user.User, client, purpose string, to Caller, c carried, now, expires time.Time,
) (*storage.Ticket, string) {
	t, b := p.ticketOf(u, client, purpose, to, c, now, expires)
	return t, b.String()
}

func (p *Pool) ticketOf(
	u *user.User, client, purpose string, to Caller, c carried, now, expires time.Time,
) (*storage.Ticket, bearer) {
	b := newBearer()
	c.Browser = to.Browser
	t := &storage.Ticket{
		Pool: p.config.ID, ID: b.ID(), User: u.ID, Epoch: u.Epoch, Client: client, Purpose: purpose,
		Created: now, Expires: expires,
	}
	p.carry(t, b, c)
	return t, b
}

// carry has a ticket carry c.
func (p *Pool) carry(t *storage.Ticket, b bearer, c carried) {
	t.State, _ = json.Marshal(c) // strings, numbers, bytes and times cannot fail
	t.MAC = p.config.Keys.MAC("ticket", ticketParts(t, b)...)
}

// setCode binds a code to t and to where it goes.
func (p *Pool) setCode(t *storage.Ticket, channel, code string) {
	t.Code = p.config.Keys.MAC(gate.CodePurpose, gate.CodeParts(t, channel, code)...)
}

// answers checks that b is the bearer of t, and that t is still good for its owner as read. It
// returns what t carries. A ticket to reset a password, or to begin a sign-in, may be nobody's, and does
// not show it.
func (p *Pool) answers(t *storage.Ticket, b bearer, u *user.User) (c carried, err error) {
	if b.mailed {
		return p.opened(t, b, u)
	}
	if t == nil || !p.config.Keys.VerifyMAC(t.MAC, "ticket", ticketParts(t, b)...) {
		return c, ErrTicketGone
	}
	if !owns(u, t) && !nobodys(t) {
		return c, ErrTicketGone
	}
	if err := json.Unmarshal(t.State, &c); err != nil {
		return c, fmt.Errorf("read ticket: %w", err)
	}
	return c, nil
}

// nobodys reports whether a ticket may be nobody's: one to reset a password or to begin a sign-in, which
// does not show it, and one for any passkey, which never is somebody's.
func nobodys(t *storage.Ticket) bool {
	return t.Purpose == purposeReset || t.Purpose == purposeFirst || t.Purpose == purposePasskey
}

// owns reports whether t is u's, and of u's present epoch (security.md T3).
func owns(u *user.User, t *storage.Ticket) bool {
	return u != nil && t.User == u.ID && t.Epoch == u.Epoch
}

// ticketParts is what a ticket's MAC covers: all that decides what it is good for, so that nobody
// who can write the table can give it to another user, or add proofs to it.
func ticketParts(t *storage.Ticket, b bearer) [][]byte {
	return [][]byte{
		[]byte(t.Pool), []byte(t.Purpose), []byte(t.User), []byte(t.Client), []byte(t.ID), t.State, b.secret[:],
		fmt.Appendf(nil, "%d %d", t.Epoch, t.Expires.UnixMicro()),
	}
}

// newCode returns six random digits, for what is confirmed beside a ticket (security.md S3).
func newCode() string { return digits(6) }

// newLongCode returns eight random digits, for what a code alone opens.
func newLongCode() string { return digits(8) }

func digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + digit()
	}
	return string(b)
}

// digit returns 0 to 9, none likelier than another.
func digit() byte {
	var b [1]byte
	for {
		rand.Read(b[:]) // never fails: crypto/rand
		if b[0] < 250 {
			return b[0] % 10
		}
	}
}
