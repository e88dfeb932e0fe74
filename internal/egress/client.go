package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// MaxBody is the longest answer that is read, in bytes.
const MaxBody = 256 << 10

const (
	defaultTimeout = 10 * time.Second
	dialTimeout    = 5 * time.Second // and of each other step of setting up
	idleTimeout    = 30 * time.Second
	maxHeader      = 16 << 10
	maxConns       = 16 // to one host
)

// Why a call was not made, or its answer not taken.
var (
	ErrRefused  = errors.New("egress: refused")                 // this is not called; the text says why
	ErrTooLarge = errors.New("egress: the answer is too large") // more than MaxBody bytes
)

// Config says what a [Client] may reach. The zero Config is the public internet by https.
type Config struct {
	// Timeout bounds a call from its first packet to the last byte of the answer. 0 means 10 s.
	Timeout time.Duration
	// Allow lists addresses that may be reached although they are not public, as an issuer within
	// one's own network. Each is a way for whoever chooses names to get there.
	Allow []netip.Prefix
	// Roots are the authorities that certificates are checked against. Nil means the system's.
	Roots *x509.CertPool
	// InsecureLoopback makes a client for tests and development: it reaches loopback addresses, by
	// http too, and nothing else, so that it cannot be left on in production.
	InsecureLoopback bool
}

// Client calls out. It is safe for concurrent use; [New] makes one.
type Client struct {
	http    http.Client
	dev     bool
	allow   []netip.Prefix
	timeout time.Duration
}

// Response is an answer, whole. Nothing says that its Status is a good one; a redirect is an answer
// like others.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// New returns a client.
func New(c Config) *Client {
	client := &Client{dev: c.InsecureLoopback, allow: slices.Clone(c.Allow), timeout: c.Timeout}
	if client.timeout <= 0 {
		client.timeout = defaultTimeout
	}
	dialer := &net.Dialer{Timeout: dialTimeout, Control: client.control}
	client.http = http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // one from the environment would choose the address
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  client.timeout,
			IdleConnTimeout:        idleTimeout,
			MaxConnsPerHost:        maxConns,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true, // a small answer stays one
		},
	}
	return client
}

// Get fetches a URL with some further headers. The error is an [ErrRefused], an [ErrTooLarge], or
// what the network said.
func (c *Client) Get(ctx context.Context, address string, header map[string]string) (*Response, error) {
	return c.do(ctx, http.MethodGet, address, header, nil)
}

// Post sends a body to a URL, with some further headers; the error is one of [Client.Get]. A body of
// which anything may have arrived is not sent again: what it causes may cost money each time.
func (c *Client) Post(ctx context.Context, address string, header map[string]string, body []byte) (*Response, error) {
	return c.do(ctx, http.MethodPost, address, header, body)
}

func (c *Client) do(
	ctx context.Context, method, address string, header map[string]string, body []byte,
) (*Response, error) {
	if err := c.Check(address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	req.Header.Set("User-Agent", "userpool")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("egress: read the answer: %w", err)
	}
	if len(answer) > MaxBody {
		return nil, fmt.Errorf("%w: over %d bytes", ErrTooLarge, MaxBody)
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: answer}, nil
}

// Check refuses a URL that Get and Post would refuse whatever its name leads to, so that a setting can be
// refused when it is made.
func (c *Client) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%w: not a URL", ErrRefused) // the cause would quote a password in it
	}
	switch {
	case u.Scheme != "https" && !(c.dev && u.Scheme == "http"):
		return fmt.Errorf("%w: %.20q is not https", ErrRefused, u.Scheme)
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("%w: the URL names no host", ErrRefused)
	case u.User != nil:
		return fmt.Errorf("%w: the URL carries a user or password", ErrRefused)
	}
	return nil
}

// control looks at an address when its socket is there and not connected yet. Names were resolved
// before, so there is no second answer to wait for (DNS rebinding).
func (c *Client) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !c.allowed(to.Addr()) {
		return fmt.Errorf("%w: %s is not an address to call", ErrRefused, address)
	}
	return nil
}

func (c *Client) allowed(a netip.Addr) bool {
	if c.dev {
		return a.Unmap().IsLoopback()
	}
	return Public(a) || within(c.allow, a)
}
