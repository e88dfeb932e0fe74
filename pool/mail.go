package pool

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// mailRule is how many messages strangers can cause to one address: Cognito's five an hour. Beyond
// it nothing is sent, and the visitor's answer is the same (security.md T7).
var mailRule = storage.Rule{Free: 5, Window: time.Hour}

// letter is what an outgoing message will be made from. It is stored sealed.
type letter struct {
	Kind   message.Kind `json:"kind"`
	SMS    bool         `json:"sms,omitempty"` // by phone rather than by email
	To     string       `json:"to"`
	Name   string       `json:"name,omitempty"` // by which the reader signs in; "" means To
	Locale string       `json:"locale,omitempty"`
	Code   string       `json:"code,omitempty"` // or what a link carries
	Void   bool         `json:"void,omitempty"` // to be dropped unsent
	// By what a text is counted: see [letter.counted].
	Over    bool `json:"over,omitempty"`    // void because the address has had enough
	Found   bool `json:"found,omitempty"`   // where to was looked up, and not typed
	Trusted bool `json:"trusted,omitempty"` // an administrator's
	// Epoch is that of the owner where the message is of no use after it; 0 means none.
	Epoch    int64            `json:"epoch,omitempty"`
	Occasion message.Occasion `json:"occasion,omitzero"` // of a notice that tells one

	// For the CustomMessage hook, where there is one.
	Source   hook.Source       `json:"source,omitempty"`
	Client   string            `json:"client,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Misses   int               `json:"misses,omitempty"` // how often it has failed
}

// channel returns by what l goes: "" where there is no letter.
func (l letter) channel() message.Channel {
	switch {
	case l.Kind == "":
		return ""
	case l.SMS:
		return message.SMS
	}
	return message.Email
}

// letterTo returns a letter to an address.
func letterTo(to user.Login, kind message.Kind, locale, code string) letter {
	return letter{Kind: kind, SMS: channel(to) == message.SMS, To: to.Display, Locale: locale, Code: code}
}

// mail returns the changes that send l for t and count it by a rule, and binds its code to t. Where
// the address has had enough the message is dropped unsent. A ticket without a message that carries
// a code gets one that nobody can guess: otherwise every new ticket would be five more guesses at
// six digits.
func (p *Pool) mail(
	sent storage.Counter, rule storage.Rule, t *storage.Ticket, c carried, l letter, now time.Time,
) []storage.Change {
	l = p.state.Load().settings.invitation(l, t)
	full := !rule.Locked(sent, now).IsZero()
	if full {
		l.Void, l.Over = true, true
	}
	if l.Void {
		l.Code = ""
	}
	p.setCode(t, c.Channel, cmp.Or(l.Code, rand.Text()))
	if full {
		return []storage.Change{p.post(t, c, l, now)}
	}
	return []storage.Change{p.post(t, c, l, now), storage.Count{Key: sent.Key, Rule: rule, Now: now}}
}

// overMail turns a refusal of the mail counter, which was open when it was read, into another
// round.
func overMail(err error) error {
	if key, ok := limit(err); ok && (strings.HasPrefix(key.Name, "mail:") || strings.HasPrefix(key.Name, requests)) {
		return fmt.Errorf("%w: %w", storage.ErrStale, err)
	}
	return err
}

// post returns the change that puts l into the outbox. It dies with its ticket, or with its code.
func (p *Pool) post(t *storage.Ticket, c carried, l letter, now time.Time) storage.Change {
	owner := t.User
	if owner == "" {
		owner = user.ID(t.ID)
	}
	until := t.Expires
	if !c.Until.IsZero() && c.Until.Before(until) {
		until = c.Until
	}
	return p.enqueue(storage.Outgoing{Owner: owner, Ticket: t.ID, NotAfter: until}, l, now)
}

const (
	noticeLifetime = 72 * time.Hour // so long a notice is worth sending
	noticeClass    = 1              // after codes, whose class is 0: people wait for those
)

// notify returns the change that tells the owner of an account something about it. What the pool is
// silent about is written all the same, and dropped unsent.
func (p *Pool) notify(owner user.ID, l letter, now time.Time) storage.Change {
	l.Void = l.Void || p.state.Load().settings.Notices.silent(l.Kind)
	return p.enqueue(storage.Outgoing{Owner: owner, Class: noticeClass, NotAfter: now.Add(noticeLifetime)}, l, now)
}

func (p *Pool) enqueue(o storage.Outgoing, content any, now time.Time) storage.Change {
	return p.enqueueAt(o, content, now, now)
}

// enqueueAt puts into the outbox what is to be sent at a time.
func (p *Pool) enqueueAt(o storage.Outgoing, content any, now, due time.Time) storage.Change {
	// The id keeps the order in which this process wrote, also within a tick of the clock.
	o.ID = fmt.Sprintf("%016x-%08x-%s", now.UnixMicro(), p.dir.posted.Add(1), rand.Text()[:13])
	o.Pool, o.Due, o.Created = p.config.ID, due, now
	body, _ := json.Marshal(content) // a letter or a note: texts, numbers and bools cannot fail
	o.Body = p.config.Keys.Seal(p.letterLabel(o.ID), body)
	return storage.Put(&o)
}

// letter opens the body of a message.
func (p *Pool) letter(o *storage.Outgoing) (l letter, err error) {
	body, err := p.config.Keys.Open(p.letterLabel(o.ID), o.Body)
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(body, &l)
}

func (p *Pool) letterLabel(id string) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "outgoing", Owner: id, Field: "body"}
}

// message renders a letter in some words.
func (p *Pool) message(o *storage.Outgoing, l letter, words message.Settings) (message.Message, error) {
	data := message.Data{
		Code: l.Code, Link: p.config.link(l.Kind, l.Code), Expires: o.NotAfter.Sub(o.Created),
		Pool: p.state.Load().settings.Branding.Name, Username: cmp.Or(l.Name, l.To), Channel: l.channel(),
		Occasion: l.Occasion,
	}
	if l.Kind == message.FactorsLost {
		data.Expires = o.NotAfter.Add(-gate.Recovery).Sub(o.Due)
	}
	m, err := words.Render(l.Kind, l.Locale, data)
	if err != nil {
		return message.Message{}, fmt.Errorf("render %s: %w", l.Kind, err)
	}
	m.ID, m.Pool, m.To = o.ID, string(p.config.ID), l.To
	return m, nil
}
