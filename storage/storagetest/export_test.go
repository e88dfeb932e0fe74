package storagetest

import (
	"context"
	"testing"

	"github.com/userpool-go/userpool/storage"
)

// Race is a race as the mutants see it.
type Race struct {
	Name string
	Size int
	race race
}

// Races returns all races.
func Races() []Race {
	var out []Race
	for _, r := range races() {
		out = append(out, Race{r.name, r.size, r})
	}
	return out
}

// Run sets the race up on base and lets its callers go on st. It fails where the rule is broken.
func (r Race) Run(ctx context.Context, base, st storage.Store) error {
	return r.race.run(ctx, base, st)
}

// Show is show.
func Show(v any) string { return show(v) }

// Kill runs the kill rounds.
func Kill(t testing.TB, a Adapter, rounds int) { killRounds(t, a, rounds) }

// Model runs the model check.
func Model(t testing.TB, a Adapter, seed uint64, steps int) error {
	return checkModel(t, a, seed, steps)
}

// Contract runs the contract of a name.
func Contract(t testing.TB, a Adapter, name string) {
	for _, c := range contracts() {
		if c.name == name {
			c.run(newScene(t, a))
			return
		}
	}
	t.Fatalf("no contract %q", name)
}
