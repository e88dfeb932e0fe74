// Package browser walks through the pages of package hosted as a person does: in Debian's Chromium, by mouse
// and by keyboard, in light and dark, wide and narrow, with JavaScript and without. axe-core judges every
// page, and the browser itself what it has to complain of. Its virtual authenticator makes and proves passkeys.
//
//	go test ./browser                                # in internal/interop; apt install chromium
//	USERPOOL_SHOTS=/tmp/shots go test ./browser      # and leave a picture of every page there
//
// Nothing leaves the machine: a request to anywhere but the site under test fails the test that made it.
package browser
