// Package nodes runs four processes of one program on one PostgreSQL, and sees whether they are one user
// pool: what one of them changes or revokes the others know within the stated bound, what is counted or
// redeemed once is so however many are asked, and a process that is stopped, killed or frozen takes
// nothing with it that was acknowledged.
//
//	go test ./nodes      # in internal/interop; needs initdb, or a server that USERPOOL_TEST_POSTGRES names
//
// The program is this test binary, run again: node_test.go, and calls_test.go for what it can be asked.
// cluster_test.go starts, stops, kills and freezes its processes, which share a keyring file, a mail server
// and a clock that tests move.
package nodes
