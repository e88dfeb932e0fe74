package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
)

// EventSettings say for how long the pool's history is kept.
type EventSettings struct {
	// Keep is how long an event is kept at least: 1 day to 100 years; 0 means two years, as in
	// Cognito. Older events go within hours, by whole seals. What is kept verifies as before, from
	// a signed anchor on, and nobody else can take anything away unseen. But where settings are
	// kept in the database, who writes it can lower this one there, to a day: put it in code where
	// that matters.
	Keep time.Duration
}

func (e EventSettings) defaults() EventSettings {
	e.Keep = orElse(e.Keep, 2*365*24*time.Hour)
	return e
}

func (e EventSettings) problems() []string {
	if e.Keep < 24*time.Hour || e.Keep > 100*365*24*time.Hour {
		return []string{fmt.Sprintf("events: %v is not within a day and 100 years", e.Keep)}
	}
	return nil
}

const (
	anchorKind  = "event-anchor" // of a document: one, the newest seal that was dropped
	retainEvery = time.Hour
	retainBatch = 5000 // events that are verified at a time, so that sealing does not wait for it for long
	trimBatch   = 1000
)

var errAnchor = errors.New("the anchor of the history was not made with the pool's keyring")

// anchor returns the newest seal that was dropped, zero where none was, with the document that says
// so. It is sealed: who writes the database can put back an older one, which shows because what it
// precedes is gone, and can make none.
func (p *Pool) anchor(ctx context.Context) (SealHead, *storage.Document, error) {
	var h SealHead
	key := storage.DocumentKey{Kind: anchorKind, ID: only}
	got, err := p.store.Read(ctx, p.config.ID, storage.Want{Now: p.now(), Documents: []storage.DocumentKey{key}})
	if err != nil || len(got.Documents) == 0 || got.Documents[0] == nil {
		return h, nil, err
	}
	text, err := p.open(got.Documents[0])
	if err != nil || json.Unmarshal(text, &h) != nil {
		return SealHead{}, got.Documents[0], errAnchor
	}
	return h, got.Documents[0], nil
}

// record returns what the next seal must follow; nil where there is none.
func (h SealHead) record() *storage.SealRecord {
	if h.Number == 0 {
		return nil
	}
	return &storage.SealRecord{Number: h.Number, Digest: h.Digest}
}

// retain drops what is older than the settings keep, once an hour, if this process is the sealer: a
// batch in each round until nothing is left to drop, or it fails.
func (s *sealer) retain(ctx context.Context) error {
	now := s.now()
	if since := now.Sub(s.retained); since >= 0 && since < retainEvery {
		return nil
	}
	if held, err := s.hold(ctx); err != nil || !held {
		return err
	}
	more, err := s.drop(ctx, now.Add(-s.state.Load().settings.Events.Keep))
	if s.retaining = more; !more {
		s.retained = now
	}
	return err
}

// drop moves the anchor to the newest seal before a time, or a batch towards it, and only then
// erases what it covers: where it stops half-way, the history verifies, and the next round goes on.
func (s *sealer) drop(ctx context.Context, before time.Time) (more bool, err error) {
	from, doc, err := s.anchor(ctx)
	if err != nil {
		return false, err
	}
	to, more, err := s.expired(ctx, from, before)
	if err != nil {
		return false, err
	}
	if to.Number > from.Number {
		body, _ := json.Marshal(to) // a number and bytes cannot fail
		moved := s.sealed(anchorKind, only, body)
		if doc != nil {
			moved.Version, moved.Created = doc.Version, doc.Created
		}
		if err := s.commit(ctx, storage.Put(moved)); err != nil {
			return false, err
		}
	}
	for left := to.Number > 0; left; {
		if left, err = s.store.Trim(ctx, s.config.ID, to.Number, trimBatch); err != nil {
			return false, err
		}
	}
	return more, nil
}

// expired returns the newest of the seals after from that are older than a time, never the newest
// of all, or where there are more than a batch has, one on the way. Each is verified first: one
// whose time was changed, say, must not take the proof of it away.
func (s *sealer) expired(ctx context.Context, from SealHead, before time.Time) (to SealHead, more bool, err error) {
	a := audit{Pool: s.Pool}
	head, err := a.head(ctx)
	to, previous := from, from.record()
	for n := from.Number + 1; err == nil && n < head.Number; n++ {
		if a.report.Sealed >= retainBatch {
			return to, true, nil
		}
		page, err := s.store.Events(ctx, s.config.ID, storage.EventQuery{Seal: n, Limit: 1})
		if err != nil {
			return from, false, err
		}
		if page.Seal != nil && !page.Seal.Time.Before(before) {
			break
		}
		if previous, err = a.seal(ctx, n, previous); err != nil {
			return from, false, err
		}
		if !a.report.Intact() {
			return from, false, fmt.Errorf("the history is broken and is kept: %s", a.report.Problems[0])
		}
		if held, err := s.hold(ctx); err != nil || !held {
			return from, false, err
		}
		to = SealHead{n, previous.Digest}
	}
	return to, false, err
}
