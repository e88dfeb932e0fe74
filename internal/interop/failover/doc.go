// Package failover kills the primary of a PostgreSQL with a synchronous replica, which is promoted, while
// processes sign people up, in and out. Nothing that was acknowledged may be lost, nothing be taken twice,
// calls meanwhile fail soon and as what they are, and all goes on without a restart. What stands on a primary
// alone, because nobody waited for the replica, is not acknowledged.
//
//	go test ./failover      # in internal/interop; needs initdb
package failover
