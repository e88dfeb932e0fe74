package pool

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
)

// mailRule is how many messages strangers can cause to one address: Cognito's five an hour. Beyond
// it nothing is sent, and the visitor's answer is the same (security.md T7).
var mailRule = storage.Rule{Free: 5, Window: time.Hour}

// letter is what an outgoing message will be made from. It is stored sealed.
type letter struct {
	Kind   message.Kind `json:"kind"`
	To     string       `json:"to"`
	Locale string       `json:"locale,omitempty"`
	Code   string       `json:"code,omitempty"`
	Void   bool         `json:"void,omitempty"` // to be dropped unsent
}

// post returns the change that puts l into the outbox. It dies with its ticket.
func (p *Pool) post(t *storage.Ticket, l letter, now time.Time) storage.Change {
	id := rand.Text()
	body, _ := json.Marshal(l) // strings and a bool cannot fail
	return storage.Put(&storage.Outgoing{
		Pool: p.config.ID, ID: id, Owner: t.User, Ticket: t.ID, Body: p.config.Keys.Seal(p.letterLabel(id), body),
		Due: now, NotAfter: t.Expires, Created: now,
	})
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

// message renders a letter.
func (p *Pool) message(o *storage.Outgoing, l letter) (message.Message, error) {
	subject, text, html, err := message.Render(l.Kind, message.Data{Code: l.Code, Expires: o.NotAfter.Sub(o.Created)})
	if err != nil {
		return message.Message{}, fmt.Errorf("render %s: %w", l.Kind, err)
	}
	return message.Message{
		ID: o.ID, Pool: string(p.config.ID), Channel: message.Email, Kind: l.Kind,
		To: l.To, Locale: l.Locale, Subject: subject, Text: text, HTML: html,
	}, nil
}
