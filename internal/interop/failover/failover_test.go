package failover_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

const (
	nodes   = 3
	workers = 8
	patient = 40 * time.Second // for service to resume
	prompt  = 20 * time.Second // for any call, on a machine that others use too
)

var (
	right = password.New("correct horse battery staple")
	wrong = password.New("incorrect horse battery staple")
)

// site is a program of several nodes on a primary with a synchronous replica.
type site struct {
	t                testing.TB
	primary, replica *postgrestest.Server
	pools            [nodes]*pool.Pool
	box              *mailbox.Mailbox
	ring             *seal.Keyring

	failed  atomic.Int64 // calls that were told to come again
	slowest atomic.Int64 // of those
}

func newSite(t *testing.T) *site {
	t.Helper()
	if os.Getenv("USERPOOL_CI") == "" && testing.Short() {
		t.Skip("-short")
	}
	s := &site{t: t, box: mailbox.New()}
	s.primary = postgrestest.NewServer(t, "fsync=on")
	s.replica = s.primary.NewReplica()
	s.primary.Synchronous()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	s.ring = ring
	for i := range s.pools {
		s.pools[i] = s.open(fmt.Sprintf("postgres://userpool@127.0.0.1:%d,127.0.0.1:%d/postgres?pool_max_conns=8", s.primary.Port(), s.replica.Port()))
	}
	return s
}

// open starts a node.
func (s *site) open(url string) *pool.Pool {
	s.t.Helper()
	return s.openOn(url, func(st *postgres.Store) storage.Store { return st })
}

// openOn starts a node on what is made of a store.
func (s *site) openOn(url string, wrap func(*postgres.Store) storage.Store) *pool.Pool {
	s.t.Helper()
	st, err := postgres.Open(s.t.Context(), url, postgres.Config{})
	if err != nil {
		s.t.Fatal(err)
	}
	p, err := pool.Open(s.t.Context(), wrap(st), pool.Config{
		Keys: s.ring, Sender: s.box, InsecureHash: &password.Params{Memory: 8, Time: 1, Threads: 1},
		Settings: &pool.Settings{Clients: []pool.Client{{ID: "web", Tokens: pool.TokenSettings{Grace: time.Minute}}}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			s.t.Errorf("Close: %v", err)
		}
		st.Close()
	})
	return p
}

