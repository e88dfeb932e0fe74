package storagetest

import (
	"context"

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
