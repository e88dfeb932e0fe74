package nodes_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/userpool-go/userpool/message/smtp"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// setup is what a process is started with.
type setup struct {
	URL      string // of the database
	Keys     string // file of the keyring
	Mail     string // address of the mail server
	Clock    string // file of the clock that all processes share
	Hooked   string // file to which the hook adds what it was told
	Pool     user.PoolID
	Issuer   string
	Settings *pool.Settings // in code; nil means those that are stored
	Skew     time.Duration  // of this process's clock
	Many     bool           // all pools of the store, rather than one
}

// node is a process of the program, at one of its pools.
type node struct {
	all      *pool.Directory // nil where it has one pool
	pool     *pool.Pool
	verifier *token.Verifier
	store    *watched
}

// serve runs the program until it is told to stop, and then as a program should: calls that came in are
// answered, and nothing is left half done.
func serve(s setup) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1) // whoever started us is gone
	}()
	shared, err := clockOf(s.Clock)
	if err != nil {
		return err
	}
	now := func() time.Time { return shared().Add(s.Skew) }
	ring, err := seal.File(s.Keys)
	if err != nil {
		return err
	}
	st, err := postgres.Open(ctx, s.URL, postgres.Config{Also: account})
	if err != nil {
		return err
	}
	defer st.Close()
	mail, err := smtp.New(smtp.Config{Addr: s.Mail, From: "no-reply@example.com", InsecureNoTLS: true, Now: now})
	if err != nil {
		return err
	}
	w := &watched{Store: st, now: now}
	n := &node{store: w}
	if err := n.open(ctx, s, pool.Config{
		ID: s.Pool, Issuer: s.Issuer, Settings: s.Settings, Keys: ring, Now: now,
		Sender: trapped{mail, w}, Hooks: hook.Set{PostConfirmation: noting(s.Hooked)},
		InsecureHash: &password.Params{Memory: 8, Time: 1, Threads: 1},
	}); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: n.handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(l) }()
	fmt.Println(ready, l.Addr())
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(web.Shutdown(ctx), n.close(ctx))
}

func (n *node) open(ctx context.Context, s setup, c pool.Config) (err error) {
	if s.Many {
		c.ID = ""
		n.all, err = pool.OpenDirectory(ctx, n.store, pool.DirectoryConfig{Config: c})
		return err
	}
	if n.pool, err = pool.Open(ctx, n.store, c); err != nil {
		return err
	}
	n.verifier, err = n.pool.Verifier()
	return err
}

func (n *node) close(ctx context.Context) error {
	if n.all != nil {
		return n.all.Close(ctx)
	}
	return n.pool.Close(ctx)
}

// at returns the process at a pool.
func (n *node) at(ctx context.Context, id user.PoolID) (*node, error) {
	if n.all == nil || id == "" {
		return n, nil
	}
	p, err := n.all.Pool(ctx, id)
	if err != nil {
		return nil, err
	}
	v, err := p.Verifier()
	return &node{all: n.all, pool: p, verifier: v, store: n.store}, err
}

const ready = "listening on"

// clockOf returns a clock that all processes share, also one that stands still meanwhile: a file says how
// many nanoseconds it is ahead of the machine's, or of a time at which it is held (0 means that it runs).
func clockOf(name string) (func() time.Time, error) {
	f, err := os.Open(name)
	return func() time.Time {
		var text [16]byte
		_, _ = f.ReadAt(text[:], 0)
		ahead, held := int64(binary.LittleEndian.Uint64(text[:])), int64(binary.LittleEndian.Uint64(text[8:]))
		if held != 0 {
			return time.Unix(0, held+ahead)
		}
		return time.Now().Add(time.Duration(ahead))
	}, err
}

// account is the program's own row of a user, in the commit that makes the user.
func account(c storage.UserChange) []postgres.Exec {
	switch {
	case c.Created():
		return []postgres.Exec{{SQL: `INSERT INTO accounts (user_id) VALUES ($1)`, Args: []any{string(c.User.ID)}}}
	case c.Deleted():
		return []postgres.Exec{{SQL: `DELETE FROM accounts WHERE user_id = $1`, Args: []any{string(c.User.ID)}}}
	}
	return nil
}

// noting returns a hook that adds whom it is told of to a file that all processes share.
func noting(name string) func(context.Context, hook.PostConfirmation) error {
	return func(_ context.Context, e hook.PostConfirmation) error {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(e.ID + " " + string(e.User) + "\n")
		return errors.Join(err, f.Close())
	}
}
