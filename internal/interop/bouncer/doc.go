// Package bouncer proves that storage/postgres works behind pgbouncer in its mode transaction, where
// the next transaction of a client may run on any connection of the server, and other clients' on
// the same.
package bouncer
