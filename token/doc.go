// Package token holds sessions and what is handed out for them.
package token
