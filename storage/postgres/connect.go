package postgres

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Without bounds a machine that is cut off holds up whoever has a connection to it for a quarter of an
// hour, and those who follow the feed are blind to revocations meanwhile (security.md T3).
const (
	connectTime = 5 * time.Second  // to connect to one server
	pingTime    = 5 * time.Second  // of a connection that was idle
	silentTime  = 25 * time.Second // of a server whose machine does not even acknowledge
	readTime    = 15 * time.Second // of one read
)

// connect makes a pool of connections to the one server of those in a URL that takes writes. What the
// URL says of times stands.
func connect(ctx context.Context, url string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectTime
	}
	if c.PingTimeout == 0 {
		c.PingTimeout = pingTime
	}
	if c.ConnConfig.ValidateConnect == nil {
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	c.ConnConfig.DialFunc = (&net.Dialer{
		Timeout:         c.ConnConfig.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         giveUpAfter(silentTime),
	}).DialContext
	return pgxpool.NewWithConfig(ctx, c)
}

// ours returns an error that may come of our own bounds as one that nobody takes for the end of the
// caller's context.
func ours(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return late{err}
	}
	return err
}

// late is an error of a server that did not answer in the time that we give it.
type late struct{ error }

// Is hides that the time is kept by a context.
func (l late) Is(target error) bool {
	return target != context.DeadlineExceeded && target != context.Canceled && errors.Is(l.error, target)
}

// As finds what the driver says of it.
func (l late) As(target any) bool { return errors.As(l.error, target) }
