package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// operatorAPI is what operators see. Each call carries a token of theirs, and each act stands in the
// history of its pool under the name that goes with the token.
type operatorAPI struct {
	dir       *pool.Directory
	site      site
	operators []operator
	log       *slog.Logger
}

// routes lists the whole API. Bodies and answers are JSON; names of fields are those of package pool.
func (o *operatorAPI) routes(ready *readiness, counts *metrics) *http.ServeMux {
	mux := http.NewServeMux()
	ready.routes(mux)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		// Counts tell whether an address has a user: whoever else could read them tries one, and looks.
		if _, ok := o.who(r); !ok {
			refuse(w, r, o.log, pool.ErrNotAuthorized)
			return
		}
		counts.ServeHTTP(w, r)
	})
	for pattern, do := range map[string]func(*call) (any, error){
		"GET /pools":           listPools,  // ?after=&limit=
		"POST /pools":          createPool, // {"id":"acme","settings":{...}}
		"GET /pools/{pool}":    showPool,
		"DELETE /pools/{pool}": deletePool,

		"GET /pools/{pool}/settings": showSettings, // its ETag is the If-Match of
		"PUT /pools/{pool}/settings": putSettings,

		"GET /pools/{pool}/clients":                              listClients,
		"POST /pools/{pool}/clients":                             createClient, // its id is made
		"PUT /pools/{pool}/clients/{client}":                     putClient,
		"DELETE /pools/{pool}/clients/{client}":                  deleteClient,
		"GET /pools/{pool}/clients/{client}/secrets":             listSecrets,
		"POST /pools/{pool}/clients/{client}/secrets":            addSecret, // told once
		"DELETE /pools/{pool}/clients/{client}/secrets/{secret}": deleteSecret,

		"GET /pools/{pool}/groups":            listGroups,
		"POST /pools/{pool}/groups":           createGroup,
		"PUT /pools/{pool}/groups/{group}":    putGroup,
		"DELETE /pools/{pool}/groups/{group}": deleteGroup,

		"GET /pools/{pool}/users":                          listUsers, // ?login= or ?after=&limit=&group=&status=
		"POST /pools/{pool}/users":                         createUser,
		"GET /pools/{pool}/users/{user}":                   showUser,
		"DELETE /pools/{pool}/users/{user}":                deleteUser,
		"POST /pools/{pool}/users/{user}/disable":          disableUser,
		"POST /pools/{pool}/users/{user}/enable":           enableUser,
		"POST /pools/{pool}/users/{user}/sign-out":         signOutUser,
		"PUT /pools/{pool}/users/{user}/groups/{group}":    addToGroup,
		"DELETE /pools/{pool}/users/{user}/groups/{group}": removeFromGroup,
		"GET /pools/{pool}/events":                         listEvents, // ?user=&after=&limit=
	} {
		mux.HandleFunc(pattern, o.guarded(do))
	}
	return mux
}

// call is one call of an operator.
type call struct {
	*operatorAPI
	*http.Request
	w     http.ResponseWriter
	actor pool.Actor
	pool  *pool.Pool  // that the path names; nil where it names none
	admin *pool.Admin // of it
}

// made is what a call has made.
type made struct{ any }

// guarded lets operators through, and answers what came of their call.
func (o *operatorAPI) guarded(do func(*call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{operatorAPI: o, Request: r, w: w}
		v, err := c.enter(do)
		if err != nil {
			o.refuse(w, r, err)
			return
		}
		switch v := v.(type) {
		case nil:
			writeJSON(w, http.StatusNoContent, nil)
		case made:
			writeJSON(w, http.StatusCreated, v.any)
		default:
			writeJSON(w, http.StatusOK, v)
		}
	}
}

func (c *call) enter(do func(*call) (any, error)) (any, error) {
	name, ok := c.who(c.Request)
	if !ok || name == collector {
		return nil, pool.ErrNotAuthorized
	}
	c.actor = pool.Actor{Name: name}
	if id := c.PathValue("pool"); id != "" && c.Pattern != "DELETE /pools/{pool}" { // one that is broken can be deleted
		var err error
		if c.pool, err = c.dir.Pool(c.Context(), user.PoolID(id)); err != nil {
			return nil, err
		}
		lineOf(c.Request).pool = id
		c.admin = c.pool.Admin(c.actor)
	}
	return do(c)
}

// refuse tells an operator more than a visitor: what is wrong with what they sent.
func (o *operatorAPI) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, name := class(err)
	if status >= http.StatusInternalServerError || status == http.StatusUnauthorized {
		refuse(w, r, o.log, err)
		return
	}
	writeJSON(w, status, map[string]string{"error": name, "reason": err.Error()})
}

var errRequest = errors.New("this cannot be read")

// read reads the body, which is one JSON value without anything that v does not have.
func (c *call) read(v any) error {
	d := json.NewDecoder(c.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the JSON value")
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errRequest, err)
	}
	return nil
}
