//go:build race

package lifecycle_test

// underDetector says that the race detector is on, under which a step takes ten times as long.
const underDetector = true
