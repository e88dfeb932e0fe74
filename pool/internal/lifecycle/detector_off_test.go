//go:build !race

package lifecycle_test

const underDetector = false
