package pool_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// The database of a known run and its log hold no secret in the clear (security.md T4), and the six
// digits of a code cannot be found by hashing all of them (CVE class 19).
func TestT4_DatabaseAndLogHoldNoSecret(t *testing.T) {
	t.Parallel()
	dir, log, box := t.TempDir(), &lockedBuffer{}, mailbox.New()
	ring, err := seal.File(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "userpool.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pool.Open(t.Context(), st, pool.Config{
		Keys: ring, Sender: box, InsecureHash: &cheap,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{Pool: p, t: t, box: box}
	ticket := k.signUp(ada)
	code := k.code(ada, 1)
	digest := codeDigest(t, st, ticket)
	if err := confirm(k, ticket, code); err != nil {
		t.Fatal(err)
	}
	done := k.done(ada)
	again, err := k.refresh(done)
	if err != nil {
		t.Fatal(err)
	}
	cookie := k.browse(ada).Cookie.Reveal()
	pending := k.signUp("bob@example.com") // an open ticket with an open code
	bobs := k.code("bob@example.com", 1)
	k.invited("eve@example.com")
	if _, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: "ida@example.com", EmailVerified: true}); err != nil {
		t.Fatal(err)
	}
	made := temporary(k.mails("ida@example.com", 1)[0])
	p.Close(context.Background())
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	dump := dumped(t, dir, log)
	secrets := map[string]string{
		"password": right.Reveal(), "temporary password": made, "ticket": ticket, "pending ticket": pending, "code text": "code is", "mail": "Your code",
		"access token": done.Tokens.Access.Reveal(), "ID token": done.Tokens.ID.Reveal(),
		"refresh token": done.Tokens.Refresh.Reveal(), "next refresh token": again.Tokens.Refresh.Reveal(),
		"ticket secret": rawSecret(t, ticket), "pending ticket secret": rawSecret(t, pending),
		"cookie": cookie, "end of the cookie": cookie[len(cookie)-32:],
		"private key": "PRIVATE KEY", "code in a letter": fmt.Sprintf("%q:%q", "code", code), "pending code in a letter": fmt.Sprintf("%q:%q", "code", bobs),
	}
	for name, secret := range secrets {
		if bytes.Contains(dump, []byte(secret)) {
			t.Errorf("%s stands in the database or the log", name)
		}
	}
	if !bytes.Contains(dump, []byte(ada)) {
		t.Error("the dump does not even hold the login: the search proves nothing")
	}
	for n := range 1_000_000 {
		guess := fmt.Appendf(nil, "%06d", n)
		if sum := sha256.Sum256(guess); bytes.Contains(digest, sum[:16]) {
			t.Fatal("a code is stored under a plain hash")
		}
	}
}

// dumped returns all that a SQLite store has written to a directory, and a log.
func dumped(t *testing.T, dir string, log *lockedBuffer) []byte {
	t.Helper()
	log.mu.Lock()
	all := bytes.Clone(log.Bytes())
	log.mu.Unlock()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// codeDigest returns what is stored of the code of a ticket.
func codeDigest(t *testing.T, st storage.Store, ticket string) []byte {
	t.Helper()
	got, err := st.Read(t.Context(), "default", storage.Want{Now: long, Tickets: []string{ticketID(t, ticket)}})
	if err != nil || got.Tickets[0] == nil || len(got.Tickets[0].Code) == 0 {
		t.Fatalf("ticket = %+v, %v", got.Tickets, err)
	}
	return got.Tickets[0].Code
}

// ticketID returns what a ticket is stored under.
func ticketID(t *testing.T, ticket string) string {
	t.Helper()
	return base64.RawURLEncoding.EncodeToString([]byte(rawTicket(t, ticket)[:16]))
}

func rawSecret(t *testing.T, ticket string) string { return rawTicket(t, ticket)[16:] }

func rawTicket(t *testing.T, ticket string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(raw) != 48 {
		t.Fatalf("ticket of %d bytes, %v", len(raw), err)
	}
	return string(raw)
}
