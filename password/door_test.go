package password_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/userpool-go/userpool/password"
)

// crowd is a door that one hash fills, and those who come to it.
type crowd struct {
	t     *testing.T
	door  *password.Hasher
	leave func()
	order []string     // who was let in
	turns chan visitor // one at a time
}

type visitor struct {
	name  string
	leave func()
}

// gather fills a door of n places with a single hash. It runs in a bubble of synctest.
func gather(t *testing.T, n int) *crowd {
	c := &crowd{t: t, door: password.NewHasher(n), turns: make(chan visitor, 1000)}
	whole := password.Default()
	whole.Memory *= uint32(n)
	leave, err := password.Enter(t.Context(), c.door.For(password.From{Pool: "first"}), whole)
	if err != nil {
		t.Fatal(err)
	}
	c.leave = leave
	return c
}

// come queues one hash with the given parameters and waits until it is queued.
func (c *crowd) come(name string, from password.From, p password.Params) {
	go func() {
		leave, err := password.Enter(c.t.Context(), c.door.For(from), p)
		if err != nil {
			c.t.Errorf("%s: %v", name, err)
			return
		}
		c.turns <- visitor{name, leave}
	}()
	synctest.Wait()
}

// refused comes like come and must be shed at once.
func (c *crowd) refused(name string, from password.From, p password.Params) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := password.Enter(ctx, c.door.For(from), p)
		done <- err
	}()
	synctest.Wait()
	select {
	case err := <-done:
		if b, ok := errors.AsType[*password.BusyError](err); !ok || b.RetryAfter <= 0 || !errors.Is(err, password.ErrBusy) {
			c.t.Errorf("%s: %v, want BusyError", name, err)
		}
	default:
		c.t.Errorf("%s: waits, want BusyError", name)
		cancel()
		<-done
	}
}

// open ends the hash that fills the door and then, one after the other, those that are let in; it
// returns who they were.
func (c *crowd) open() []string {
	c.t.Helper()
	c.leave()
	for {
		synctest.Wait()
		select {
		case v := <-c.turns:
			c.order = append(c.order, v.name)
			v.leave()
			continue
		default:
		}
		if n := password.Left(c.door); n != 0 {
			c.t.Errorf("%d left behind", n)
		}
		return c.order
	}
}

func TestT9_DoorIsFair(t *testing.T) {
	t.Parallel()
	type arrival struct {
		name string
		from password.From
		n    int
	}
	tests := []struct {
		name string
		come []arrival
		want string
	}{
		{"alone", []arrival{{"a", password.From{Pool: "p", Source: "s"}, 4}}, "aaaa"},
		{"by pool", []arrival{
			{"a", password.From{Pool: "p", Source: "1"}, 5}, {"b", password.From{Pool: "p", Source: "2"}, 5}, {"c", password.From{Pool: "q", Source: "3"}, 3},
		}, "acbcacbababab"},
		{"by source", []arrival{
			{"a", password.From{Pool: "p", Source: "1", Account: "x"}, 4}, {"b", password.From{Pool: "p", Source: "1", Account: "y"}, 4}, {"c", password.From{Pool: "p", Source: "2", Account: "z"}, 3},
		}, "acbcacbabab"},
		{"by account", []arrival{
			{"a", password.From{Pool: "p", Source: "1", Account: "x"}, 5}, {"b", password.From{Pool: "p", Source: "1", Account: "y"}, 2},
		}, "ababaaa"},
		{"known devices in turn with strangers", []arrival{
			{"a", password.From{Pool: "p", Source: "1"}, 4}, {"b", password.From{Pool: "q", Source: "2"}, 2}, {"k", password.From{Pool: "p", Source: "1", Known: true}, 4},
		}, "akbkakbkaa"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := gather(t, 1)
				for _, a := range tt.come {
					for range a.n {
						c.come(a.name, a.from, password.Default())
					}
				}
				if got := strings.Join(c.open(), ""); got != tt.want {
					t.Errorf("let in %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// However many newcomers there are, who was there before them gets their turns.
func TestT9_NewcomersDoNotPushAnyoneOut(t *testing.T) {
	t.Parallel()
	for name, newcomer := range map[string]func(i int) password.From{
		"accounts of one source": func(i int) password.From { return password.From{Pool: "p", Source: "s", Account: fmt.Sprint(i)} },
		"sources":                func(i int) password.From { return password.From{Pool: "p", Source: fmt.Sprint(i)} },
		"pools":                  func(i int) password.From { return password.From{Pool: fmt.Sprint(i), Source: fmt.Sprint(i)} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, ada := gather(t, 1), password.From{Pool: "p", Source: "s", Account: "ada"}
				for range 3 {
					c.come("ada", ada, password.Default())
				}
				c.leave()
				for i := range 40 { // for each that leaves, another one comes
					c.come("new", newcomer(i), password.Default())
					v := <-c.turns
					c.order = append(c.order, v.name)
					v.leave()
				}
				c.leave = func() {}
				if last := strings.LastIndex(strings.Join(c.open(), " "), "ada"); last > len("new ada ")*6 {
					t.Errorf("let in %q, want all of ada among the first", c.order)
				}
			})
		})
	}
}

// What a hash costs is what its owner pays: an account with a hash of three times the work gets a
// third of the turns.
func TestT9_DoorWeighsWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, dear := gather(t, 1), password.Default()
		dear.Time *= 3
		for range 3 {
			c.come("D", password.From{Source: "1"}, dear)
		}
		for range 8 {
			c.come("c", password.From{Source: "2"}, password.Default())
		}
		if got, want := strings.Join(c.open(), ""), "ccDcccDcccD"; got != want {
			t.Errorf("let in %q, want %q", got, want)
		}
	})
}