// call makes a call at a node after the other until one acknowledges it or refuses. To fail is to say
// soon that the store cannot be had.
func (s *site) call(what string, f func(ctx context.Context, p *pool.Pool) error) error {
	end := time.Now().Add(patient)
	for n := 0; ; n++ {
		began := time.Now()
		err := f(context.Background(), s.pools[n%nodes])
		took := time.Since(began)
		if took > prompt {
			s.t.Errorf("%s took %s", what, took)
		}
		if !errors.Is(err, pool.ErrUnavailable) {
			return err
		}
		s.failed.Add(1)
		s.slowest.Store(max(s.slowest.Load(), int64(took)))
		if time.Now().After(end) {
			return fmt.Errorf("%s: service does not resume: %w", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// person is one user, with all that was acknowledged to them.
type person struct {
	login   string
	ip      netip.Addr
	id      user.ID
	guesses int // wrong passwords that were told so, since the last sign-in
	tried   int // wrong passwords that were sent
	events  int // acts that leave one
	current token.Secret
	former  []token.Secret // refresh tokens two and more generations back
	over    []token.Secret // of sessions that were signed out
}

// live signs somebody up and has them come and go, and tells whether all that was as it must be.
func (s *site) live(p *person) error {
	from := pool.Caller{IP: p.ip}
	var up pool.SignUpResult
	err := s.call("sign up", func(ctx context.Context, n *pool.Pool) (err error) {
		up, err = n.SignUp(ctx, pool.SignUpInput{Username: p.login, Password: right, Caller: from})
		return err
	})
	if err != nil {
		return fmt.Errorf("sign up: %w", err)
	}
	if err := s.confirm(p, up.Ticket); err != nil {
		return err
	}
	for round := range 2 {
		if err := s.signIn(p, from); err != nil {
			return fmt.Errorf("sign in: %w", err)
		}
		for range 4 {
			if err := s.refresh(p); err != nil {
				return fmt.Errorf("refresh: %w", err)
			}
		}
		if round == 0 {
			err := s.call("sign out", func(ctx context.Context, n *pool.Pool) error {
				return n.SignOut(ctx, pool.SignOutInput{Token: p.current})
			})
			if err != nil {
				return fmt.Errorf("sign out: %w", err)
			}
			p.over, p.former = append(p.over, p.current), nil
		}
	}
	for range 3 {
		err := s.call("guess", func(ctx context.Context, n *pool.Pool) error {
			p.tried++
			_, err := n.SignIn(ctx, pool.SignInInput{Username: p.login, With: pool.Password{Value: wrong}, Caller: from})
			return err
		})
		if !errors.Is(err, pool.ErrNotAuthorized) {
			return fmt.Errorf("a wrong password came to: %w", err)
		}
		p.guesses++
	}
	return nil
}

// confirm redeems the code of a sign-up. Where the answer to one was lost there are two, and the mail
// of that one, whose code is of no use to this ticket, comes first.
func (s *site) confirm(p *person, ticket string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	for n := 1; ; n++ {
		mails, err := s.box.Wait(ctx, p.login, n)
		if err != nil {
			return fmt.Errorf("mail to %s: %w", p.login, err)
		}
		one := mailbox.New()
		if err := one.Send(ctx, mails[n-1]); err != nil {
			return err
		}
		if err := s.redeem(ticket, one.Code(p.login)); !errors.Is(err, pool.ErrBadCode) {
			p.events++
			return err
		}
	}
}

// redeem redeems a code at all nodes at once: it counts once at the most. Where the answer was lost the
// ticket is gone, and signing in tells.
func (s *site) redeem(ticket, code string) error {
	var lost atomic.Int64
	var errs [nodes]error
	var all sync.WaitGroup
	for i := range s.pools {
		all.Go(func() {
			errs[i] = s.call("confirm", func(ctx context.Context, _ *pool.Pool) error {
				_, err := s.pools[i].ConfirmSignUp(ctx, pool.CodeInput{Ticket: ticket, Code: code})
				if errors.Is(err, pool.ErrUnavailable) {
					lost.Add(1)
				}
				return err
			})
		})
	}
	all.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		}
	}
	if good > 1 || good == 0 && lost.Load() == 0 {
		return fmt.Errorf("a code was redeemed %d times: %w", good, errors.Join(errs[:]...))
	}
	return nil
}

func (s *site) signIn(p *person, from pool.Caller) error {
	return s.call("sign in", func(ctx context.Context, n *pool.Pool) error {
		d, err := pool.Finished(n.SignIn(ctx, pool.SignInInput{Username: p.login, With: pool.Password{Value: right}, Caller: from}))
		if err == nil {
			p.current, p.former, p.guesses, p.tried = d.Tokens.Refresh, nil, 0, 0
			p.events++
		}
		return err
	})
}

// refresh presents the current token at two nodes at once: they have one successor.
func (s *site) refresh(p *person) error {
	var got [2]token.Secret
	var errs [2]error
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			errs[i] = s.call("refresh", func(ctx context.Context, n *pool.Pool) error {
				d, err := pool.Finished(n.Refresh(ctx, pool.RefreshInput{Token: p.current}))
				if err == nil {
					got[i] = d.Tokens.Refresh
				}
				return err
			})
		})
	}
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if got[0].Reveal() != got[1].Reveal() {
		return errors.New("one token has two successors")
	}
	p.former = append(p.former, p.current)
	p.current = got[0]
	return nil
}

