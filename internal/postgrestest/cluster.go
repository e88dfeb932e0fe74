package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTime = time.Minute      // of a server, with its recovery
	stopTime  = 20 * time.Second // before it is killed
)

// cluster is a private server. It runs as another user where we are root.
type cluster struct {
	bin, dir string
	port     int
	settings []string // name=value
	daemon
}

// daemon is a program that runs until it is told to end.
type daemon struct {
	process *os.Process
	ended   chan struct{} // closed when it has; nil before it was started
}

// launch starts a command that goes on, and writes what it says to the end of a file.
func launch(cmd *exec.Cmd, log string) (daemon, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return daemon{}, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return daemon{}, err
	}
	d := daemon{cmd.Process, make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(d.ended)
	}()
	return d, nil
}

// running reports whether a daemon was started and has not ended.
func (d daemon) running() bool {
	if d.ended == nil {
		return false
	}
	select {
	case <-d.ended:
		return false
	default:
		return true
	}
}

// answers returns when a daemon takes connections at a URL, or else says why not: what it wrote.
func (d daemon) answers(url, log string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-d.ended:
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
			continue
		}
		text, _ := os.ReadFile(log)
		return fmt.Errorf("no answer: %w: %s", err, strings.TrimSpace(string(text)))
	}
}

// newCluster makes the folder of a server, which then needs its data: by create, or as the copy of
// another's.
func newCluster(settings ...string) (*cluster, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "userpool-postgres-")
	if err != nil {
		return nil, err
	}
	c := &cluster{bin: bin, dir: dir, settings: settings}
	if c.port, err = freePort(); err == nil {
		err = give(dir)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return c, nil
}

// programs returns the folder with initdb and postgres: that of the PATH, or where Debian puts the
// newest.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errors.New("no initdb here")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

func (c *cluster) url() string {
	return fmt.Sprintf("postgres://userpool@127.0.0.1:%d/postgres", c.port)
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) log() string { return filepath.Join(c.dir, "log") }

// create makes empty data.
func (c *cluster) create() error {
	return c.run("initdb", "-D", c.data(), "-U", "userpool", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
}

// run runs one of PostgreSQL's programs to its end.
func (c *cluster) run(name string, args ...string) error {
	if out, err := c.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	asOwner(cmd)
	return cmd
}

// start starts the server on its data, and returns when it answers.
func (c *cluster) start() error {
	// Dynamic shared memory is in files of the folder, so that a server which is killed leaves none
	// outside.
	args := []string{"-D", c.data(), "-p", fmt.Sprint(c.port), "-k", c.dir, "-c", "listen_addresses=127.0.0.1", "-c", "dynamic_shared_memory_type=mmap"}
	for _, s := range c.settings {
		args = append(args, "-c", s)
	}
	var err error
	if c.daemon, err = launch(c.command("postgres", args...), c.log()); err != nil {
		return err
	}
	return c.answers(c.url(), c.log())
}

// stop ends sessions and then the server ("fast"), and returns when it has.
func (c *cluster) stop() {
	if !c.running() {
		return
	}
	c.resume()
	_ = c.process.Signal(os.Interrupt)
	select {
	case <-c.ended:
	case <-time.After(stopTime):
		c.kill()
	}
}

// kill ends all processes of the server as a power cut does, and returns when they have.
func (c *cluster) kill() {
	if !c.running() {
		return
	}
	children := c.pause()
	_ = c.process.Kill()
	for _, pid := range children {
		_ = kill(pid)
	}
	<-c.ended
	for _, pid := range children {
		for !isGone(pid) {
			time.Sleep(time.Millisecond)
		}
	}
}

// pause stops all processes of the server where they stand, and returns its first one's children. It
// makes no more of them, and the number of one that ended is not used again until it looks.
func (c *cluster) pause() (children []int) {
	_ = pause(c.process.Pid)
	children = childrenOf(c.process.Pid)
	for _, pid := range children {
		_ = pause(pid)
	}
	return children
}

// resume lets a paused server go on.
func (c *cluster) resume() {
	for _, pid := range append(childrenOf(c.process.Pid), c.process.Pid) {
		_ = resume(pid)
	}
}

// remove stops the server and removes its folder.
func (c *cluster) remove() {
	// One that was killed leaves a segment of shared memory, which it takes back when it starts.
	if _, err := os.Stat(filepath.Join(c.data(), "postmaster.pid")); err == nil && !c.running() && c.ended != nil {
		_ = c.start()
	}
	c.stop()
	os.RemoveAll(c.dir)
}

var ports atomic.Int64

// freePort returns a port on which nobody listens: one that the system gives to nobody who asks for
// any, so that it is still free when a server that was stopped starts again.
func freePort() (port int, err error) {
	for range 100 {
		port = 20000 + (os.Getpid()*64+int(ports.Add(1)))%12000
		var l net.Listener
		if l, err = new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}
