package pool

import (
	"context"
	"slices"
)

// CreateClient adds an app client under an id that is made for it ([NewClientID]), and returns it
// with its defaults written out. One that is confidential can do nothing before it has a secret
// ([Admin.AddClientSecret]). Where the pool had a single client, calls that name none fail with
// [ErrUnknownClient] from now on, those of package hosted among them: name it there before.
//
// It fails as [Admin.PutSettings] does, and with a *[ValidationError] where the client has an id: an
// id that is chosen, such as "web", is for PutSettings. It costs two reads and one commit.
func (a *Admin) CreateClient(ctx context.Context, c Client) (Client, error) {
	if c.ID != "" {
		return Client{}, &ValidationError{[]FieldError{{Field: "ID", Reason: "must be left out: one is made"}}}
	}
	c.ID = NewClientID()
	err := a.revise(ctx, createClientEvent, func(r *revision) error {
		r.Clients, r.client, r.made = append(r.Clients, c), c.ID, c.ID
		return nil
	})
	if err != nil {
		return Client{}, err
	}
	return c.defaults(), nil
}

// UpdateClient changes an app client. Change is given what is stored, with its defaults, so that what
// it leaves alone stays; it may be called again where somebody else was first. An id stays as it is.
// One that ceases to be confidential loses its secrets.
//
// It fails as [Admin.PutSettings] does, and with [ErrUnknownClient]. It costs one read and one
// commit.
func (a *Admin) UpdateClient(ctx context.Context, id string, change func(*Client)) (Client, error) {
	var is Client
	err := a.revise(ctx, updateClientEvent, func(r *revision) error {
		i, err := r.place(id)
		if err != nil {
			return err
		}
		change(&r.Clients[i])
		if r.Clients[i].ID != id {
			return &ValidationError{[]FieldError{{Field: "ID", Reason: "must stay as it is"}}}
		}
		is, r.client = r.Clients[i].defaults(), id
		return nil
	})
	if err != nil {
		return Client{}, err
	}
	return is, nil
}

// DeleteClient takes an app client out of the pool, with its secrets: its tickets and tokens are
// good for nothing from then on, on every node (security.md T3), also where another is given the same
// id later. The last client stays, because a pool without any has the one named "default".
//
// It fails as [Admin.PutSettings] does, and with [ErrUnknownClient]. It costs three reads and one
// commit.
func (a *Admin) DeleteClient(ctx context.Context, id string) error {
	return a.revise(ctx, deleteClientEvent, func(r *revision) error {
		i, err := r.place(id)
		if err != nil {
			return err
		}
		if len(r.Clients) == 1 {
			return &SettingsError{[]string{"the last client stays: make another first"}}
		}
		r.Clients = slices.Delete(r.Clients, i, i+1)
		r.client = id
		return nil
	})
}

// place returns where a client stands in the settings.
func (s Settings) place(id string) (int, error) {
	i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return 0, ErrUnknownClient
	}
	return i, nil
}
