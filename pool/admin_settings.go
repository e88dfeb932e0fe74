package pool

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
)

// Version names the stored settings as they were read. It is good until somebody changes them; ""
// names none.
type Version string

// Settings returns the stored policy with its defaults written out, as of now rather than of what
// this process knows, and the version to change it by. Where [Config].Settings are given they are
// what the process that opened the pool last has published: another than this one's show that two
// of them differ. It fails with a *[SettingsError] where a newer version of this library has stored
// what this one does not know. It costs one read.
func (a *Admin) Settings(ctx context.Context) (Settings, Version, error) {
	if err := a.reads(ctx, MayReadSettings); err != nil {
		return Settings{}, "", err
	}
	stored, s, _, err := a.pool.storedSettings(ctx)
	if err != nil {
		return Settings{}, "", err
	}
	return s, version(stored), nil
}

// PutSettings replaces the policy, all of it: begin with what [Admin.Settings] returned, and give
// its version. It binds here at once, and in every process each call that reads afterwards: every
// sign-in and refresh among them (security.md S18). What it newly allows another process may refuse
// for a second more, unread. No session ends by it; what a session may still do the new policy says.
// A client that it leaves out is gone as by [Admin.DeleteClient]: put back, it has neither secrets nor
// sessions of before.
//
// It fails with [ErrStale] where the settings are not those of v any more, with a *[SettingsError]
// that lists all that is wrong with s, and with [ErrFixedInCode] where [Config].Settings are given.
// Then nothing has changed. What is lacking in the Config of other processes only they know: one
// that cannot keep to the new settings fails with [ErrUnavailable], closed, rather than go on by the
// old ones. It costs a read and a commit, and each process a few reads.
func (a *Admin) PutSettings(ctx context.Context, s Settings, v Version) error {
	return a.revise(ctx, settingsEvent, func(r *revision) error {
		if v != version(r.stored) {
			return ErrStale
		}
		r.Settings = s
		return nil
	})
}

// version names the settings in a document.
func version(d *storage.Document) Version { return Version(strconv.FormatInt(d.Version, 36)) }

// revision is a change of the stored settings while it is made.
type revision struct {
	Settings                  // as stored, with defaults: to be changed in place
	changes  []storage.Change // to be committed with them
	reason   string           // of the event; "" names the fields of Settings that change
	client   string           // that it is about; "" means none alone
	made     string           // the client whose id was made for it; "" means none
	now      time.Time
	stored   *storage.Document
}

// revise changes the stored settings: it reads them afresh, lets edit change what it finds, checks
// the whole, and commits it on the stamp that was read, with the further changes of edit and an
// event of the kind given; again where somebody else was first, so that edit may be called several
// times. All that administrators change of the settings goes through it.
//
// It fails with what edit fails with, with a *[SettingsError] that lists all that is wrong with what
// edit made, with [ErrFixedInCode], and with [ErrForbidden]. Then nothing has changed. Where edit
// changes nothing, nothing is committed. Afterwards the settings are in force in this process.
func (a *Admin) revise(ctx context.Context, kind string, edit func(r *revision) error) error {
	p := a.pool
	if _, err := again(func() (struct{}, error) { return struct{}{}, a.reviseOnce(ctx, kind, edit) }); err != nil {
		return err
	}
	// The change is made. Whoever reads meets its epoch and asks for the settings again, so that a
	// failure here loses nothing.
	if err := p.reload(ctx); err != nil {
		p.config.Logger.WarnContext(ctx, "settings are not loaded yet", "pool", p.config.ID, "error", err)
	}
	return nil
}

func (a *Admin) reviseOnce(ctx context.Context, kind string, edit func(r *revision) error) error {
	p := a.pool
	by, err := a.may(ctx, MayWriteSettings)
	if err != nil {
		return a.refused(ctx, kind, nil, err)
	}
	if p.config.Settings != nil {
		return ErrFixedInCode
	}
	stored, was, names, err := p.storedSettings(ctx)
	if err != nil {
		return err
	}
	before, err := was.encode()
	if err != nil {
		return err
	}
	r := revision{Settings: was.copied(), now: p.now(), stored: stored}
	if err := edit(&r); err != nil {
		return err
	}
	is := r.defaults()
	if ps := append(is.problems(), p.config.lacks(is)...); len(ps) > 0 {
		return &SettingsError{ps}
	}
	if err := by.gives(was.roles(nil), is.roles(nil)); err != nil {
		return a.refused(ctx, kind, nil, err)
	}
	body, err := is.encode()
	if err != nil {
		return err
	}
	if bytes.Equal(body, before) && len(r.changes) == 0 {
		return nil
	}
	more, err := p.entailed(ctx, &r, was, is, names)
	if err != nil {
		return err
	}
	o := a.did(kind, nil, r.reason)
	if o.Reason == "" {
		o.Reason = strings.Join(changed(was, is), " ")
	}
	o.Client = r.client
	stored.Body, stored.Updated = body, r.now
	r.changes = append(append(r.changes, more...), storage.Put(stored), p.event(r.now, o))
	return foreign(p.commit(ctx, append(r.changes, by.still...)...))
}

// entailed returns the changes that go with a change of the settings: of how names are compared, of
// what clients have, of the names of the pool and of what users are listed by.
func (p *Pool) entailed(ctx context.Context, r *revision, was, is Settings, names naming) ([]storage.Change, error) {
	changes, err := p.recase(ctx, names, is.SignIn)
	if err != nil {
		return nil, err
	}
	clients, err := p.reborn(ctx, was, is, r.made, r.now)
	if err != nil {
		return nil, err
	}
	changes = append(changes, clients...)
	if !slices.Equal(was.generated(), is.generated()) {
		own, err := p.ownNames(ctx, &is)
		if err != nil {
			return nil, err
		}
		changes = append(changes, own...)
	}
	gone := without(was.Groups, is.Groups)
	if len(gone) == 0 && slices.Equal(was.searchable(), is.searchable()) {
		return changes, nil
	}
	return p.reindexed(ctx, changes, is, gone)
}

// storedSettings reads the document of the settings, what stands in it, and how names are compared.
func (p *Pool) storedSettings(ctx context.Context) (d *storage.Document, s Settings, n naming, err error) {
	got, err := p.read(ctx, storage.Want{Now: p.now(), Documents: []storage.DocumentKey{
		{Kind: settingsKind, ID: only}, {Kind: settingsKind, ID: namesID},
	}})
	if err != nil {
		return nil, s, n, err
	}
	if d = got.Documents[0]; d == nil {
		return nil, s, n, fmt.Errorf("%w: the pool has no settings", ErrUnavailable)
	}
	if n, err = parseNaming(got.Documents[1], d); err != nil {
		return nil, s, n, err
	}
	s, err = decodeSettings(d.Body)
	return d, s, n, err
}

// changed names the fields of settings that differ, for the history: not their values, which may be
// long.
func changed(was, is Settings) (names []string) {
	a, b := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range a.NumField() {
		before, _ := json.Marshal(a.Field(i).Interface())
		after, _ := json.Marshal(b.Field(i).Interface())
		if !bytes.Equal(before, after) {
			names = append(names, a.Type().Field(i).Name)
		}
	}
	return names
}
