package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

const clientKind = "client" // documents of it, by client

// keptClient is what a client has that is no policy. It is stored where the settings are in code,
// too.
type keptClient struct {
	// Since is when settings that are stored took the client in. What was given out before was to
	// another of the same id: one that comes back after it was taken away has nothing of it
	// (security.md S7), but for the seconds by which the clocks of two processes differ.
	Since   time.Time    `json:"since,omitzero"`
	Secrets []keptSecret `json:"secrets,omitempty"`
}

// keptSecret is a client secret as it is stored: whoever reads the database has nothing to show,
// nor to guess against (security.md T4).
type keptSecret struct {
	ID      string    `json:"id"`
	MAC     []byte    `json:"mac"`
	Created time.Time `json:"created"`
}

// loadClients reads what all clients have.
func (p *Pool) loadClients(ctx context.Context, s *state) error {
	docs, err := p.documents(ctx, clientKind)
	if err != nil {
		return err
	}
	s.clients = make(map[string]keptClient, len(docs))
	for _, d := range docs {
		if s.clients[d.ID], err = readKept(d); err != nil {
			return err
		}
	}
	return nil
}

func readKept(d *storage.Document) (k keptClient, err error) {
	if err := json.Unmarshal(d.Body, &k); err != nil {
		return k, fmt.Errorf("read what client %q has: %w", d.ID, err)
	}
	return k, nil
}

// put returns the change that stores what a client has from now on.
func (k keptClient) put(d *storage.Document, now time.Time) storage.Change {
	d.Body, _ = json.Marshal(k) // texts and times cannot fail
	d.Updated = now
	return storage.Put(d)
}

// predates reports whether a client was not yet the present one of its id at a time.
func (s *state) predates(client string, t time.Time) bool { return t.Before(s.clients[client].Since) }

// outlives reports whether a session is over, by the settings or because its client is another by
// now.
func (s *state) outlives(of *token.Session, now time.Time) bool {
	return s.settings.outlives(of, now) || s.predates(of.Client, of.Created)
}

// reborn returns the changes that go with settings that take clients in, drop them, or let them have
// secrets or not: none of those has a secret of before. A client that was made with an id of its own
// is left out, because nobody else ever had that.
func (p *Pool) reborn(ctx context.Context, was, is Settings, made string, now time.Time) ([]storage.Change, error) {
	ids := slices.Sorted(slices.Values(slices.Concat(was.clientIDs(), is.clientIDs())))
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool {
		a, had := was.client(id)
		b, has := is.client(id)
		return id == made || (had == nil) == (has == nil) && a.Confidential == b.Confidential
	})
	if len(ids) == 0 {
		return nil, nil
	}
	docs, err := p.documents(ctx, clientKind)
	if err != nil {
		return nil, unavailable(err)
	}
	var changes []storage.Change
	for _, id := range ids {
		_, had := was.client(id)
		_, has := is.client(id)
		at := slices.IndexFunc(docs, func(d *storage.Document) bool { return d.ID == id })
		switch {
		case has == nil && had != nil && at < 0:
			changes = append(changes, keptClient{Since: now}.put(p.document(clientKind, id, nil), now))
		case has == nil && had != nil:
			changes = append(changes, keptClient{Since: now}.put(docs[at], now))
		case at < 0: // nothing was ever kept of it
		case has != nil:
			changes = append(changes, storage.Delete(docs[at]))
		default:
			kept, err := readKept(docs[at])
			if err != nil {
				return nil, unavailable(err)
			}
			changes = append(changes, keptClient{Since: kept.Since}.put(docs[at], now))
		}
	}
	return changes, nil
}
