// Package user holds the user aggregate: logins, attributes, status, password record, and the rules
// over them. It is values and functions, without a store and without a clock.
package user
