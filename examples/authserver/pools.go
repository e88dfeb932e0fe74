package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

func listPools(c *call) (any, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	return c.dir.Pools(c.Context(), c.actor, pool.PoolQuery{After: c.FormValue("after"), Limit: limit})
}

// limit returns how long a page is to be.
func (c *call) limit() (int, error) {
	text := c.FormValue("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%w: limit is a number", errRequest)
	}
	return n, nil
}

// createPool makes a pool, with a client for its pages. It may be tried again: where an earlier try
// has made the pool that is a conflict.
func createPool(c *call) (any, error) {
	var in struct {
		ID       string
		Settings pool.Settings
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if !poolID.MatchString(in.ID) {
		return nil, fmt.Errorf("%w: id is 1 to 63 of a-z, 0-9 and '-'", errRequest)
	}
	isPages := func(k pool.Client) bool { return k.ID == pagesClient }
	if !slices.ContainsFunc(in.Settings.Clients, isPages) {
		in.Settings.Clients = append(in.Settings.Clients, pool.Client{ID: pagesClient, Name: "Hosted pages"})
	}
	if !slices.ContainsFunc(in.Settings.Clients, servesPages) {
		return nil, errPagesClient
	}
	if err := fits(c.Context(), c.dir, c.site); err != nil { // it would be of use at this node alone
		return nil, err
	}
	p, err := c.dir.Create(c.Context(), c.actor, user.PoolID(in.ID), c.site.issuer(in.ID), in.Settings)
	if err != nil {
		return nil, err
	}
	pages := p.Issuer() + pagesPath + "/sign-in"
	return made{map[string]any{"ID": p.ID(), "Issuer": p.Issuer(), "Pages": pages}}, nil
}

// servesPages reports whether a client is that of the pages, and as they need it.
func servesPages(k pool.Client) bool {
	signsIn := k.Flows == nil || slices.Contains(k.Flows, pool.FlowPassword)
	return k.ID == pagesClient && !k.Confidential && signsIn
}

func showPool(c *call) (any, error) {
	n, err := c.admin.CountUsers(c.Context())
	return map[string]any{"ID": c.pool.ID(), "Issuer": c.pool.Issuer(), "Users": n}, err
}

func deletePool(c *call) (any, error) {
	return nil, c.dir.Delete(c.Context(), c.actor, user.PoolID(c.PathValue("pool")))
}

var (
	errVersion     = errors.New("send the ETag of the settings that you have read as If-Match")
	errPagesClient = errors.New(`the pages sign in to the client "` + pagesClient + `", which stays, public and with passwords`)
)

func showSettings(c *call) (any, error) {
	s, v, err := c.admin.Settings(c.Context())
	if err == nil {
		c.w.Header().Set("ETag", strconv.Quote(string(v)))
	}
	return s, err
}

// putSettings replaces the settings that were read, and no others: of two operators at once the
// second hears of it.
func putSettings(c *call) (any, error) {
	var s pool.Settings
	if err := c.read(&s); err != nil {
		return nil, err
	}
	v := strings.Trim(c.Header.Get("If-Match"), `"`)
	switch {
	case v == "":
		return nil, errVersion
	case !slices.ContainsFunc(s.Clients, servesPages):
		return nil, errPagesClient
	}
	return nil, c.admin.PutSettings(c.Context(), s, pool.Version(v))
}

func listClients(c *call) (any, error) {
	s, _, err := c.admin.Settings(c.Context())
	return s.Clients, err
}

func createClient(c *call) (any, error) {
	var in pool.Client
	if err := c.read(&in); err != nil {
		return nil, err
	}
	k, err := c.admin.CreateClient(c.Context(), in)
	return made{k}, err
}

// putClient replaces a client, but for its id and its secrets.
func putClient(c *call) (any, error) {
	var in pool.Client
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if in.ID = c.PathValue("client"); in.ID == pagesClient && !servesPages(in) {
		return nil, errPagesClient
	}
	return c.admin.UpdateClient(c.Context(), in.ID, func(k *pool.Client) { *k = in })
}

func deleteClient(c *call) (any, error) {
	if c.PathValue("client") == pagesClient {
		return nil, errPagesClient
	}
	return nil, c.admin.DeleteClient(c.Context(), c.PathValue("client"))
}

func listSecrets(c *call) (any, error) {
	all, err := c.admin.ListClientSecrets(c.Context(), c.PathValue("client"))
	ids := map[string]any{}
	for _, s := range all {
		ids[s.ID] = s.Created
	}
	return ids, err
}

func addSecret(c *call) (any, error) {
	s, err := c.admin.AddClientSecret(c.Context(), pool.AddClientSecretInput{Client: c.PathValue("client")})
	return made{map[string]string{"ID": s.ID, "Secret": s.Value.Reveal()}}, err
}

func deleteSecret(c *call) (any, error) {
	return nil, c.admin.DeleteClientSecret(c.Context(), c.PathValue("client"), c.PathValue("secret"))
}
