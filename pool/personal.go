package pool

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// personal are the fields of an event that say where a person was. They are sealed under the event
// key of that person, so that destroying one key erases them all, and the history stays whole
// (security.md T10).
type personal struct {
	IP        netip.Addr `json:"ip,omitzero"`
	UserAgent string     `json:"agent,omitempty"` // the first 256 bytes
}

// Event is a line of a pool's history, as an operator sees it.
type Event struct {
	ID      string
	Time    time.Time
	User    user.ID // "" means nobody, as at an address that nobody owns
	Kind    string  // such as "sign_in"
	Outcome string  // "success", "step" or "refused"
	Reason  string  // why it was refused, which the visitor is not told; why somebody is impersonated
	Client  string
	Actor   string // the [Actor] who did it to the user; "" means the user, or a visitor
	// Count is how many calls it tells of: 1, or more where calls that were refused without a
	// verdict (Reason "locked", "network", "pool", "busy", "hook" or "role") were gathered for a minute. They have
	// their network in common, which is the IP of the event, and came before its Time.
	Count int
	// Until says that this wrong answer locked the account, or its codes, for guessing, and for how
	// long; one event of each lock does. Zero means that it did not.
	Until time.Time
	Seal  int64 // number of the seal it is in; 0 means none yet

	// Where it came from. Zero where the [Caller] did not say, and after it was erased.
	IP        netip.Addr
	UserAgent string
}

// eventList names the list of events in its page tokens.
const eventList = "events"

// EventQuery asks for a page of a pool's history.
type EventQuery struct {
	User   user.ID // only this user's; "" means all
	Newest bool    // newest first, which needs a User
	After  string  // Next of the page before; "" starts
	Limit  int     // at most 1000; 0 means 1000
	Stale  bool    // a replica of the store may answer, as in [UserQuery]: the newest events may be missing
}

// EventPage is a page of a pool's history.
type EventPage struct {
	Events []Event
	Next   string // good for a day, for the same user; "" means that there is no more
}

// ListEvents returns a page of the pool's history, oldest first unless q says otherwise. It fails with a *[ValidationError]
// where After is of another list or older than a day. It costs a read, and one more for each person
// on the page.
func (p *Pool) ListEvents(ctx context.Context, q EventQuery) (EventPage, error) {
	return p.listEvents(ctx, "", q)
}

// listEvents is ListEvents for an administrator; "" is the program itself.
func (p *Pool) listEvents(ctx context.Context, actor string, q EventQuery) (EventPage, error) {
	if p.closed.Load() {
		return EventPage{}, ErrClosed
	}
	var v validation
	asked, err := json.Marshal([]any{actor, q.User, q.Newest})
	if err != nil || q.Newest && q.User == "" {
		v.add("Newest", "needs a User")
	}
	after, ok := p.pageCursor(eventList, string(asked), q.After)
	if !ok {
		v.add("After", "must be the Next of a page of these events")
	}
	if q.Limit < 0 || q.Limit > storage.MaxPage {
		v.add("Limit", fmt.Sprintf("must be 0 to %d", storage.MaxPage))
	}
	if err := v.err(); err != nil {
		return EventPage{}, err
	}
	page, err := p.store.Events(ctx, p.config.ID, storage.EventQuery{
		User: q.User, Newest: q.Newest, After: after, Limit: q.Limit, Stale: q.Stale,
	})
	if errors.Is(err, storage.ErrInvalid) {
		v.add("User", "must be the id of a user")
		return EventPage{}, v.err()
	}
	if err != nil {
		return EventPage{}, unavailable(err)
	}
	list := EventPage{
		Events: make([]Event, len(page.Events)),
		Next:   p.pageToken(eventList, string(asked), page.Next),
	}
	st := p.state.Load()
	rings := map[user.ID]*seal.Keyring{"": st.eventRing("", nil)}
	for i, e := range page.Events {
		if _, known := rings[e.User]; !known {
			got, err := p.read(ctx, storage.Want{Now: p.now(), User: user.ByID(e.User)})
			if err != nil {
				return EventPage{}, err
			}
			rings[e.User] = nil
			if got.User != nil {
				rings[e.User] = st.eventRing(e.User, got.User.EventKey)
			}
		}
		list.Events[i] = p.shown(e, rings[e.User])
	}
	return list, nil
}

// EraseEvents makes where a user was unreadable in all events so far, for good: the address and the
// browser of each. That something happened stays, and the history verifies. A user who is deleted
// takes the key along, so there is nothing left to erase, which is a success. Copies of the
// database that were made before hold the old half of the key. It costs one read and one commit.
func (p *Pool) EraseEvents(ctx context.Context, id user.ID) error {
	_, err := again(func() (struct{}, error) {
		now := p.now()
		got, err := p.read(ctx, storage.Want{Now: now, User: user.ByID(id)})
		if err != nil || got.User == nil {
			return struct{}{}, err
		}
		u := got.User
		u.EventKey, u.Updated = newEventKey(), now
		o := occurrence{who: u, Kind: eraseEvent, Outcome: succeeded}
		return struct{}{}, p.commit(ctx, storage.Put(u), p.event(now, o))
	})
	return err
}

// shown returns an event with what the ring, which may be nil, can open of it.
func (p *Pool) shown(e *storage.Event, ring *seal.Keyring) Event {
	var o occurrence
	_ = json.Unmarshal(e.Header, &o) // VerifyEvents tells what is broken; here it shows what is left
	out := Event{
		ID: e.ID, Time: e.Time, User: e.User, Kind: e.Kind, Seal: e.Seal,
		Outcome: o.Outcome, Reason: o.Reason, Client: o.Client, Actor: o.Actor, Count: max(1, o.Count),
	}
	if o.Until != 0 {
		out.Until = time.UnixMicro(o.Until).UTC()
	}
	var f personal
	if text, err := ring.Open(p.personalLabel(e.ID), e.Personal); err == nil && json.Unmarshal(text, &f) == nil {
		out.IP, out.UserAgent = f.IP, f.UserAgent
	}
	return out
}

// personal returns the sealed fields of an event, or nil where there are none, or no key: an event
// is never lost for them.
func (p *Pool) personal(id string, who *user.User, c Caller) []byte {
	f := personal{IP: c.IP, UserAgent: c.agent()}
	if f == (personal{}) {
		return nil
	}
	var owner user.ID
	var half []byte
	if who != nil && who.ID != "" {
		owner, half = who.ID, who.EventKey
	}
	ring := p.state.Load().eventRing(owner, half)
	if ring == nil {
		return nil
	}
	text, _ := json.Marshal(f) // an address and a text cannot fail
	return ring.Seal(p.personalLabel(id), text)
}

// newEventKey returns a person's half of an event key. It is part of the user, not a document: one
// that is made for each person would raise the pool's epoch, and every process would read all
// settings anew.
func newEventKey() []byte {
	half := make([]byte, 16)
	rand.Read(half) // never fails: crypto/rand
	return half
}

// eventRing makes an event key of the person's half and of the pool's key: neither opens anything
// without the other. Nobody has an empty half; nil means that there is no key.
func (s *state) eventRing(owner user.ID, half []byte) *seal.Keyring {
	if len(half) != 16 && (owner != "" || len(half) != 0) {
		return nil
	}
	key := s.hmac("event key", string(owner)+"\x00"+string(half))
	ring, err := seal.New(seal.Key{ID: "event", Secret: [32]byte(key)})
	if err != nil {
		return nil
	}
	return ring
}

func (p *Pool) personalLabel(event string) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "event", Owner: event, Field: "personal"}
}
