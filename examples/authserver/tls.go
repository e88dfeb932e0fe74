package main

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"
)

// certificate is that of the files, which are renewed while we serve.
type certificate struct {
	cert, key string // files
	log       *slog.Logger
	now       func() time.Time

	mu   sync.Mutex
	pair *tls.Certificate
	read time.Time
}

// readEvery is how often the files are read at most: whoever connects has us look.
const readEvery = time.Minute

// get returns what the files hold. If they cannot be read, as when only one of them has been written
// yet, that is what they held before.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pair != nil && c.now().Sub(c.read) < readEvery {
		return c.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	switch {
	case err == nil:
		c.pair = &pair
	case c.pair == nil:
		return nil, err
	default:
		c.log.Error("the certificate stays what it was", "error", err)
	}
	c.read = c.now()
	return c.pair, nil
}

// config returns the TLS of both doors, with HTTP/2.
func (c *certificate) config() (*tls.Config, error) {
	_, err := c.get(nil) // what is wrong with the files is said at the start
	return &tls.Config{GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}, err
}
