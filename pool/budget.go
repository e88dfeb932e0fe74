package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// LimitSettings bound what the pool as a whole does for visitors before it knows who they are, from
// however many networks they come (security.md T6). Beyond it they are refused with a *[LimitError]
// for at most ten seconds, which says nothing of any account.
//
// A quarter of each is kept for those with a known device of the account (see [Caller]): who floods
// a pool must not keep out its users. Of that quarter an account has ten in ten seconds, in each
// process, so that no user can use it up alone. The rest is anybody's: while somebody floods a pool
// from thousands of networks, or with right passwords, people without a known device wait.
//
// A budget is leased from the store slice by slice, of a twentieth of what ten seconds allow, and
// each process begins with one: so in ten seconds a pool may go beyond its budget by one slice for
// each process, and no more.
type LimitSettings struct {
	// SignIns is how many passwords may be guessed at a second: 1 to 1,000,000; 0 means 1,000,
	// which take twenty processors to hash. Cognito's default is 120.
	SignIns int
	// Mails is how many sign-ups and forgotten passwords there may be a second: 1 to 1,000,000; 0
	// means 100. What follows of each is bounded with it: it is sent five mails an hour, and a code
	// takes five guesses. Cognito's default is 50 sign-ups.
	Mails int

	// Texts is how many messages by SMS there may be an hour to the numbers of one country, that is
	// of one calling code: 1 to 1,000,000; 0 means 1,000. RangeTexts is how many of them may go to
	// numbers that differ in their last four digits alone: 1 to 10,000; 0 means 50. One number gets
	// ten. Beyond that they are dropped, which no answer shows, and an event tells: messages by SMS
	// cost money, and who rents numbers has codes sent there to be paid for it (SMS pumping).
	//
	// Those to numbers that nobody typed, because the account has proven them, are counted apart, and
	// those that administrators cause are not. A country's is leased in slices like the others, of
	// a twentieth of an hour's.
	Texts, RangeTexts int `json:",omitzero"`
	// Countries are the calling codes to which messages by SMS go, such as "+49", or the beginnings
	// of numbers, such as "+1876": at most 300. None means all. To other numbers nothing is sent,
	// whoever asks, and nobody can sign up by one, nor change to it; who has one signs in as before.
	Countries []string `json:",omitzero"`
}

func (l LimitSettings) defaults() LimitSettings {
	if l.SignIns == 0 {
		l.SignIns = 1000
	}
	if l.Mails == 0 {
		l.Mails = 100
	}
	return l
}

func (l LimitSettings) texts() int      { return cmp.Or(l.Texts, 1000) }
func (l LimitSettings) rangeTexts() int { return cmp.Or(l.RangeTexts, 50) }

// serves reports whether messages by SMS go to a number.
func (l LimitSettings) serves(number string) bool {
	begins := func(with string) bool { return strings.HasPrefix(number, with) }
	return len(l.Countries) == 0 || slices.ContainsFunc(l.Countries, begins)
}

func (l LimitSettings) problems() (ps []string) {
	for _, b := range []struct {
		name    string
		n, most int
	}{
		{"sign-ins a second", l.SignIns, 1_000_000},
		{"mails a second", l.Mails, 1_000_000},
		{"messages by SMS an hour to one country", l.texts(), 1_000_000},
		{"messages by SMS an hour to one range of numbers", l.rangeTexts(), 10_000},
	} {
		if b.n < 1 || b.n > b.most {
			ps = append(ps, fmt.Sprintf("limits: %d %s are not within 1 and %d", b.n, b.name, b.most))
		}
	}
	if len(l.Countries) > 300 {
		ps = append(ps, "limits: there are more than 300 countries")
		return ps
	}
	for i, c := range l.Countries {
		if !isPrefix(c) || slices.Contains(l.Countries[:i], c) {
			ps = append(ps, fmt.Sprintf("limits: country %.20q is not a calling code such as +49, or occurs twice", c))
		}
	}
	return ps
}

// isPrefix reports whether phone numbers begin with s, by a whole calling code.
func isPrefix(s string) bool {
	return len(s) >= 2 && len(s) <= 12 && s[0] == '+' && s[1] != '0' &&
		strings.Trim(s[1:], "0123456789") == "" && callingCode(s) != ""
}

