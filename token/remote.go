package token

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/userpool-go/userpool/internal/egress"
)

const (
	fetchTimeout = 5 * time.Second
	// retryAfter is the least time between two fetches that something is wrong with, or that a
	// stranger brought about by naming a key that is not there.
	retryAfter = 30 * time.Second
	firstRetry = time.Second // as long as there are no keys at all

	// How long a set is good without asking again: what its Cache-Control says, within these bounds.
	minAge     = time.Minute
	maxAge     = time.Hour
	defaultAge = 5 * time.Minute
	// lastGood is how long a set is used after it was fetched when no newer one can be had. No token
	// that was signed before lives longer.
	lastGood = 24 * time.Hour
)

// RemoteConfig says how keys are fetched. The zero RemoteConfig reaches public addresses by https.
type RemoteConfig struct {
	Now func() time.Time // nil means time.Now
	// Allow lists addresses that may be reached although they are not public, as those of an issuer
	// within one's own network.
	Allow []netip.Prefix
	// Roots are the authorities that the issuer's certificate is checked against. Nil means the
	// system's.
	Roots *x509.CertPool
	// InsecureLoopback is for tests and development: it reaches loopback addresses, by http too,
	// and no others.
	InsecureLoopback bool
}

// RemoteKeys returns the keys that an issuer publishes as a JSON Web Key Set under a URL; for the
// pools of this library, as for Cognito's, that is the issuer and "/.well-known/jwks.json". It
// fails for a URL that is not https, and fetches nothing yet.
//
// Keys are fetched when they are first asked for, when they have become old (as Cache-Control says,
// but after a minute at the earliest and an hour at the latest), and when a token names one that is
// not among them, which is how a new key is learnt, but not twice within 30 seconds: strangers name
// what they like. All who need a fetch wait for the same one, each as long as its context allows
// and 5 s at most. When it fails, the last good keys are used on, for a day, and the next is not
// tried for 30 seconds. An answer that is no key set, a redirect and more than 256 KiB are
// failures. Keys come from the URL alone: where the header of a token points (jku, x5u, jwk) is
// never followed.
//
// A key that the issuer has withdrawn is thus taken for an hour more at most, or a day when the
// issuer cannot be reached.
func RemoteKeys(url string, c RemoteConfig) (KeySet, error) {
	client := egress.New(egress.Config{
		Timeout: fetchTimeout, Allow: c.Allow, Roots: c.Roots, InsecureLoopback: c.InsecureLoopback,
	})
	if err := client.Check(url); err != nil {
		return nil, fmt.Errorf("token: remote keys: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &remoteKeys{url: url, client: client, now: c.Now}, nil
}

type remoteKeys struct {
	url    string
	client *egress.Client
	now    func() time.Time

	mu      sync.Mutex
	set     staticKeys    // the last good ones; nil before the first
	fetched time.Time     // when set was asked for
	age     time.Duration // how long it is good
	tried   time.Time     // when the last fetch began; zero before the first
	err     error         // of the last fetch
	flight  chan struct{} // closed when the fetch that is under way ends; nil where none is
}

// Key returns the key of an id. An error that is not [ErrNoKey] means that the keys could not be
// had.
func (r *remoteKeys) Key(ctx context.Context, kid string) (PublicKey, error) {
	r.mu.Lock()
	k, known := r.set[kid]
	if known && within(r.now(), r.fetched, r.age) {
		r.mu.Unlock()
		return k, nil
	}
	r.takeOff(ctx)
	flight := r.flight
	r.mu.Unlock()
	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return PublicKey{}, fmt.Errorf("token: wait for keys: %w", ctx.Err())
		}
	}
	return r.last(kid)
}

// takeOff starts a fetch, unless one is under way or the last was just now.
func (r *remoteKeys) takeOff(ctx context.Context) {
	pause := retryAfter
	if r.set == nil {
		pause = firstRetry
	}
	if r.flight != nil || within(r.now(), r.tried, pause) {
		return
	}
	r.tried, r.flight = r.now(), make(chan struct{})
	go r.fetch(context.WithoutCancel(ctx), r.flight) // for all who wait, so not ended by the first
}

// last answers from the last good set.
func (r *remoteKeys) last(kid string) (PublicKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set != nil && within(r.now(), r.fetched, lastGood) {
		if k, ok := r.set[kid]; ok {
			return k, nil
		}
		if r.err == nil {
			return PublicKey{}, ErrNoKey
		}
	}
	if r.err == nil {
		return PublicKey{}, errors.New("token: the issuer's keys are too old")
	}
	return PublicKey{}, r.err
}

func (r *remoteKeys) fetch(ctx context.Context, flight chan struct{}) {
	set, age, err := r.get(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.set, r.age, r.fetched = set, age, r.tried
	}
	r.flight = nil
	close(flight)
}

func (r *remoteKeys) get(ctx context.Context) (set staticKeys, age time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil { // in this goroutine a parser's panic would end the process
			err = fmt.Errorf("token: read keys: panic: %v", p)
		}
	}()
	accept := map[string]string{"Accept": "application/jwk-set+json, application/json"}
	answer, err := r.client.Get(ctx, r.url, accept)
	if err != nil {
		return nil, 0, fmt.Errorf("token: fetch keys: %w", err)
	}
	if answer.Status != 200 {
		return nil, 0, fmt.Errorf("token: fetch keys: the issuer answered %d", answer.Status)
	}
	set, err = parseKeySet(answer.Body)
	return set, freshness(answer.Header.Values("Cache-Control")), err
}

// within reports whether now is less than d after start. A clock that was set back says no, so that
// nothing is kept until it catches up.
func within(now, start time.Time, d time.Duration) bool {
	since := now.Sub(start)
	return !start.IsZero() && since >= 0 && since < d
}
