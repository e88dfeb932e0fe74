package pool

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
)

// SealHead names the newest seal of a history, and with it all that was sealed by then.
type SealHead struct {
	Number int64  // 1, 2, 3, ...; 0 means that there is no seal yet
	Digest []byte // SHA-256
}

// EventReport is what [Pool.VerifyEvents] found.
type EventReport struct {
	Head   SealHead
	Sealed int // events in seals
	// Dropped is the newest seal that the pool itself has dropped, because it was older than
	// [EventSettings] keep; 0 means none. Verification starts after it.
	Dropped int64
	// Unsealed is how many events are in no seal yet: normally those of the last second. They are
	// whole as they stand, but nothing proves that none was changed or taken away.
	Unsealed int
	Oldest   time.Time      // of the unsealed; zero means that there is none
	Problems []EventProblem // what is broken; the first hundred
}

// Intact reports whether nothing is broken.
func (r EventReport) Intact() bool { return len(r.Problems) == 0 }

// EventProblem is one thing that is broken in a pool's history.
type EventProblem struct {
	Seal   int64  // 0 means the unsealed tail
	Event  string // id; "" means the seal as a whole
	Reason string
}

// String says it in a line.
func (p EventProblem) String() string {
	if p.Event == "" {
		return fmt.Sprintf("seal %d: %s", p.Seal, p.Reason)
	}
	return fmt.Sprintf("seal %d: event %s: %s", p.Seal, p.Event, p.Reason)
}

const maxProblems = 100

// VerifyEvents checks the pool's history: that each event is what was written, that each seal holds
// the events it was made of, that seals follow each other without a gap, and that all were made
// with the pool's keyring, which is not in the database (security.md T10). Whoever can write the
// database cannot hide that an event was changed or added, nor that a sealed one was moved or taken
// away. They can cut off the newest seals with their events while no process runs: keep the Head of
// a report, or what [Config.Sealed] is handed, outside, and give it to a later call, which then
// finds that too. A head of what was dropped for its age is not compared.
//
// What is broken stands in the report; the error is the store's. It reads the whole history, a
// thousand events at a time; a hundred thousand of them take a third of a second of processor time,
// and what the store needs.
func (p *Pool) VerifyEvents(ctx context.Context, kept ...SealHead) (EventReport, error) {
	if p.closed.Load() {
		return EventReport{}, ErrClosed
	}
	for {
		a := audit{Pool: p, kept: map[int64][]byte{}}
		for _, h := range kept {
			a.kept[h.Number] = h.Digest
		}
		if err := a.run(ctx, kept); err != nil {
			return a.report, unavailable(err)
		}
		switch h, _, err := p.anchor(ctx); {
		case errors.Is(err, errAnchor), err == nil && h.Number == a.report.Dropped:
			return a.report, nil
		case err != nil:
			return a.report, unavailable(err)
		} // else seals went while they were read
	}
}

// audit is one walk over a history.
type audit struct {
	*Pool
	kept   map[int64][]byte // digests by number of seal
	walked bool             // the tail, at least once
	report EventReport
}

// run walks the seals, and then the tail. Where the sealer takes events out of the tail meanwhile,
// it goes on with the new seals.
func (a *audit) run(ctx context.Context, kept []SealHead) error {
	anchor, _, err := a.anchor(ctx)
	if errors.Is(err, errAnchor) {
		a.broken(1, "", errAnchor.Error()) // what it says was dropped counts as gone
	} else if err != nil {
		return err
	}
	if digest := a.kept[anchor.Number]; digest != nil && !bytes.Equal(digest, anchor.Digest) {
		a.broken(anchor.Number, "", "it is not the seal that was kept outside")
	}
	a.report.Dropped, a.report.Head = anchor.Number, anchor
	previous := anchor.record()
	for {
		head, err := a.head(ctx)
		if err != nil {
			return err
		}
		if a.walked && head.Number == a.report.Head.Number {
			break
		}
		for n := a.report.Head.Number + 1; n <= head.Number; n++ {
			if previous, err = a.seal(ctx, n, previous); err != nil {
				return err
			}
		}
		a.report.Head = head
		if err := a.tail(ctx); err != nil {
			return err
		}
	}
	if anchor.Number > 0 && a.report.Head.Number <= anchor.Number { // one after it always stays
		a.broken(anchor.Number+1, "", "the seal is gone")
	}
	for _, h := range kept {
		if h.Number > a.report.Head.Number {
			a.broken(h.Number, "", "the seal is gone")
		}
	}
	return a.beyond(ctx)
}

