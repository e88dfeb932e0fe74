package storagetest_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/user"
)

// edited is a store that makes other commits than it was asked for.
type edited struct {
	storage.Store
	edit func(changes []storage.Change) []storage.Change
}

func (s edited) Commit(ctx context.Context, changes ...storage.Change) error {
	return s.Store.Commit(ctx, s.edit(slices.Clone(changes))...)
}

// each edits every change of a kind.
func each[C storage.Change](edit func(c C) storage.Change) func([]storage.Change) []storage.Change {
	return func(changes []storage.Change) []storage.Change {
		out := changes[:0]
		for _, c := range changes {
			if c, is := c.(C); is {
				if c := edit(c); c != nil {
					out = append(out, c)
				}
				continue
			}
			out = append(out, c)
		}
		return out
	}
}

// puts edits a copy of every record of a kind that is put.
func puts[R storage.Record](edit func(r R)) func([]storage.Change) []storage.Change {
	return each(func(c storage.PutRecord) storage.Change {
		if r, is := c.Record.(R); is {
			other := reflect.New(reflect.TypeOf(r).Elem())
			other.Elem().Set(reflect.ValueOf(r).Elem())
			c.Record = other.Interface()
			edit(c.Record.(R))
		}
		return c
	})
}

func TestModelCatches(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func([]storage.Change) []storage.Change{
		"Require is ignored":    each(func(storage.RequireRecord) storage.Change { return nil }),
		"Defer is ignored":      each(func(storage.Defer) storage.Change { return nil }),
		"Clear is ignored":      each(func(storage.Clear) storage.Change { return nil }),
		"a count is lenient":    each(func(c storage.Count) storage.Change { c.Rule.Free++; return c }),
		"a count is unexpected": each(expectNothing),
		"a mark is too high":    each(func(c storage.Raise) storage.Change { c.N++; return c }),
		"index terms are lost": puts(func(u *user.User) {
			u.Index = nil
		}),
		"groups are lost":        puts(func(u *user.User) { u.Groups = nil }),
		"a message lives on":     puts(func(o *storage.Outgoing) { o.NotAfter = time.Time{} }),
		"a message lost its tie": puts(func(o *storage.Outgoing) { o.Ticket = "" }),
		"a ticket lives on":      puts(func(t *storage.Ticket) { t.Expires = t.Expires.Add(time.Minute) }),
		"a ticket lost its user": puts(func(t *storage.Ticket) { t.User = "" }),
		"seals are not kept":     each(func(storage.Seal) storage.Change { return nil }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := storagetest.Adapter{New: adapter.New, Open: func(context.Context, string) (storage.Store, error) {
				return edited{memory.New(), edit}, nil
			}}
			if err := storagetest.Model(t, a, 1, 3000); err == nil {
				t.Error("3000 steps of the model check did not tell this store from a sound one")
			}
		})
	}
}
