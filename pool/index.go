package pool

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// index says what users are listed by. It is a document of its own, and whoever puts a user requires
// it as it stands: so nobody who goes by an older one, in whatever process, leaves a user behind
// whom the walk over all users has passed already (storage.md B13).
type index struct {
	Names []string // searchable attributes, sorted: every user that is put stands under them
	Ready []string // those of Names, and storage.GroupTerm, that all users stand under
	Walk  bool     // not all users have the terms that they should have
	// Gone are groups that were deleted and may still have members. They give nothing to anybody,
	// not even where the settings have one of that name again, until all members are out.
	Gone []string

	stored *storage.Document // nil where there is none yet
}

// unfinished reports whether there is something for the chore to do.
func (x index) unfinished() bool { return x.Walk || len(x.Gone) > 0 }

// indexOf returns the index of a pool without users.
func indexOf(s Settings) index {
	x := index{Names: s.searchable()}
	x.Ready = append(slices.Clone(x.Names), storage.GroupTerm)
	return x
}

// searchable returns the attributes that lists are to find users by, sorted.
func (s Settings) searchable() (names []string) {
	for _, a := range s.Attributes {
		if a.Searchable {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	return names
}

// indexDocument returns the index as it is to be stored.
func (p *Pool) indexDocument(x index) *storage.Document {
	body, _ := json.Marshal(x) // texts and a flag cannot fail
	d := p.document(indexKind, only, body)
	if x.stored != nil {
		d.Version, d.Created = x.stored.Version, x.stored.Created
	}
	return d
}

// storedIndex reads the index; one that is not there is the zero index.
func (p *Pool) storedIndex(ctx context.Context) (x index, err error) {
	docs, err := p.documents(ctx, indexKind)
	if err != nil || len(docs) == 0 {
		return x, err
	}
	if err := json.Unmarshal(docs[0].Body, &x); err != nil {
		return x, fmt.Errorf("read what users are listed by: %w", err)
	}
	x.stored = docs[0]
	return x, nil
}

func (p *Pool) loadIndex(ctx context.Context, s *state) (err error) {
	s.index, err = p.storedIndex(ctx)
	return err
}

// reindexed adds to changes those that let the index follow settings that are to be stored; emptied
// are the groups that are deleted with them. An attribute that is searchable no more is found by no
// more from that commit on.
func (p *Pool) reindexed(
	ctx context.Context, changes []storage.Change, is Settings, emptied []string,
) ([]storage.Change, error) {
	x, err := p.storedIndex(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	names := is.searchable()
	if x.stored != nil && len(emptied) == 0 && slices.Equal(x.Names, names) {
		return changes, nil
	}
	next := index{Names: names, Walk: x.Walk || x.stored == nil || !slices.Equal(x.Names, names), stored: x.stored}
	for _, name := range x.Ready {
		if name == storage.GroupTerm || slices.Contains(names, name) {
			next.Ready = append(next.Ready, name)
		}
	}
	next.Gone = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(x.Gone), emptied...))))
	changes = append(changes, storage.Put(p.indexDocument(next)), storage.Delete(&storage.Counter{Key: p.walked()}))
	return p.searchable(ctx, changes, func(has []string) []string {
		return slices.DeleteFunc(has, func(name string) bool { return !slices.Contains(names, name) })
	})
}

// searchable lets the store answer by other names than it does, once the changes are committed: by
// the pool's record among them, or one change more.
func (p *Pool) searchable(
	ctx context.Context, changes []storage.Change, edit func([]string) []string,
) ([]storage.Change, error) {
	for _, c := range changes {
		if put, ok := c.(storage.PutRecord); ok {
			if record, ok := put.Record.(*storage.Pool); ok {
				record.Searchable = edit(slices.Clone(record.Searchable))
				return changes, nil
			}
		}
	}
	page, err := p.store.Pools(ctx, storage.PoolQuery{ID: p.config.ID})
	if err == nil && len(page.Pools) == 0 {
		err = storage.ErrNoPool
	}
	if err != nil {
		return nil, unavailable(err)
	}
	record := page.Pools[0]
	has := slices.Clone(record.Searchable)
	if record.Searchable = edit(slices.Clone(has)); slices.Equal(has, record.Searchable) {
		return changes, nil
	}
	return append(changes, storage.Put(record)), nil
}

// required returns the change that lets a user join groups only while the index is as it was when
// the groups were found to be there: where one of them is deleted meanwhile, its members are taken
// out, and nobody may come after them.
func (x index) required() []storage.Change {
	if x.stored == nil {
		return nil
	}
	return []storage.Change{storage.Require(x.stored)}
}

// indexed gives every user that is put the terms by which lists find them, and lets the commit pass
// only while these are the ones to have: by its last change, where ours is true.
func (p *Pool) indexed(changes []storage.Change) (all []storage.Change, ours bool) {
	s := p.state.Load()
	if s == nil || s.index.stored == nil {
		return changes, false
	}
	puts, required := false, false
	for _, c := range changes {
		switch c := c.(type) {
		case storage.PutRecord:
			u, ok := c.Record.(*user.User)
			if ok {
				u.Index = s.index.terms(u)
			}
			puts = puts || ok
		case storage.RequireRecord:
			d, ok := c.Record.(*storage.Document)
			required = required || ok && d.Kind == indexKind
		}
	}
	if !puts || required {
		return changes, false
	}
	return append(slices.Clip(changes), storage.Require(s.index.stored)), true
}

// outrun reports whether a commit failed because the index has moved under it, which was the last of
// its changes.
func outrun(err error, changes []storage.Change) bool {
	e, ok := errors.AsType[*storage.ChangeError](err)
	return ok && errors.Is(e, storage.ErrStale) && e.Index == len(changes)-1
}

// terms returns what u is listed by: a function of the user and the names alone.
func (x index) terms(u *user.User) (ts []user.Term) {
	if len(x.Names) > 0 {
		said := told(u)
		for _, name := range x.Names {
			if value := said[name]; value != "" {
				ts = append(ts, user.Term{Name: name, Value: cut(user.Comparable(name, value))})
			}
		}
	}
	for _, name := range u.Groups {
		ts = append(ts, groupTerm(name))
	}
	return ts
}

// maxGroupTerm is how long a group's name is that is a term as it is: a user may be in a hundred of
// longer ones, and has to fit into a record.
const maxGroupTerm = 32

// groupTerm returns the term of a group: its name, or a digest of a long one.
func groupTerm(name string) user.Term {
	if len(name) > maxGroupTerm {
		digest := sha256.Sum256([]byte(name))
		name = "#" + base64.RawURLEncoding.EncodeToString(digest[:16])
	}
	return user.Term{Name: storage.GroupTerm, Value: name}
}

// cut returns the first part of a value, which is all that the index keeps of it.
func cut(value string) string {
	if len(value) <= storage.MaxTerm {
		return value
	}
	n := storage.MaxTerm
	for n > 0 && !utf8.RuneStart(value[n]) {
		n--
	}
	return value[:n]
}
