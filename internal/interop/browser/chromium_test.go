package browser_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/userpool-go/userpool/internal/interop"
)

// The one Chromium of all tests. Each test has a profile of its own in it, which begins without cookies.
var (
	chromium = sync.OnceValues(start)
	stop     = func() error { return nil }
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stop(); err != nil && !errors.Is(err, context.Canceled) {
		println(err.Error())
	}
	os.Exit(code)
}

// start starts Chromium. The flags keep it from calling home, and from the sandbox, which a container that runs
// as root cannot give it; it is shown nothing but our own pages.
func start() (context.Context, error) {
	dir, err := os.MkdirTemp("", "userpool-chromium-")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(dir),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-domain-reliability", true), chromedp.Flag("no-pings", true),
		chromedp.Flag("hide-scrollbars", false), // a bar that nobody should see would be hidden
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.WindowSize(1280, 900),
	)
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop = func() error {
		defer os.RemoveAll(dir)
		defer release()
		defer cancel()
		return chromedp.Cancel(ctx)
	}
	return ctx, chromedp.Do(ctx)
}

// needChromium returns the running browser, or skips or fails the test as interop.Need does.
func needChromium(t *testing.T) context.Context {
	t.Helper()
	interop.Need(t, "chromium")
	ctx, err := chromium()
	if err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return ctx
}

// needAxe returns the source of axe-core.
func needAxe(t *testing.T) string {
	t.Helper()
	interop.Need(t, "npm")
	src, err := os.ReadFile(filepath.Join(interop.Install(t, "node"), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}
