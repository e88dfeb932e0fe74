package nodes_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
)

// program is the variable by which this binary knows that it is the program, and with what.
const program = "USERPOOL_NODE"

func TestMain(m *testing.M) {
	if text := os.Getenv(program); text != "" {
		var s setup
		err := json.Unmarshal([]byte(text), &s)
		if err == nil {
			err = serve(s)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // they wait rather than work
	os.Exit(postgrestest.Main(m))
}

const count = 4 // processes of a cluster

// cluster is processes of one program on one database.
type cluster struct {
	setup
	t     testing.TB
	nodes [count]*process
	mail  *mailServer
	db    *pgxpool.Pool
	ahead time.Duration
	held  time.Time
}

// prepare makes all that processes share, and starts none.
func prepare(t testing.TB, change ...func(*setup)) *cluster {
	t.Helper()
	dir := t.TempDir()
	c := &cluster{t: t, mail: serveMail(t)}
	c.setup = setup{
		URL: postgrestest.Database(t) + "?pool_max_conns=8", Keys: filepath.Join(dir, "keys"), Mail: c.mail.addr,
		Clock: filepath.Join(dir, "clock"), Hooked: filepath.Join(dir, "hooked"), Pool: "people",
	}
	for _, f := range change {
		f(&c.setup)
	}
	for _, name := range []string{c.Clock, c.Hooked} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := pgxpool.New(t.Context(), c.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	c.db = db
	if _, err := db.Exec(t.Context(), "CREATE TABLE accounts (user_id text PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	return c
}

// run makes a cluster and starts all of it at once.
func run(t testing.TB, change ...func(*setup)) *cluster {
	t.Helper()
	c := prepare(t, change...)
	errs := c.each(func(i int) (err error) {
		c.nodes[i], err = c.begin(c.setup)
		return err
	})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

// each does something for all processes at once.
func (c *cluster) each(f func(i int) error) (errs [count]error) {
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errs
}

// advance moves the clock of all processes.
func (c *cluster) advance(d time.Duration) {
	c.t.Helper()
	c.ahead += d
	c.setClock()
}

// hold lets the clock of all processes stand still until it is advanced: however long calls take, no lock
// and no window ends while they do.
func (c *cluster) hold() {
	c.t.Helper()
	c.held = time.Now()
	c.setClock()
}

func (c *cluster) setClock() {
	c.t.Helper()
	var text [16]byte
	binary.LittleEndian.PutUint64(text[:], uint64(c.ahead))
	if !c.held.IsZero() {
		binary.LittleEndian.PutUint64(text[8:], uint64(c.held.UnixNano()))
	}
	f, err := os.OpenFile(c.Clock, os.O_WRONLY, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(text[:], 0); err != nil { // in place: never short, for those who read it
		c.t.Fatal(err)
	}
}

// process is one of them.
type process struct {
	*exec.Cmd
	addr  string
	ended chan struct{} // closed when it has
	said  bytes.Buffer  // on standard error; to be read when it has ended
}

// begin starts a process and waits until it answers. Where it does not, the error is what it said.
func (c *cluster) begin(s setup) (*process, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	p := &process{Cmd: exec.Command(os.Args[0]), ended: make(chan struct{})}
	p.Env = append(os.Environ(), program+"="+string(text))
	p.Stderr = &p.said
	in, err := p.StdinPipe() // closed when we end, however we do
	if err != nil {
		return nil, err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	go func() {
		_ = p.Wait()
		close(p.ended)
	}()
	c.t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.ended
		in.Close()
	})
	var found bool
	if p.addr, found = strings.CutPrefix(strings.TrimSpace(line), ready+" "); !found {
		<-p.ended
		return nil, fmt.Errorf("a process did not start: %s", &p.said)
	}
	return p, nil
}

func (p *process) signal(s os.Signal) { _ = p.Process.Signal(s) }

// stop ends a process as an operator does, and waits for it.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		return errors.New("a process does not stop")
	}
	if !p.ProcessState.Success() {
		return fmt.Errorf("a process stopped with %v: %s", p.ProcessState, &p.said)
	}
	return nil
}

// kill ends a process at once.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

var (
	client    = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	errNoNode = errors.New("the process did not answer")
)

// ask calls a process. An error is one of the classes, or errNoNode.
func (p *process) ask(call string, in request) (out answer, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	res, err := client.Post("http://"+p.addr+"/"+call, "application/json", bytes.NewReader(body))
	if err != nil {
		return out, fmt.Errorf("%w: %w", errNoNode, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return out, fmt.Errorf("%w: %w", errNoNode, err)
	}
	if res.StatusCode == http.StatusOK {
		return out, json.Unmarshal(text, &out)
	}
	if class := classes[res.StatusCode]; class != nil {
		return out, fmt.Errorf("%w (%s)", class, strings.TrimSpace(string(text)))
	}
	return out, fmt.Errorf("status %d: %s", res.StatusCode, strings.TrimSpace(string(text)))
}

// ask calls process i, which must not fail.
func (c *cluster) ask(i int, call string, in request) answer {
	c.t.Helper()
	out, err := c.nodes[i%count].ask(call, in)
	if err != nil {
		c.t.Fatalf("%s at process %d: %v", call, i%count, err)
	}
	return out
}

// secret is everybody's password.
const secret = "correct horse battery staple"

// person signs somebody up at one process, confirms at the next, signs in at the one after and returns
// the tokens.
func (c *cluster) person(i int, login string) answer {
	c.t.Helper()
	up := c.ask(i, "sign-up", request{Login: login, Password: secret, IP: address(i)})
	c.ask(i+1, "confirm", request{Ticket: up.Ticket, Code: c.mail.wait(login, 1).code, IP: address(i)})
	return c.ask(i+2, "sign-in", request{Login: login, Password: secret, IP: address(i)})
}

// address is of a network of its own.
func address(i int) string { return fmt.Sprintf("10.%d.%d.1", i>>8&255, i&255) }

// count runs a query that returns a number.
func (c *cluster) count(query string, args ...any) (n int) {
	c.t.Helper()
	if err := c.db.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// until waits until something is so, and returns how long that took. It fails after the bound.
func (c *cluster) until(what string, bound time.Duration, so func() bool) time.Duration {
	c.t.Helper()
	start := time.Now()
	for !so() {
		if time.Since(start) > bound {
			c.t.Fatalf("%s: not within %v", what, bound)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(start)
}
