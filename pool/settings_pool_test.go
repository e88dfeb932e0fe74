package pool_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
)

func TestTags(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint(i)] = ""
	}
	fifty := maps.Clone(many)
	delete(fifty, "0")
	for name, tt := range map[string]struct {
		tags     map[string]string
		problems int
	}{
		"none":            {nil, 0},
		"fifty":           {fifty, 0},
		"one more":        {many, 1},
		"as long as can":  {map[string]string{strings.Repeat("ä", 128): strings.Repeat("ö", 256)}, 0},
		"a longer key":    {map[string]string{strings.Repeat("ä", 129): ""}, 1},
		"a longer value":  {map[string]string{"a": strings.Repeat("ö", 257)}, 1},
		"without a key":   {map[string]string{"": "a"}, 1},
		"two lines":       {map[string]string{"a": "b\nc"}, 1},
		"no UTF-8":        {map[string]string{"a\xff": "b"}, 1},
		"no UTF-8 either": {map[string]string{"a": "\xff", "b": "\xff"}, 2},
	} {
		k := open(t)
		s, v := k.policy()
		s.Tags, s.DeletionProtection = tt.tags, true
		err := k.admin().PutSettings(t.Context(), s, v)
		e, _ := errors.AsType[*pool.SettingsError](err)
		if tt.problems == 0 && err != nil || tt.problems > 0 && (e == nil || len(e.Problems) != tt.problems) {
			t.Errorf("%s: %.200v, want %d problems", name, err, tt.problems)
		}
		if now := k.Settings(); now.DeletionProtection != (tt.problems == 0) || tt.problems == 0 && !maps.Equal(now.Tags, tt.tags) {
			t.Errorf("%s: protected %v, %d tags", name, now.DeletionProtection, len(now.Tags))
		}
	}
}
