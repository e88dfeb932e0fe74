package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
)

// operation is one thing that somebody does in a pool. It does the same to the model, and fails the
// step where the answer is another than the model's.
type operation struct {
	name  string
	often int      // among all others
	calls []string // the methods of the faces that it is about
	do    func(w *world, t *town)
}

// operations are all that there are.
var operations = slices.Concat(visitors, owners, movers, admins, operators, []operation{
	{"time passes", 12, nil, func(w *world, _ *town) {
		d := one(w, []time.Duration{time.Second, 4 * time.Second, 20 * time.Second, 2 * time.Minute, 16 * time.Minute})
		if w.chance(5) {
			d = one(w, []time.Duration{time.Hour, 7 * time.Hour, 13 * time.Hour, 25 * time.Hour, 8 * 24 * time.Hour, 31 * 24 * time.Hour})
		}
		w.say("%s", d)
		w.pass(d)
		w.well = true
	}},
})

// lottery holds each operation as often as it comes.
var lottery = func() (all []operation) {
	for _, o := range operations {
		all = append(all, slices.Repeat([]operation{o}, o.often)...)
	}
	return all
}()

// history is the seeds of steps: what a step does depends on its seed and on what there is by then,
// so a history from which steps are left out is one, too.
type history []uint64

func random(seed uint64, steps int) history {
	r := rand.New(rand.NewPCG(seed, seed))
	h := make(history, steps)
	for i := range h {
		h[i] = r.Uint64()
	}
	return h
}

// life is how a history went.
type life struct {
	told []string       // what the steps did, up to the one that failed
	well map[string]int // how often each operation did something that went well
}

// place is what is not the same everywhere.
type place struct {
	change []func(*pool.Settings)
	stands func(storage.Store) storage.Store            // between the pools and the trouble; nil is nothing
	meets  func(w *world, o operation, attempt int) way // nil means that there is no trouble
	likes  func() (operation, bool)                     // what to do next; nil leaves it to the lottery
	after  func(w *world, o operation)                  // a step was
}

// live lives through a history in a place, on a store of its own.
func (h history) live(ctx context.Context, open func() (storage.Store, error), at place) (l life, err error) {
	st, err := open()
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	w, err := newWorld(ctx, st, at)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	l.well = w.tally
	for _, seed := range h {
		line, failed := w.step(seed)
		l.told = append(l.told, line)
		if failed != nil {
			return l, failed
		}
	}
	return l, w.histories()
}

// histories returns what is wrong with the events of the pools.
func (w *world) histories() error {
	for _, t := range w.towns {
		r, err := t.VerifyEvents(w.ctx)
		if err != nil || !r.Intact() {
			return fmt.Errorf("the history of %s: %+v, %w", t.ID(), r, err)
		}
	}
	return nil
}

// step does one thing in one pool, and looks whether all is as it should be.
func (w *world) step(seed uint64) (line string, err error) {
	w.rand, w.said, w.well = rand.New(rand.NewPCG(seed, 0)), nil, false
	w.pass(time.Millisecond + time.Duration(w.rand.IntN(1000))*time.Microsecond)
	t, o := one(w, w.towns), one(w, lottery)
	if w.last.town != nil && w.chance(3) { // often the same again
		t, o = w.last.town, w.last.operation
	}
	if w.likes != nil {
		if liked, ok := w.likes(); ok {
			o = liked
		}
	}
	w.last.town, w.last.operation = t, o
	seed = w.rand.Uint64()
	defer func() {
		r := recover()
		b, ok := r.(broken)
		if r != nil && !ok {
			panic(r)
		}
		line = fmt.Sprintf("%s %s: %s %s", w.now().Format("02 15:04:05.000"), t.ID(), o.name, strings.Join(w.said, " "))
		if ok {
			err = b.error
		}
	}()
	w.tried(t, o, seed)
	if w.after != nil {
		w.after(w, o)
	}
	if slices.Contains(w.ruins, t) {
		t = one(w, w.towns)
	}
	if w.well {
		w.tally[o.name]++
	}
	w.chores()
	w.silence(t)
	w.audit(t)
	return line, nil
}

// explain tells why a history fails, by the shortest that was found to fail.
func (h history) explain(ctx context.Context, at place, err error, told []string) error {
	short := h.shrink(300, func(h history) bool {
		_, err := h.live(ctx, inMemory, at)
		return err != nil
	})
	if l, failed := short.live(ctx, inMemory, at); failed != nil {
		told, err = l.told, failed
	}
	return fmt.Errorf("step %d: %w\n\t%s", len(h), err, strings.Join(told, "\n\t"))
}

// shrink returns the shortest history that it finds to fail alike within a number of lives: it
// leaves out halves, quarters and so on.
func (h history) shrink(lives int, fails func(history) bool) history {
	for n := len(h) / 2; n > 0 && lives > 0; {
		shorter := false
		for i := 0; i < len(h) && lives > 0; {
			without := slices.Concat(h[:i], h[min(i+n, len(h)):])
			lives--
			if fails(without) {
				h, shorter = without, true
			} else {
				i += n
			}
		}
		if !shorter || n > 1 {
			n /= 2
		}
	}
	return h
}
