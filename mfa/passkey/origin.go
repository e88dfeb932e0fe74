package passkey

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// app is the origin of an app for Android: a SHA-256 of the certificate that it is signed with, which
// Android compares with what the party's domain says of its apps (Digital Asset Links).
var app = regexp.MustCompile(`^android:apk-key-hash(-sha256)?:[A-Za-z0-9_-]{43}$`)

// checkOrigin reports whether a page of an origin may ask for the passkeys of a relying party:
// it is of https, or of http on localhost, and of the party's domain or below it (WebAuthn
// Level 3, 5.1.3 and 5.1.4). An app may, too.
func checkOrigin(id, origin string) error {
	if app.MatchString(origin) {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || !asWritten(u, origin) {
		return fmt.Errorf("passkey: %q is no origin as browsers write it, such as https://id.example.com", origin)
	}
	host := u.Hostname()
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost") {
		return fmt.Errorf("passkey: the origin %q is neither https nor http://localhost", origin)
	}
	if host != id && !strings.HasSuffix(host, "."+id) {
		return fmt.Errorf("passkey: the origin %q is not of the relying party %q", origin, id)
	}
	return nil
}

// domain is one as browsers write it: in small ASCII letters.
var domain = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// asWritten reports whether browsers write an origin like this (HTML, 7.1.1): without a port that goes
// without saying. Answers are compared with it exactly, so that another spelling would refuse everybody.
func asWritten(u *url.URL, origin string) bool {
	want := u.Scheme + "://" + u.Hostname()
	usual := map[string]uint64{"http": 80, "https": 443}[u.Scheme]
	if port, err := strconv.ParseUint(u.Port(), 10, 16); err == nil && port != usual {
		want += ":" + strconv.FormatUint(port, 10)
	}
	return origin == want && domain.MatchString(u.Hostname())
}
