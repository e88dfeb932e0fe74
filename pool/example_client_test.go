package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// An app client of one's own back end, with a secret that is told once.
func ExampleAdmin_CreateClient() {
	ctx := context.Background()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: mailbox.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	admin := p.Admin(pool.Actor{Name: "setup"})

	client, err := admin.CreateClient(ctx, pool.Client{Name: "Shop", Confidential: true})
	if err != nil {
		log.Fatal(err)
	}
	secret, err := admin.AddClientSecret(ctx, pool.AddClientSecretInput{Client: client.ID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(client.ID), client.Flows, len(secret.Value.Reveal()))

	in := pool.ForgotPasswordInput{Client: client.ID, Username: "ada@example.com"}
	_, err = p.ForgotPassword(ctx, in)
	fmt.Println("without its secret:", errors.Is(err, pool.ErrUnknownClient))
	in.ClientSecret = secret.Value
	_, err = p.ForgotPassword(ctx, in)
	fmt.Println("with it:", err)
	// Output:
	// 26 [password choice refresh] 43
	// without its secret: true
	// with it: <nil>
}

// A back end asks what a token is worth now, and revokes it.
func ExamplePool_App() {
	ctx := context.Background()
	settings := pool.Settings{Clients: []pool.Client{{ID: "shop", Confidential: true}}}
	p, err := pool.Open(ctx, memory.New(), pool.Config{Settings: &settings, Sender: mailbox.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	admin, pw := p.Admin(pool.Actor{Name: "setup"}), password.New("correct horse battery staple")
	secret, err := admin.AddClientSecret(ctx, pool.AddClientSecretInput{})
	if err != nil {
		log.Fatal(err)
	}
	who := pool.CreateUserInput{Username: "ada@example.com", EmailVerified: true, Password: pw, Permanent: true}
	if _, err := admin.CreateUser(ctx, who); err != nil {
		log.Fatal(err)
	}
	done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{
		ClientSecret: secret.Value, Username: "ada@example.com", With: pool.Password{Value: pw},
	}))
	if err != nil {
		log.Fatal(err)
	}

	app, err := p.App(ctx, "shop", secret.Value, pool.Caller{})
	if err != nil {
		log.Fatal(err)
	}
	token, err := app.Introspect(ctx, done.Tokens.Access)
	fmt.Println(token.Active, token.Claims.Username, err)
	fmt.Println(app.Revoke(ctx, done.Tokens.Refresh))
	token, err = app.Introspect(ctx, done.Tokens.Access)
	fmt.Println(token.Active, err)
	// Output:
	// true ada@example.com <nil>
	// <nil>
	// false <nil>
}

// A secret is replaced while the old one is still good: nothing that shows either is interrupted.
func ExampleAdmin_AddClientSecret() {
	ctx := context.Background()
	settings := pool.Settings{Clients: []pool.Client{{ID: "shop", Confidential: true}}}
	p, err := pool.Open(ctx, memory.New(), pool.Config{Settings: &settings, Sender: mailbox.New()})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	admin := p.Admin(pool.Actor{Name: "setup"})
	var secrets [2]pool.ClientSecret
	for i := range secrets {
		if secrets[i], err = admin.AddClientSecret(ctx, pool.AddClientSecretInput{Client: "shop"}); err != nil {
			log.Fatal(err)
		}
	}
	show := func() {
		for _, s := range secrets {
			_, err := p.App(ctx, "shop", s.Value, pool.Caller{})
			fmt.Println(err)
		}
	}

	show() // every server is given the new one
	if err := admin.DeleteClientSecret(ctx, "shop", secrets[0].ID); err != nil {
		log.Fatal(err)
	}
	show()
	// Output:
	// <nil>
	// <nil>
	// pool: no such app client
	// <nil>
}
