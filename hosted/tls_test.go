package hosted_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
)

// insecure takes the certificate of a test server.
var insecure = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}

// logger logs to a text.
func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
