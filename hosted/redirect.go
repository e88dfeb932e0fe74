package hosted

import (
	"strings"

	"github.com/userpool-go/userpool/web"
)

// maxNext bounds where a sign-in leads, in bytes: it travels in a cookie.
const maxNext = 1024

// local returns where a visitor wants to be taken, if that is a path on this host, and "" where it
// is not or might be read as another host by somebody (CVE class 34).
func local(wanted string) string {
	if wanted == "" || len(wanted) > maxNext || strings.ContainsFunc(wanted, beyondASCII) || web.ReturnPath(wanted) != wanted {
		return ""
	}
	return wanted
}

// beyondASCII reports a letter that a URL holds escaped, if at all.
func beyondASCII(r rune) bool { return r > '~' }
