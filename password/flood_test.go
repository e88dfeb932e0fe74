package password_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/userpool-go/userpool/password"
)

// Ten thousand come at once, with real passwords, from four networks: the memory is bounded, who
// gives up is gone, and somebody from elsewhere gets a turn.
func TestT9_TenThousandAtTheDoor(t *testing.T) {
	const child = "USERPOOL_PASSWORD_FLOOD" // set in a process of its own, whose memory nobody else uses
	if os.Getenv(child) == "" {
		t.Parallel()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		// Told a limit the collector keeps to it. Without one it lets the heap double, and with the
		// stacks of ten thousand the process has 130 to 175 MiB.
		cmd.Env = append(os.Environ(), child+"=1", "GOMEMLIMIT=110MiB")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	const places = 2
	door := password.NewHasher(places)
	for range 2 {
		flood(t, door)
	}
	if n := password.Left(door); n != 0 {
		t.Errorf("%d left behind", n)
	}
	most, limit := peak(t), places*19+100
	t.Logf("%d MiB at its peak", most)
	if most > limit && !raceDetector() {
		t.Errorf("the process had %d MiB at its peak, want at most %d", most, limit)
	}
}

// flood sends ten thousand to the door, and one more from elsewhere; then they all give up.
func flood(t *testing.T, door *password.Hasher) {
	t.Helper()
	const bots = 10_000
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	var came, shed, let, gone atomic.Int64
	var wg sync.WaitGroup
	for i := range bots {
		wg.Go(func() {
			came.Add(1)
			from := password.From{Pool: "p", Source: fmt.Sprint(i % 4), Account: fmt.Sprint(i)}
			switch _, err := door.For(from).Hash(ctx, password.Default(), password.New("correct horse battery")); {
			case err == nil:
				let.Add(1)
			case errors.Is(err, password.ErrBusy):
				shed.Add(1)
			case errors.Is(err, context.Canceled):
				gone.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	for came.Load() < bots {
		runtime.Gosched()
	}
	before := door.Count()
	home := door.For(password.From{Pool: "p", Source: "home", Account: "ada"})
	if _, err := home.Hash(t.Context(), password.Default(), password.New("correct horse battery")); err != nil {
		t.Errorf("somebody from elsewhere: %v", err)
	}
	// One turn of each other source, and those that ran already or came in meanwhile.
	if n := door.Count() - before; n > 20 {
		t.Errorf("%d hashes until somebody from elsewhere had a turn", n)
	}
	before = door.Count()
	hangUp()
	wg.Wait()
	if n := door.Count() - before; n > 20 {
		t.Errorf("%d hashes while those who had hung up left", n)
	}
	if n := let.Load() + shed.Load() + gone.Load(); n != bots || shed.Load() == 0 || gone.Load() == 0 {
		t.Errorf("%d let in, %d shed, %d gone, want %d in all", let.Load(), shed.Load(), gone.Load(), bots)
	}
}

// peak returns the most memory that this process ever had, in MiB.
func peak(t *testing.T) int {
	f, err := os.Open("/proc/self/status")
	if err != nil { // not Linux: what the runtime took, which is more
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.Sys >> 20)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int
		if _, err := fmt.Sscanf(strings.TrimSpace(s.Text()), "VmHWM: %d kB", &kib); err == nil {
			return kib >> 10
		}
	}
	t.Fatal("/proc/self/status has no VmHWM")
	return 0
}

// raceDetector reports whether this is built with it: its own memory is several times ours.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return true
		}
	}
	return false
}
