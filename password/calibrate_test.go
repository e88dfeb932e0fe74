package password_test

import (
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
)

func TestCalibrate(t *testing.T) {
	t.Parallel()
	const mib = 1 << 10
	tests := []struct {
		name               string
		takes, target      time.Duration // of a default hash, and wanted
		wantMemory, passes uint32
	}{
		{"as by default", 20 * time.Millisecond, 20 * time.Millisecond, 19 * mib, 2},
		{"less than by default", 20 * time.Millisecond, time.Millisecond, 19 * mib, 2},
		{"nothing", 20 * time.Millisecond, 0, 19 * mib, 2},
		{"negative", 20 * time.Millisecond, -1, 19 * mib, 2},
		{"twice", 20 * time.Millisecond, 40 * time.Millisecond, 38 * mib, 2},
		{"memory first", 20 * time.Millisecond, 60 * time.Millisecond, 57 * mib, 2},
		{"then passes", 20 * time.Millisecond, 250 * time.Millisecond, 64 * mib, 7},
		{"a slow machine", 200 * time.Millisecond, 250 * time.Millisecond, 23 * mib, 2},
		{"forever", time.Millisecond, 24 * time.Hour, 64 * mib, 10},
		{"no clock", 0, time.Second, 19 * mib, 2},
		{"a clock that runs back", -time.Second, time.Second, 19 * mib, 2},
	}
	for _, tt := range tests {
		var now time.Time
		clock := func() time.Time { now = now.Add(tt.takes); return now }
		got := password.Calibrate(tt.target, clock)
		if want := (password.Params{Memory: tt.wantMemory, Time: tt.passes, Threads: 1}); got != want {
			t.Errorf("%s: Calibrate = %+v, want %+v", tt.name, got, want)
		}
		h := password.Hash{Scheme: password.Argon2id, Params: got, Salt: make([]byte, 16)}
		if _, err := password.Parse(h.Bare()); err != nil {
			t.Errorf("%s: what Calibrate returns is beyond the limits: %v", tt.name, err)
		}
	}
}
