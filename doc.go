// Package userpool has no code: it is the way in. The module gives a Go program what a user pool of
// Amazon Cognito gives, as packages to import: people sign up, prove their address, sign in, and are
// handed tokens, in your process and on your database.
//
// A pool is a value, opened on a store:
//
//	ring, err := seal.File("userpool.keys")
//	...
//	st, err := sqlite.Open(ctx, "userpool.db", sqlite.Config{})
//	...
//	mail, err := smtp.New(smtp.Config{Addr: "mail.example.com:587", From: "no-reply@example.com"})
//	...
//	p, err := pool.Open(ctx, st, pool.Config{Issuer: "https://id.example.com", Keys: ring, Sender: mail})
//
// and its methods are what a visitor may do:
//
//	up, err := p.SignUp(ctx, pool.SignUpInput{Username: "ada@example.com", Password: pw})
//	step, err := p.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: code}) // from the mail
//	step, err = p.SignIn(ctx, pool.SignInInput{Username: "ada@example.com", With: pool.Password{Value: pw}})
//
// For a test, a pool needs no file, no key and no mail server: see pool/pooltest.
//
// # The house
//
// Rules over values, without a store and without a clock:
//   - [github.com/userpool-go/userpool/user]: the user, logins, attributes and groups
//   - [github.com/userpool-go/userpool/password]: Argon2id, and the door that bounds hashing
//   - [github.com/userpool-go/userpool/token]: sessions, refresh tokens, JWTs and their verifier;
//     all that a resource server needs
//   - [github.com/userpool-go/userpool/seal]: the keys under which secrets are stored
//
// What keeps records, and what sends messages:
//   - [github.com/userpool-go/userpool/storage]: the contract, with the adapters storage/memory and
//     storage/sqlite, and storage/storagetest to prove another
//   - [github.com/userpool-go/userpool/message]: what is written to people, with the senders
//     message/smtp and, for tests, message/mailbox
//
// And what makes a pool of them:
//   - [github.com/userpool-go/userpool/pool]: settings, and every use case; pool/hook, what a program
//     does at its turns; pool/pooltest, a pool for tests
//
// And what shows a pool to browsers:
//   - [github.com/userpool-go/userpool/web]: cookie sessions for a program with pages of its own
//   - [github.com/userpool-go/userpool/hosted]: pages, for a program that has none
//
// An import only goes down this list. ARCHITECTURE.md draws the house, and names the tests that hold
// its security rules; examples/quickstart walks through it.
package userpool
