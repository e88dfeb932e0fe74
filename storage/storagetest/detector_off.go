//go:build !race

package storagetest

// underDetector tells that the race detector watches.
const underDetector = false