// A flood from one source does not delay another source by more than its turn, whenever it comes.
func TestT9_NobodyStarves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := gather(t, 4)
		for range 60 {
			c.come("flood", password.From{Pool: "p", Source: "bot"}, password.Default())
		}
		c.come("ada", password.From{Pool: "p", Source: "home", Account: "ada"}, password.Default())
		heavy := password.Params{Memory: 256 << 10, Time: 1, Threads: 4} // more than the whole door
		c.come("heavy", password.From{Pool: "p", Source: "office"}, heavy)
		order := c.open()
		if i := slices.Index(order, "ada"); i < 0 || i > 3 { // four run at once
			t.Errorf("ada was let in as number %d of %d", i+1, len(order))
		}
		// It costs what nearly seven others do, and so is done no later than they are.
		if i := slices.Index(order, "heavy"); i < 0 || i > 8 {
			t.Errorf("the heavy hash was let in as number %d of %d", i+1, len(order))
		}
	})
}

// Whatever is mixed, those inside hold no more threads and memory than the door has, but for one
// that is more by itself and is then alone.
func TestT9_DoorIsBounded(t *testing.T) {
	t.Parallel()
	const n = 4
	limit := uint64(n) * uint64(password.Default().Memory)
	door := password.NewHasher(n)
	kinds := []password.Params{
		{Memory: 8, Time: 1, Threads: 1},
		password.Default(),
		{Memory: 38 << 10, Time: 1, Threads: 1},
		{Memory: 64 << 10, Time: 1, Threads: 3},
		{Memory: 256 << 10, Time: 1, Threads: 16},
	}
	var threads, memory, inside atomic.Int64
	var wg sync.WaitGroup
	for i := range 150 {
		p, from := kinds[i%len(kinds)], password.From{Source: fmt.Sprint(i)}
		wg.Go(func() {
			leave, err := password.Enter(t.Context(), door.For(from), p)
			if err != nil {
				if !errors.Is(err, password.ErrBusy) {
					t.Error(err)
				}
				return
			}
			k := inside.Add(1)
			if th, m := threads.Add(int64(p.Threads)), memory.Add(int64(p.Memory)); k > 1 && (th > n || uint64(m) > limit) {
				t.Errorf("%d inside hold %d threads and %d KiB", k, th, m)
			}
			threads.Add(-int64(p.Threads))
			memory.Add(-int64(p.Memory))
			inside.Add(-1)
			leave()
		})
	}
	wg.Wait()
	if left := password.Left(door); left != 0 {
		t.Errorf("%d left behind", left)
	}
}

// With 100 places: a source has at most 25, strangers 75, and what is dear takes more of them.
func TestT9_DoorSheds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := gather(t, 1), password.Default()
		bot := password.From{Pool: "p", Source: "bot"}
		for range 25 {
			c.come("bot", bot, d)
		}
		c.refused("the 26th of one source", bot, d)
		c.refused("the same source at another pool", password.From{Pool: "q", Source: "bot"}, d)
		c.refused("the same source with a known device", password.From{Pool: "q", Source: "bot", Known: true}, d)
		if got := c.open(); len(got) != 25 {
			t.Errorf("%d were let in, want 25", len(got))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, d := gather(t, 1), password.Default()
		for i := range 74 {
			c.come("stranger", password.From{Pool: "p", Source: fmt.Sprint(i)}, d)
		}
		dear := d
		dear.Time = 4
		c.refused("two places where one is left", password.From{Source: "dear"}, dear)
		c.come("the 75th stranger", password.From{Source: "last"}, d)
		c.refused("the 76th stranger", password.From{Source: "late"}, d)
		for i := range 25 {
			c.come("known", password.From{Pool: "p", Source: fmt.Sprint(100 + i), Known: true}, d)
		}
		c.refused("the 26th known device", password.From{Known: true, Source: "home"}, d)
		if n := password.Waiting(c.door); n != 100 {
			t.Errorf("%d wait, want 100", n)
		}
		if got := c.open(); len(got) != 100 {
			t.Errorf("%d were let in, want 100", len(got))
		}
	})
}

