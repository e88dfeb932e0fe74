package pool_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// What somebody signs in by beside a password stands in neither the database nor the log: seeds, of those
// that are only begun too, recovery codes, not even under a plain hash, codes that were sent, and what
// remembers a device or ends a wait (security.md T4).
func TestT4_DatabaseAndLogHoldNoFactor(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), &lockedBuffer{}
	ring, err := seal.File(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "userpool.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	k := openOn(t, st, remembering(pool.RememberAlways), holds, mayAct, func(c *pool.Config) {
		c.Keys, c.Logger = ring, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	k.confirmed("ada")
	d := k.done(ada)
	seed := k.withApp(d)
	codes := d.RecoveryCodes
	d = k.twice(seed, pool.Caller{}, true)
	if _, err := k.byRecoveryCode(ada, codes[0]); err != nil {
		t.Fatal(err)
	}
	begun := k.addAppTo(d)
	need, err := k.account(d).AddCodes(t.Context(), pool.AddCodesInput{By: mfa.KindEmail})
	if err != nil {
		t.Fatal(err)
	}
	sent := k.factorCode(ada)
	k.waiting(ada)
	letters := k.got(ada, message.FactorsLost)
	_, link, _ := strings.Cut(letters[0].Text, cancelURL+"?link=")
	link = link[:min(64, len(link))]

	dump := dumped(t, dir, log)
	secrets := map[string]string{
		"seed": seed.Text(), "bytes of the seed": string(seed.Bytes()), "seed that is begun": begun.Seed.Text(), "its bytes": string(begun.Seed.Bytes()),
		"set-up ticket": begun.Ticket, "its secret": rawSecret(t, begun.Ticket), "ticket of the code": rawSecret(t, need.Ticket),
		"code in a letter": fmt.Sprintf("%q:%q", "code", sent), "remembered device": d.Remembered, "link that ends the wait": rawSecret(t, link),
	}
	for _, c := range codes {
		plain := strings.ReplaceAll(c, "-", "")
		sum := sha256.Sum256([]byte(plain))
		secrets["recovery code "+c], secrets["letters of "+c], secrets["hash of "+c] = c, plain, string(sum[:16])
	}
	for name, secret := range secrets {
		if len(secret) < 6 || bytes.Contains(dump, []byte(secret)) {
			t.Errorf("%s stands in the database or the log", name)
		}
	}
	if !bytes.Contains(dump, []byte(begun.Ticket[:12])) && !bytes.Contains(dump, []byte(ticketID(t, begun.Ticket))) {
		t.Error("the dump does not even hold the id of a ticket: the search proves nothing")
	}
}

// addAppTo begins to set up an app by a sign-in that is fresh.
func (k *kit) addAppTo(d *pool.Done) pool.AuthenticatorSetup {
	k.t.Helper()
	setup, err := k.account(d).AddAuthenticator(k.t.Context(), pool.AddAuthenticatorInput{})
	if err != nil {
		k.t.Fatal(err)
	}
	return setup
}