// head returns the newest seal.
func (a *audit) head(ctx context.Context) (SealHead, error) {
	page, err := a.store.Events(ctx, a.config.ID, storage.EventQuery{Unsealed: true, Limit: 1})
	if err != nil || page.Seal == nil {
		return SealHead{}, err
	}
	return SealHead{page.Seal.Number, page.Seal.Digest}, nil
}

// beyond looks for events of a seal after the newest: those that whoever cut it off left behind.
func (a *audit) beyond(ctx context.Context) error {
	n := a.report.Head.Number + 1
	page, err := a.store.Events(ctx, a.config.ID, storage.EventQuery{Seal: n, Limit: 1})
	if err == nil && page.Seal == nil && len(page.Events) > 0 {
		a.broken(n, "", "the seal is gone, and its events are left")
	}
	return err
}

// tail checks the events that are in no seal, in place of what an earlier look at them found.
func (a *audit) tail(ctx context.Context) error {
	a.report.Unsealed, a.report.Oldest, a.walked = 0, time.Time{}, true
	a.report.Problems = slices.DeleteFunc(a.report.Problems, func(p EventProblem) bool { return p.Seal == 0 })
	q := storage.EventQuery{Unsealed: true}
	for {
		page, err := a.store.Events(ctx, a.config.ID, q)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			a.event(0, e)
		}
		if q.After == "" && len(page.Events) > 0 {
			a.report.Oldest = page.Events[0].Time
		}
		a.report.Unsealed += len(page.Events)
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// seal checks a seal that follows previous; nil means that there is none to compare with.
func (a *audit) seal(ctx context.Context, n int64, previous *storage.SealRecord) (*storage.SealRecord, error) {
	events, r, err := a.events(ctx, storage.EventQuery{Seal: n}, sealBatch+1)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		a.event(n, e)
	}
	a.report.Sealed += len(events)
	if r == nil {
		a.broken(n, "", "the seal is gone")
		return nil, nil
	}
	if kept := a.kept[n]; kept != nil && !bytes.Equal(kept, r.Digest) {
		a.broken(n, "", "it is not the seal that was kept outside")
	}
	switch {
	case r.Number != n:
		a.broken(n, "", fmt.Sprintf("it says that it is seal %d", r.Number))
	case n == 1 && len(r.Previous) > 0, previous != nil && !bytes.Equal(r.Previous, previous.Digest):
		a.broken(n, "", "it does not follow the seal before")
	}
	if r.Count != len(events) {
		a.broken(n, "", fmt.Sprintf("it was made of %d events and holds %d", r.Count, len(events)))
	} else if !bytes.Equal(r.Digest, sealDigest(a.config.ID, *r, events)) {
		a.broken(n, "", "it was not made of these events in this order")
	}
	if !a.config.Keys.VerifyMAC(r.MAC, sealPurpose, r.Digest) {
		a.broken(n, "", "it was not made with the pool's keyring")
	}
	return r, nil
}

// event checks that an event is what its header and leaf say.
func (a *audit) event(seal int64, e *storage.Event) {
	var o occurrence
	switch {
	case !hmac.Equal(e.Leaf, a.state.Load().leaf(e)):
		a.broken(seal, e.ID, "its contents were changed")
	case json.Unmarshal(e.Header, &o) != nil:
		a.broken(seal, e.ID, "its header cannot be read")
	case o.Pool != e.Pool || o.ID != e.ID || o.Time != e.Time.UnixMicro() ||
		o.User != e.User || o.Kind != e.Kind || e.Seal != seal:
		a.broken(seal, e.ID, "its columns are not what the header says")
	}
}

func (a *audit) broken(seal int64, event, reason string) {
	if len(a.report.Problems) < maxProblems {
		a.report.Problems = append(a.report.Problems, EventProblem{seal, event, reason})
	}
}