const (
	budgetWindow = 10 * time.Second
	budgetSlices = 20 // of a window, and not twice as many: a few commits a second for a whole pool
)

// ofAccount is how much of what is kept for known devices one account has in a window.
const ofAccount = 10

// budget is what a pool has left of one of its limits, as one process knows. A counter of each call
// would be one row that all of them wait for (storage.md A4).
type budget struct {
	all, kept share

	mu    sync.Mutex
	since time.Time       // a window began
	users map[user.ID]int // what each has asked for of what is kept, in the window
}

func newBudget(p *Pool, name string) *budget {
	key := storage.CounterKey{Pool: p.config.ID, Owner: "pool", Name: "budget:" + name}
	b := &budget{
		all:  share{Pool: p, key: key, window: budgetWindow},
		kept: share{Pool: p, key: key, window: budgetWindow},
	}
	b.kept.key.Name += ":known"
	return b
}

// spent refuses where take would, as far as this process knows already. It takes nothing.
func (b *budget) spent(known bool) error {
	err := b.all.spent()
	if known && err != nil {
		err = b.kept.spent()
	}
	return err
}

// take takes one of so many a second, or fails with a *[LimitError]. It rarely asks the store.
// Known says that the caller has a known device of the account.
func (b *budget) take(ctx context.Context, perSecond int, account user.ID, known bool) error {
	total := perSecond * int(budgetWindow/time.Second)
	kept := total / 4
	err := b.all.take(ctx, total-kept)
	if _, spent := errors.AsType[*LimitError](err); spent && known && b.modest(account) {
		err = b.kept.take(ctx, kept)
	}
	return err
}

// modest reports whether an account may have one more of what is kept for known devices. Only those
// who have one are remembered, for a window.
func (b *budget) modest(account user.ID) bool {
	now := b.kept.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if since := now.Sub(b.since); since < 0 || since >= budgetWindow {
		b.since, b.users = now, map[user.ID]int{}
	}
	b.users[account]++
	return b.users[account] <= ofAccount
}

// share is a part of a budget.
type share struct {
	*Pool
	key    storage.CounterKey
	window time.Duration

	mu      sync.Mutex
	begun   bool
	left    int       // of the slices that this process holds
	until   time.Time // the pool has none left until then
	leasing *leasing  // that is being asked for; nil means none is
}

// leasing is a lease that one call asks for, and others wait for. What became of it is theirs, too:
// each asking a store anew that has just failed would have the last wait for all before it.
type leasing struct {
	decided chan struct{}
	err     error // once it is decided
}

func (s *share) spent() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun && s.left == 0 && s.none() {
		return &LimitError{Until: s.until}
	}
	return nil
}

// none reports whether the pool has none left now. An end that is further off than any is of a
// clock that has gone back since.
func (s *share) none() bool {
	now := s.now()
	return s.until.After(now) && !s.until.After(now.Add(2*s.window))
}

// take takes one, where so many may be taken in each window.
func (s *share) take(ctx context.Context, size int) error {
	slice := max(1, size/budgetSlices)
	for {
		s.mu.Lock()
		if !s.begun {
			s.begun, s.left = true, slice
		}
		if s.left > 0 {
			s.left--
			s.mu.Unlock()
			return nil
		}
		if s.none() {
			defer s.mu.Unlock()
			return &LimitError{Until: s.until}
		}
		l, mine := s.leasing, s.leasing == nil
		if mine {
			l = &leasing{decided: make(chan struct{})}
			s.leasing = l
		}
		s.mu.Unlock()
		if mine {
			s.lease(ctx, l, slice, size/slice)
		}
		select {
		case <-l.decided:
			if l.err != nil {
				return l.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lease asks the store for a slice, of which there are so many in a window. One call at a time does
// it, for all that wait, so it does not end with its caller.
func (s *share) lease(ctx context.Context, l *leasing, slice, slices int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	rule := storage.Rule{Free: slices, Window: s.window}
	err := s.commit(ctx, storage.Count{Key: s.key, Rule: rule, Now: s.now()})
	s.mu.Lock()
	defer s.mu.Unlock()
	if full, ok := errors.AsType[*storage.LimitError](err); ok {
		s.until = full.Until
	} else if l.err = err; err == nil {
		s.left += slice
	}
	s.leasing = nil
	close(l.decided)
}
