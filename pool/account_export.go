package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ExportInput asks for what the pool holds about a user.
type ExportInput struct {
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// Export writes what the pool holds about the user as one JSON object, for them to keep or to take
// elsewhere (GDPR, articles 15 and 20): "version", which is 1, "exported", "pool", "user", "factors" and
// remembered "devices", "pending" and "former" addresses, "sessions", and "events", oldest first, with
// where they came from as far as it was not erased. Times are RFC 3339. Members will be added, none
// renamed. There is no secret in it, no digest of one, no administrator's name, and nothing that the app
// client may not read.
//
// It holds one page of events in memory at a time. What was written is whole only where the error is
// nil. It fails with [ErrNeedsProof], with [ErrNotAuthorized], which a wrong password is too, with a
// *[LimitError], and with the error of w. It costs one read, one commit and the lists, and a hash
// where a password is given.
func (a *Account) Export(ctx context.Context, w io.Writer, in ExportInput) error {
	var v validation
	if err := v.proof(in.With); err != nil {
		return err
	}
	s := a.proving(in.With, in.Caller, exportEvent)
	g, err := again(func() (granted, error) {
		st, id := a.pool.state.Load(), user.ID(a.claims.Subject)
		var want storage.Want
		for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
			want.Tickets = append(want.Tickets, st.ownTicket(purposePending, k, id).ID(), st.ownTicket(purposeFormer, k, id).ID())
		}
		g, err := a.prove(ctx, &s, want)
		if err != nil {
			return g, err
		}
		return g, a.act(ctx, g, &s, storage.Require(g.session))
	})
	if err != nil {
		return err
	}
	head, err := a.pool.exported(ctx, g)
	if err != nil {
		return err
	}
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err := fmt.Fprintf(w, `%s,"events":[`, text[:len(text)-1]); err != nil { // without its last brace
		return err
	}
	if err := a.pool.exportEvents(ctx, w, g); err != nil {
		return err
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// exported is what an export says before the events.
type exported struct {
	Version  int               `json:"version"`
	Exported time.Time         `json:"exported"`
	Pool     user.PoolID       `json:"pool"`
	User     exportedUser      `json:"user"`
	Factors  []exportedFactor  `json:"factors"`
	Devices  []exportedDevice  `json:"devices"`
	Pending  []exportedAddress `json:"pending"`
	Former   []exportedAddress `json:"former"`
	Sessions []exportedSession `json:"sessions"`
}

type exportedUser struct {
	ID            user.ID         `json:"id"`
	Username      string          `json:"username"`
	Status        user.Status     `json:"status"`
	Email         string          `json:"email,omitempty"`
	EmailVerified bool            `json:"email_verified"`
	Phone         string          `json:"phone_number,omitempty"`
	PhoneVerified bool            `json:"phone_number_verified"`
	Attributes    user.Attributes `json:"attributes"`
	Groups        []string        `json:"groups"`
	PasswordSet   time.Time       `json:"password_set,omitzero"`
	Created       time.Time       `json:"created"`
	Updated       time.Time       `json:"updated"`
}

// exportedAddress is one that is to be proven, or that can be restored, until a time.
type exportedAddress struct {
	Address string    `json:"address"`
	Until   time.Time `json:"until"`
}

type exportedSession struct {
	Kind     string    `json:"kind"`
	Client   string    `json:"client"`
	SignedIn time.Time `json:"signed_in"`
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used"`
	Expires  time.Time `json:"expires"`
}

type exportedEvent struct {
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	Outcome   string    `json:"outcome"`
	Client    string    `json:"client,omitempty"`
	By        string    `json:"by,omitempty"` // "administrator"; "" means the user, or a visitor
	Count     int       `json:"count"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
}

// exported gathers what is not events, as the app client may read it.
func (p *Pool) exported(ctx context.Context, g granted) (out exported, err error) {
	u, profile := g.user, g.client.redact(g.profile())
	out = exported{
		Version: 1, Exported: g.now.UTC(), Pool: p.config.ID, User: exportedUser{
			ID: u.ID, Username: profile.Username, Status: u.Status,
			Email: profile.Email, EmailVerified: profile.EmailVerified,
			Phone: profile.Phone, PhoneVerified: profile.PhoneVerified,
			Attributes: profile.Attributes, Groups: append([]string{}, profile.Groups...),
			Created: u.Created.UTC(), Updated: u.Updated.UTC(),
		},
		Factors: exportedFactors(u.Factors), Devices: g.exportedDevices(),
		Pending: []exportedAddress{}, Former: []exportedAddress{}, Sessions: []exportedSession{},
	}
	if u.Password != nil {
		out.User.PasswordSet = u.Password.Set.UTC()
	}
	for n, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		if !g.client.reads(k.Attribute()) {
			continue
		}
		if t := g.read.Tickets[2*n]; t != nil && owns(u, t) {
			out.Pending = append(out.Pending, exportedAddress{pendingAt(t), t.Expires.UTC()})
		}
		given, err := readFormer(g.read.Tickets[2*n+1], u, g.now)
		if err != nil {
			return out, err
		}
		for _, f := range given.Given {
			if f.To == "" { // an address was added, and took no other's place
				continue
			}
			out.Former = append(out.Former, exportedAddress{f.To, f.Until.UTC()})
		}
	}
	sessions, err := p.sessions(ctx, g)
	for _, s := range sessions {
		out.Sessions = append(out.Sessions, exportedSession{
			string(s.Kind), s.Client, s.SignedIn.UTC(), s.Created.UTC(), s.LastUsed.UTC(), s.Expires.UTC(),
		})
	}
	return out, err
}

// exportEvents writes the events about the user, page by page.
func (p *Pool) exportEvents(ctx context.Context, w io.Writer, g granted) error {
	ring, comma := g.state.eventRing(g.user.ID, g.user.EventKey), ""
	for after := ""; ; {
		page, err := p.store.Events(ctx, p.config.ID, storage.EventQuery{User: g.user.ID, After: after})
		if err != nil {
			return unavailable(err)
		}
		for _, stored := range page.Events {
			e := p.shown(stored, ring)
			out := exportedEvent{
				Time: e.Time.UTC(), Kind: e.Kind, Outcome: e.Outcome, Client: e.Client, Count: e.Count, UserAgent: e.UserAgent,
			}
			if e.Actor != "" {
				out.By = "administrator"
			}
			if e.IP.IsValid() {
				out.IP = e.IP.String()
			}
			text, err := json.Marshal(out)
			if err != nil {
				return fmt.Errorf("export event: %w", err)
			}
			if _, err := fmt.Fprintf(w, "%s\n%s", comma, text); err != nil {
				return err
			}
			comma = ","
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}
