package passkey

import (
	"fmt"
	"net/url"
	"strings"
)

// checkOrigin reports whether a page of an origin may ask for the passkeys of a relying party:
// it is of https, or of http on localhost, and of the party's domain or below it (WebAuthn
// Level 3, 5.1.3 and 5.1.4).
func checkOrigin(id, origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || u.User != nil {
		return fmt.Errorf("passkey: %q is no origin such as https://id.example.com", origin)
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
