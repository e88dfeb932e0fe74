package pool

import (
	"context"

	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
)

// The documents of a pool, by kind.
const (
	settingsKind = "settings" // two: the policy, and how user names are compared
	poolKeyKind  = "pool-key" // one, what must never change (security.md T8)
	signingKind  = "signing"  // by key id
	indexKind    = "index"    // one, what users are listed by
	checkKind    = "keyring"  // by id of a ring key: proves that a ring can open what it should
	only         = "pool"     // id of a kind's only document, and of the policy
	namesID      = "names"    // id of how user names are compared
)

const checkText = "userpool keyring check"

// documents returns all documents of a kind.
func (p *Pool) documents(ctx context.Context, kind string) (docs []*storage.Document, err error) {
	q := storage.DocumentQuery{Kind: kind}
	for {
		page, err := p.store.Documents(ctx, p.config.ID, q)
		if err != nil {
			return nil, err
		}
		docs = append(docs, page.Documents...)
		if page.Next == "" {
			return docs, nil
		}
		q.After = page.Next
	}
}

func (p *Pool) document(kind, id string, body []byte) *storage.Document {
	now := p.now()
	return &storage.Document{Pool: p.config.ID, Kind: kind, ID: id, Body: body, Created: now, Updated: now}
}

// sealed returns a document that only a process with the ring can read.
func (p *Pool) sealed(kind, id string, secret []byte) *storage.Document {
	return p.document(kind, id, p.config.Keys.Seal(p.label(kind, id), secret))
}

// check returns the document that shows which key of the ring seals now.
func (p *Pool) check() *storage.Document {
	d := p.sealed(checkKind, "", []byte(checkText))
	d.ID, _ = p.config.Keys.KeyID(d.Body)
	d.Body = p.config.Keys.Seal(p.label(checkKind, d.ID), []byte(checkText))
	return d
}

// open reads a sealed document.
func (p *Pool) open(d *storage.Document) ([]byte, error) {
	return p.config.Keys.Open(p.label(d.Kind, d.ID), d.Body)
}

func (p *Pool) label(kind, id string) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: kind, Owner: id, Field: "body"}
}
