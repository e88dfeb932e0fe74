package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
)

// A request that is under way is answered when the program is told to end, and no other is taken.
func TestServeEndsGracefully(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	entered, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(entered)
			<-ctx.Done()
			io.WriteString(w, "done")
		}))
	}()
	go func() { <-entered; stop() }()
	res, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "done" {
		t.Errorf("the request under way got %q, %v", text, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve = %v, want nil", err)
	}
}

// listening tells where the program listens, as its log does.
type listening chan string

func (l listening) Write(line []byte) (int, error) {
	var record struct{ URL string }
	if json.Unmarshal(line, &record) == nil && record.URL != "" {
		l <- record.URL
	}
	return len(line), nil
}

// files is an environment that keeps everything in a folder.
func files(dir string) map[string]string {
	return map[string]string{
		"ADDR": "127.0.0.1:0", "DB": filepath.Join(dir, "shop.db"), "KEYS": filepath.Join(dir, "shop.keys"),
	}
}

// start runs the program until stop is called, and returns its URL.
func start(t *testing.T, env map[string]string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	where, ended := make(listening, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, func(k string) string { return env[k] }, slog.New(slog.NewJSONHandler(where, nil)))
	}()
	select {
	case url = <-where:
	case err := <-ended:
		t.Fatalf("run = %v", err)
	}
	return url, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run = %v, want nil", err)
		}
	}
}

// The second time the program finds what the first has left.
func TestRunTwice(t *testing.T) {
	t.Parallel()
	env := files(t.TempDir())
	v := &visitor{t: t, client: http.DefaultClient}
	url, stop := start(t, env)
	v.url = url
	up := v.post(200, "/signup", "email", ada, "password", secret)
	stop()
	url, stop = start(t, env)
	v.url = url
	v.post(422, "/confirm", "ticket", up.Ticket, "code", "000000x")
	stop()
	if info, err := os.Stat(env["KEYS"]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the keys are %v, %v, want mode 0600", info, err)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change map[string]string
		say    string
	}{
		"production without mail": {map[string]string{"ISSUER": "https://shop.example"}, "Sender"},
		"issuer of nowhere":       {map[string]string{"ISSUER": "http://shop.example"}, "issuer"},
		"mail from nobody":        {map[string]string{"SMTP": "mail.example.com:587"}, "From"},
		"mail in the clear": {map[string]string{
			"SMTP": "mail.example.com:25", "SMTP_FROM": "a@example.com", "SMTP_INSECURE": "1",
		}, "InsecureNoTLS"},
		"keys in a folder": {map[string]string{"KEYS": "."}, ""},
		"no such address":  {map[string]string{"ADDR": "127.0.0.1:99999"}, "port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env := func(k string) string {
				if v, ok := tt.change[k]; ok {
					return v
				}
				return files(dir)[k]
			}
			var log bytes.Buffer
			err := run(t.Context(), env, slog.New(slog.NewTextHandler(&log, nil)))
			if err == nil || !strings.Contains(err.Error(), tt.say) || errors.Is(err, pool.ErrClosed) {
				t.Errorf("run = %v, want an error about %q", err, tt.say)
			}
		})
	}
}
