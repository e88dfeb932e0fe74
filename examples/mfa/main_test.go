package main

import (
	"strings"
	"testing"
)

// The walk ends well, and tells of every act.
func TestWalk(t *testing.T) {
	t.Parallel()
	var told strings.Builder
	if err := run(t.Context(), &told); err != nil {
		t.Fatalf("%v, after\n%s", err, told.String())
	}
	for _, act := range acts {
		if !strings.Contains(told.String(), act.title) {
			t.Errorf("%q is missing in\n%s", act.title, told.String())
		}
	}
}
