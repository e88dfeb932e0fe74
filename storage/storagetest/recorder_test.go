package storagetest_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// recorder is a test that may fail without failing the test it belongs to.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

// record runs a test and returns what it failed with.
func record(t *testing.T, run func(t testing.TB)) []string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(r)
	}()
	<-done
	return r.failures
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Logf(string, ...any) {}
