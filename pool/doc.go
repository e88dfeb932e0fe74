// Package pool is a user pool: who may sign up, how they sign in, and what they are handed.
//
// A pool is opened on a store, and its methods are what a visitor may do:
//
//	p, err := pool.Open(ctx, st, pool.Config{Issuer: "https://id.example.com", Keys: ring, Sender: mail})
//	...
//	up, err := p.SignUp(ctx, pool.SignUpInput{Username: "ada@example.com", Password: pw})
//	step, err := p.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: code}) // from the mail
//
// Whatever can end in a session returns a [Step]. A program switches over its type and answers with
// the ticket that it carries, until it is [*Done]:
//
//	in := pool.SignInInput{Username: "ada@example.com", With: pool.Password{Value: pw}}
//	step, err := p.SignIn(ctx, in)
//	switch s := step.(type) {
//	case *pool.Done:
//		use(s.Tokens)
//	case *pool.NeedConfirm:
//		step, err = p.Respond(ctx, pool.RespondInput{Ticket: s.Ticket, With: pool.Code{Value: code}})
//	default:
//		refuse(step.Kind()) // a step this program does not know
//	}
//
// A step names what is asked for, and each has its answer. Those with Others take a [Choice] of one of
// these, too, which asks for that instead:
//
//	*NeedPassword       Password
//	*NeedCode           Code, that went to an address; a Choice of its own kind sends another
//	*NeedTOTP           Code, that an app shows, or RecoveryCode
//	*NeedPasskey        PasskeyAssertion, for which a browser is given the options
//	*NeedCustom         CustomAnswer, to a question of the program's own
//	*NeedChoice         Choice, of a way in, of a second factor or of the one that is to be set up
//	*NeedTOTPSetup      Code, once the picture was scanned
//	*NeedPasskeySetup   PasskeyAttestation, for which a browser is given the options
//	*NeedNewPassword    NewPassword, in place of a temporary one
//	*NeedConfirm        Code, that proves the address of the sign-up
//	*NeedWait           nothing: other factors may be set up, but not yet
//
// The example of [Pool.Respond] answers all of them.
//
// Who is signed in changes their own account by [Pool.Account], with an access token, or by
// [Pool.Session], with the cookie of a browser. What an administrator does is on another face,
// [Pool.Admin], which says who it was in the events:
//
//	user, err := p.Admin(pool.Actor{Name: "helpdesk"}).FindUser(ctx, "ada@example.com")
//
// An app client of the program's own, such as an API gateway, asks what tokens are worth and revokes
// them by [Pool.App], with its secret.
//
// A program with many pools, one for each customer, say, opens them all by [OpenDirectory]. A request
// finds its pool by the host that it names, and what a process does by itself it does once for all:
//
//	dir, err := pool.OpenDirectory(ctx, st, pool.DirectoryConfig{Config: pool.Config{Keys: ring, Sender: mail}})
//	...
//	p, err := dir.Create(ctx, operator, "acme", "https://acme.id.example.com", pool.Settings{})
//	p, err = dir.ByIssuer(ctx, "https://"+strings.ToLower(r.Host))
//
// [Settings] is the pool's policy, and the same on every node. [Config] is what this process
// brings: keys, a sender, hooks, a clock. Where they are silent they are safe.
//
// Answers to strangers do not tell whether a user exists: an unknown user, a wrong password, a
// disabled and a locked account are one error after the same work, and a sign-up at a taken address
// looks like any other. Why something was refused stands in the pool's events ([Pool.ListEvents]),
// which a chore seals into a chain within a second. That takes a commit of its own for up to 5,000
// of them and no part in theirs, and [Pool.VerifyEvents] finds what somebody changed of it in the
// database.
//
// # Errors
//
// Each call names the errors that are its own. Beside them any may fail with a *[ValidationError]
// of its input, and with [ErrUnavailable], [ErrClosed] or the error of its context; one that names
// an app client with [ErrUnknownClient]; one whose caller is counted or whose password is hashed
// with a *[LimitError]; and one in which a hook is asked with a *[HookError].
//
// # Beside Cognito
//
// A sign-up checks what Cognito's does in its order: the client, whether sign-up is open, whether
// the user name is free, the hook. What differs differs for one of these reasons:
//
//   - What is malformed is told before anything else, and all of it at once: it says nothing of
//     anybody. So a password that may not be chosen is told before a code is judged.
//   - What would tell strangers of an account has no error of its own. There is no UsernameExists at
//     an address, no UserNotFound, and no answer that depends on the status of a user; only a chosen
//     user name cannot be hidden.
//   - A ticket stands for the user name where a code is brought, so a code is good for whoever asked
//     for it. A step that is over is [ErrTicketGone], whatever ended it.
//   - An address stays with its owner, whoever else proves it: there is no ForceAliasCreation. A
//     sign-up there sends no code, and one that is overtaken is [ErrLoginTaken]. Else whoever reads a
//     mailbox for a minute, or gets a number that was given up, would take a login from an account
//     that a second factor or an administrator guards, and be that person to an app that goes by
//     addresses. [Admin.UpdateAttributes] moves an address by somebody's decision.
//   - A custom challenge is one proof, the second or, where [SignInSettings].First has it, the first. What
//     it is enough for the pool's rules say: there is no issueTokens that goes past them, and where a
//     second factor is asked for no sign-in consists of hooks alone.
//   - Who was invited recovers like anybody else, even after the temporary password has lapsed.
//
// # Costs
//
// How many hashes, reads and commits each use case takes stands in the README, and a test holds the
// code to it. In processor time, on SQLite with every commit on the disk, among a million users (2
// cores of 2024):
//
//	a hash of the default cost              20 ms, 19 MiB
//	a sign-in but for its hash              0.45 to 0.6 ms
//	a sign-up but for its hash              0.55 to 0.7 ms, and 0.25 ms later for the mail
//	a refresh                               0.3 to 0.4 ms
//	Account.Get                             0.045 ms
//	a token verified, first and again       0.065 ms, 0.002 ms
//	from exec to the first verified token   8 ms
//	memory of the idle process              21 MB
//
// Of 16 who sign in at a time, two processors serve 0.9 of the bare hashes that they do. Each hash
// leaves 19 MiB of garbage, and the collector lets 40 to 60 MB pile up for each that runs at a
// time. Where that is too much, [Config].MaxHashes bounds how many run, and the environment
// variable GOMEMLIMIT what piles up: of 70MiB, and what the program itself keeps, two at a time
// take 60 MB and serve no less.
package pool
