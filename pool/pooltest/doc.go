// Package pooltest opens user pools for the tests of programs that use them: a pool with a clock
// that the test moves, a mailbox that it reads, and people in every state that a handler may meet.
//
// A whole journey, from sign-up to tokens, waits for nothing and sleeps nowhere:
//
//	k, ctx, ada := pooltest.New(t), t.Context(), "ada@example.com"
//	up, _ := k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: pooltest.Password})
//	k.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: k.Mail.Code(ada)})
//	in := pool.SignInInput{Username: ada, With: pool.Password{Value: pooltest.Password}}
//	done, err := pool.Finished(k.SignIn(ctx, in))
//
// Most tests are not about that, but about who may see what. For them [Kit.Person] goes the way in
// one line, and further where it should not end well:
//
//	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &settings}))
//	app := Handler(k.Pool)
//	ada := k.Person("ada@example.com")                         // signed up, confirmed, signed in
//	root := k.Person("root@example.com", pooltest.InGroup("staff")) // a group of the settings
//	bob := k.Person("bob@example.com", pooltest.Disabled())    // and then disabled: still holds tokens
//	...
//	w := httptest.NewRecorder()
//	app.ServeHTTP(w, ada.Request("GET", "/me"))                // with a bearer token, and with web's cookie
//	...
//	k.Clock.Advance(20 * time.Minute)                          // the token is over by now
//
// A program of many pools has the same of each ([NewDirectory], [Directory.Kit]).
//
// Nothing happens behind the test's back. The pool is a real one, but the chores that it does from
// time to time elsewhere (delivery of mail, sweeping, following other nodes) it does here when the
// test moves the [Clock] or looks into the [Mail], and they are done when the call returns. So
// there is nothing to wait for, and a test gives the same each time, in a testing/synctest bubble
// as outside.
//
// Passwords are hashed with parameters that guard nothing, to be quick. The package is for tests
// alone.
package pooltest
