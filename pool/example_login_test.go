package pool_test

import (
	"context"
	"fmt"
	"log"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// People choose a user name and prove a phone number, and sign in by either. What else they say of
// themselves is a schema's to allow.
func ExampleIdentifier() {
	ctx, box := context.Background(), mailbox.New()
	p, err := pool.Open(ctx, memory.New(), pool.Config{Sender: box, Settings: &pool.Settings{
		SignIn:     pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username, pool.Phone}},
		Attributes: user.Schema{{Name: "custom:plan"}, {Name: "name", Required: true}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(ctx)
	secret, number := password.New("correct horse battery staple"), "+4915112345678"

	up, err := p.SignUp(ctx, pool.SignUpInput{
		Username: "Countess", Password: secret,
		Attributes: user.Attributes{"phone_number": number, "name": "Ada", "custom:plan": "free"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a code went by", up.Delivery.Channel, "to", up.Delivery.Destination)
	if _, err := box.Wait(ctx, number, 1); err != nil {
		log.Fatal(err)
	}
	if _, err := p.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: box.Code(number)}); err != nil {
		log.Fatal(err)
	}
	for _, login := range []string{"countess", number} {
		done, err := pool.Finished(p.SignIn(ctx, pool.SignInInput{Username: login, With: pool.Password{Value: secret}}))
		if err != nil {
			log.Fatal(err)
		}
		account, err := p.Account(ctx, done.Tokens.Access)
		if err != nil {
			log.Fatal(err)
		}
		me, err := account.Get(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(me.Username, me.Phone, me.PhoneVerified, me.Attributes)
	}
	_, err = p.SignUp(ctx, pool.SignUpInput{Username: "COUNTESS", Password: secret, Attributes: user.Attributes{"phone_number": "+4915100000000", "name": "Eve"}})
	fmt.Println(err)

	// Output:
	// a code went by sms to +4915112345678
	// Countess +4915112345678 true map[custom:plan:free name:Ada]
	// Countess +4915112345678 true map[custom:plan:free name:Ada]
	// pool: login belongs to another user
}
