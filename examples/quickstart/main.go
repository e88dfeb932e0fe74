// Quickstart is the main job from end to end in one process: sign up, read the mail, confirm, sign
// in, be recognised, refresh, and sign out, on a SQLite file in a temporary folder and real SMTP on
// loopback. It says what it does in plain words, and exits with 1 if anything is not as it says.
//
//	go run ./examples/quickstart
//
// With -json it prints one object instead, by which another program can verify an access token.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/userpool-go/userpool/message/smtp"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

func main() {
	asJSON := flag.Bool("json", false, "print an access token and the keys that verify it, as JSON")
	flag.Parse()
	log.SetFlags(0)
	out := io.Writer(os.Stdout)
	if *asJSON {
		out = io.Discard
	}
	result, err := run(context.Background(), out)
	if err != nil {
		log.Fatal("quickstart: ", err)
	}
	if *asJSON {
		json.NewEncoder(os.Stdout).Encode(result)
	}
}

// result is what another program needs to recognise Ada.
type result struct {
	Issuer      string          `json:"issuer"`
	Client      string          `json:"client"`
	JWKS        json.RawMessage `json:"jwks"`
	AccessToken string          `json:"access_token"`
}

func run(ctx context.Context, out io.Writer) (result, error) {
	dir, err := os.MkdirTemp("", "userpool-quickstart-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	inbox, err := listen()
	if err != nil {
		return result{}, err
	}
	defer inbox.Close()

	ring, err := seal.File(filepath.Join(dir, "userpool.keys")) // back it up: the database is of no use without it
	if err != nil {
		return result{}, err
	}
	st, err := sqlite.Open(ctx, filepath.Join(dir, "userpool.db"), sqlite.Config{})
	if err != nil {
		return result{}, err
	}
	defer st.Close()
	mail, err := smtp.New(smtp.Config{Addr: inbox.Addr(), From: "no-reply@example.com", InsecureNoTLS: true}) // loopback only
	if err != nil {
		return result{}, err
	}
	p, err := pool.Open(ctx, st, pool.Config{Keys: ring, Sender: mail})
	if err != nil {
		return result{}, err
	}
	defer p.Close(ctx)
	return journey(ctx, p, inbox, out)
}

func journey(ctx context.Context, p *pool.Pool, inbox *inbox, out io.Writer) (result, error) {
	const ada = "ada@example.com"
	secret := password.New("correct horse battery staple")
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }

	up, err := p.SignUp(ctx, pool.SignUpInput{Username: ada, Password: secret, Attributes: user.Attributes{"name": "Ada"}})
	if err != nil {
		return result{}, fmt.Errorf("sign up: %w", err)
	}
	say("Ada signed up. A code is on its way to %s.", up.Delivery.Destination)

	code, err := inbox.code(ctx, ada)
	if err != nil {
		return result{}, fmt.Errorf("read the mail: %w", err)
	}
	say("The mail came over SMTP, with a code of %d digits.", len(code))

	if _, err := p.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: code}); err != nil {
		return result{}, fmt.Errorf("confirm: %w", err)
	}
	say("The code proved the address: Ada is a user now.")

	first, err := signIn(ctx, p, ada, secret)
	if err != nil {
		return result{}, err
	}
	say("Ada signed in with her password.")

	v, err := p.Verifier()
	if err != nil {
		return result{}, err
	}
	claims, err := v.Verify(ctx, first.Access.Reveal())
	if err != nil {
		return result{}, fmt.Errorf("verify: %w", err)
	}
	say("Her access token verifies: subject %s, issued by %s.", claims.Subject, claims.Issuer)

	second, err := refresh(ctx, p, first)
	if err != nil {
		return result{}, err
	}
	third, err := refresh(ctx, p, second)
	if err != nil {
		return result{}, err
	}
	say("She refreshed twice. Each time the refresh token was replaced.")

	if err := refused(refresh(ctx, p, first)); err != nil {
		return result{}, fmt.Errorf("replay of the first refresh token: %w", err)
	}
	if err := refused(refresh(ctx, p, third)); err != nil {
		return result{}, fmt.Errorf("newest refresh token after the replay: %w", err)
	}
	say("Somebody replayed the first refresh token: refused, and the whole session ended with it.")

	again, err := signIn(ctx, p, ada, secret)
	if err != nil {
		return result{}, err
	}
	say("Ada signed in again.")
	r := result{Issuer: p.Issuer(), Client: "default", JWKS: p.JWKS(), AccessToken: again.Access.Reveal()}

	if err := p.SignOut(ctx, pool.SignOutInput{Token: again.Refresh}); err != nil {
		return result{}, fmt.Errorf("sign out: %w", err)
	}
	if _, err := v.Verify(ctx, again.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
		return result{}, fmt.Errorf("access token after sign-out: got %v, want it revoked", err)
	}
	if err := refused(refresh(ctx, p, again)); err != nil {
		return result{}, fmt.Errorf("refresh token after sign-out: %w", err)
	}
	say("Ada signed out. Her tokens are refused.")
	return r, nil
}

func signIn(ctx context.Context, p *pool.Pool, login string, secret password.Secret) (token.Set, error) {
	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{Username: login, With: pool.Password{Value: secret}}))
	if err != nil {
		return token.Set{}, fmt.Errorf("sign in: %w", err)
	}
	return done.Tokens, nil
}

func refresh(ctx context.Context, p *pool.Pool, have token.Set) (token.Set, error) {
	done, err := pool.Finished(p.Refresh(ctx, pool.RefreshInput{Token: have.Refresh}))
	if err != nil {
		return token.Set{}, fmt.Errorf("refresh: %w", err)
	}
	return done.Tokens, nil
}

// refused returns nil where a call was refused, as it should have been.
func refused(_ token.Set, err error) error {
	if errors.Is(err, pool.ErrNotAuthorized) {
		return nil
	}
	return fmt.Errorf("got %v, want a refusal", err)
}
