// Package user holds the user aggregate: logins, attributes, status, password record, and the rules
// over them. It is values and functions, without a store and without a clock.
//
//	login, err := user.Email("Ada@example.com")      // or Phone, Username, Identify: compared as ada@example.com
//	err = schema.Check(attributes, user.Visitor)     // all that is wrong, at once
//	status, err := user.Next("", user.SignUp)        // unconfirmed: it owns nothing yet
//	...
//	status, err = user.Next(status, user.Confirm)    // confirmed
//
// What a visitor may say about themselves is a [Schema]'s to tell; what is verified is never theirs
// to say. What can happen in which status is one table, behind [Next].
package user
