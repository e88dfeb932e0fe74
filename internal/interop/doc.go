// Package interop lets foreign programs judge what this library hands out, such as Node's jose our
// tokens, and puts its middleware into routers that are not net/http's. It is a module of its own and is not published, so that nobody who imports the library
// pays for what such tests need.
//
// A test whose tool is missing is skipped; where USERPOOL_CI is set, as .ci/run does, it fails.
package interop