// Where all places are taken, whoever came last of the source that has most makes room for one that
// has fewer: a flood from a few networks keeps nobody else out.
func TestT9_CrowdsMakeRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, d := gather(t, 1), password.Default()
		busy, flood := 0, make(chan error)
		bot := func(source, account string, known bool) {
			go func() {
				from := password.From{Pool: "p", Source: source, Account: account, Known: known}
				leave, err := password.Enter(t.Context(), c.door.For(from), d)
				if err == nil {
					c.turns <- visitor{source + account, leave}
					return
				}
				flood <- err
			}()
			synctest.Wait()
		}
		gone := func(what string) {
			t.Helper()
			select {
			case err := <-flood:
				busy++
				if !errors.Is(err, password.ErrBusy) {
					t.Errorf("%s: %v, want ErrBusy", what, err)
				}
			default:
				t.Errorf("%s: nobody made room", what)
			}
		}
		for i := range 25 {
			bot("a", "x", false)
			bot("b", fmt.Sprint(i), false)
		}
		bot("b", "y", false) // has as many as may be
		gone("the 26th of a source")
		for range 25 {
			bot("c", "z", false)
		}
		c.come("ada", password.From{Pool: "p", Source: "home"}, d)
		gone("ada at a full door")
		for i := range 40 {
			c.come(fmt.Sprint("new", i), password.From{Pool: "q", Source: fmt.Sprint(i)}, d)
			gone("newcomers")
		}
		// Three sources have 34 places by now, one of them 12.
		bot("a", "x", false)
		gone("who has more than all others")
		for range 25 {
			bot("office", "w", true)
		}
		c.come("a known device more", password.From{Source: "work", Known: true}, d)
		gone("a known device")
		c.refused("a stranger where only known devices have more", password.From{Source: "office"}, d)
		got := c.open()
		if i := slices.Index(got, "ada"); i < 0 || i > 16 { // the fourth source of one of two pools, which take turns with known devices
			t.Errorf("ada was let in as number %d", i+1)
		}
		if len(got) != 100 {
			t.Errorf("%d were let in, %d shed", len(got), busy)
		}
	})
}

// Who waits leaves when its context ends, and leaves nothing behind; those behind it move up, even
// where it was too heavy to be let in.
func TestT9_WhoGivesUpLeavesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := password.NewHasher(2)
		leave, err := password.Enter(t.Context(), door, password.Default())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				p := password.Params{Memory: 256 << 10, Time: 1, Threads: 2}
				if _, err := password.Enter(ctx, door.For(password.From{Source: fmt.Sprint(i)}), p); !errors.Is(err, context.Canceled) {
					t.Errorf("Enter = %v, want context.Canceled", err)
				}
			})
		}
		synctest.Wait()
		wg.Go(func() {
			light, err := password.Enter(t.Context(), door.For(password.From{Source: "light"}), cheap)
			if err != nil {
				t.Errorf("the light one behind: %v", err)
				return
			}
			light()
		})
		synctest.Wait()
		if n := password.Waiting(door); n == 0 {
			t.Fatal("nobody waits")
		}
		cancel()
		wg.Wait() // the light one is in and out while the first still runs
		leave()
		if n := password.Left(door); n != 0 {
			t.Errorf("%d left behind", n)
		}
	})
}

// Cancellation and a turn that come together leave nothing behind, whichever is seen first.
func TestT9_DoorUnderLoad(t *testing.T) {
	t.Parallel()
	door := password.NewHasher(2)
	gate := make(chan struct{})
	var let, busy, gone atomic.Int64
	var wg sync.WaitGroup
	const visitors = 400
	for i := range visitors {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			<-gate
			if i%3 == 0 {
				go cancel()
			}
			from := password.From{Pool: fmt.Sprint(i % 3), Source: fmt.Sprint(i % 20), Account: fmt.Sprint(i % 40), Known: i%5 == 0}
			leave, err := password.Enter(ctx, door.For(from), password.Default())
			switch {
			case err == nil:
				let.Add(1)
				leave()
			case errors.Is(err, password.ErrBusy):
				busy.Add(1)
			case errors.Is(err, context.Canceled):
				gone.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	close(gate)
	wg.Wait()
	if n := let.Load() + busy.Load() + gone.Load(); n != visitors || let.Load() == 0 {
		t.Errorf("%d let in, %d shed, %d gone, want %d in all", let.Load(), busy.Load(), gone.Load(), visitors)
	}
	if n := password.Left(door); n != 0 {
		t.Errorf("%d left behind", n)
	}
}