// TestFailover kills the primary in the middle of everything.
func TestFailover(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var mu sync.Mutex
	var people []*person
	var before, after atomic.Int64
	promoted := make(chan struct{})
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for n := 0; ; n++ {
				p := &person{login: fmt.Sprintf("p%d-%d@example.com", w, n), ip: netip.AddrFrom4([4]byte{10, byte(w), byte(n), 1})}
				if err := s.live(p); err != nil {
					t.Errorf("%s: %v", p.login, err)
					return
				}
				mu.Lock()
				people = append(people, p)
				mu.Unlock()
				select {
				case <-promoted:
					if after.Add(1) >= workers {
						return
					}
				default:
					before.Add(1)
				}
			}
		})
	}
	waitFor(t, func() bool { return before.Load() >= workers || t.Failed() })
	killed := time.Now()
	s.primary.Kill()
	s.replica.Promote()
	close(promoted)
	t.Logf("promoted after %s", time.Since(killed))
	all.Wait()
	t.Logf("%d people lived through it, %d of them before; %d calls were told to come again, the slowest after %s", len(people),
		before.Load(), s.failed.Load(), time.Duration(s.slowest.Load()))
	if t.Failed() {
		return
	}
	s.check(people)
	s.formerPrimary(people[0])
}

// check looks on the new primary for all that was acknowledged.
func (s *site) check(people []*person) {
	t := s.t
	db, err := pgxpool.New(t.Context(), s.replica.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, p := range people {
		n, events := 0, 0
		const counted = `SELECT l.user_id, coalesce((SELECT n FROM userpool_counters AS c WHERE c.owner = l.user_id AND c.name = 'password'), 0),
			(SELECT count(*) FROM userpool_events AS e WHERE e.user_id = l.user_id) FROM userpool_logins AS l WHERE l.value = $1`
		if err := db.QueryRow(t.Context(), counted, p.login).Scan((*string)(&p.id), &n, &events); err != nil {
			t.Errorf("%s is lost: %v", p.login, err)
			continue
		}
		if n < p.guesses || n > p.tried {
			t.Errorf("of %s %d wrong guesses are counted, %d were answered and %d sent", p.login, n, p.guesses, p.tried)
		}
		if events < p.events+p.guesses {
			t.Errorf("of %s there are %d events, and at least %d acts", p.login, events, p.events+p.guesses)
		}
		for _, old := range p.over {
			if s.refreshes(old) {
				t.Errorf("%s was signed out, and a token of then is taken", p.login)
			}
		}
		if !s.refreshes(p.current) {
			t.Errorf("the session of %s is lost", p.login)
		}
		for _, old := range p.former {
			if s.refreshes(old) {
				t.Errorf("a token of %s is taken twice", p.login)
			}
		}
	}
	waitFor(t, func() bool {
		report, err := s.pools[0].VerifyEvents(t.Context())
		if err != nil || !report.Intact() {
			t.Fatalf("the history: %v, %v", report.Problems, err)
		}
		return report.Unsealed == 0 && report.Sealed > 0
	})
}

func (s *site) refreshes(r token.Secret) bool {
	err := s.call("refresh", func(ctx context.Context, n *pool.Pool) error {
		_, err := n.Refresh(ctx, pool.RefreshInput{Token: r})
		return err
	})
	if err != nil && !errors.Is(err, pool.ErrNotAuthorized) {
		s.t.Errorf("refresh: %v", err)
	}
	return err == nil
}

// formerPrimary has the killed one come back beside the new one. Nothing fences it here, but that no
// replica follows it: what it is asked to write it does not acknowledge.
func (s *site) formerPrimary(p *person) {
	s.primary.Start()
	st, err := postgres.Open(s.t.Context(), s.primary.URL(), postgres.Config{Migrated: true})
	if err != nil {
		s.t.Fatal(err)
	}
	said := make(chan error, 1)
	go func() {
		said <- st.Commit(context.Background(), storage.Put(&storage.Revocation{Pool: "default", ID: "r", User: p.id, Epoch: 9, Expires: time.Now().Add(time.Hour)}))
	}()
	select {
	case err := <-said:
		s.t.Errorf("a former primary that is alone says %v to a commit", err)
	case <-time.After(2 * time.Second):
	}
	s.primary.Kill()
	if err := <-said; err == nil {
		s.t.Error("a former primary that is alone acknowledged a commit as it died")
	}
	st.Close()
}

func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patient); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}
