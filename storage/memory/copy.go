package memory

import (
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// cut brings a time to the precision in which it is kept.
func cut(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func cutAll(times ...*time.Time) {
	for _, t := range times {
		*t = cut(*t)
	}
}

// The functions below make the row of a record, a copy of it under its new stamp; see pack for
// users.

func poolRow(p *storage.Pool, stamp int64) *storage.Pool {
	c := p.Clone()
	c.Version = stamp
	cutAll(&c.Created)
	return c
}

func sessionRow(s *token.Session, stamp int64) *token.Session {
	c := s.Clone()
	c.Version = stamp
	cutAll(&c.Created, &c.LastUsed, &c.Expires, &c.Rotated)
	for i := range c.Proofs {
		cutAll(&c.Proofs[i].Time)
	}
	return c
}

func ticketRow(t *storage.Ticket, stamp int64) *storage.Ticket {
	c := t.Clone()
	c.Version = stamp
	cutAll(&c.Created, &c.Expires)
	return c
}

func documentRow(d *storage.Document, stamp int64) *storage.Document {
	c := d.Clone()
	c.Version = stamp
	cutAll(&c.Created, &c.Updated)
	return c
}

func outgoingRow(o *storage.Outgoing, stamp int64) *storage.Outgoing {
	c := o.Clone()
	c.Version = stamp
	cutAll(&c.Due, &c.NotAfter, &c.Created)
	return c
}

func revocationRow(r *storage.Revocation) *storage.Revocation {
	c := *r
	cutAll(&c.Expires)
	return &c
}

func eventRow(e *storage.Event) *storage.Event {
	c := e.Clone()
	c.Seal = 0
	cutAll(&c.Time)
	return c
}

func sealRow(s storage.SealRecord) *storage.SealRecord {
	c := s.Clone()
	cutAll(&c.Time)
	return c
}

func counterRow(c storage.Counter) *storage.Counter {
	cutAll(&c.Start, &c.Until, &c.Expires)
	return &c
}
