//go:build race

package storagetest

// underDetector tells that the race detector watches. It makes everything many times slower, and
// has nothing to find where there is one caller.
const underDetector = true
