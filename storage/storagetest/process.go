package storagetest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/userpool-go/userpool/storage"
)

// What tells a test binary that it is the child of a test, what to do, and on which database.
const (
	childTask    = "USERPOOL_STORAGETEST_TASK"
	childAddress = "USERPOOL_STORAGETEST_ADDRESS"
)

// child is a process with the work of a test to do.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	log *strings.Builder
}

// startChild starts the test binary again. It runs no tests even where its TestMain does not call
// Main: otherwise it would start children of its own, without end.
func startChild(ctx context.Context, task, address string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, os.Args[0], "-test.run=^$"), log: &strings.Builder{}}
	c.cmd.Env = append(os.Environ(), childTask+"="+task, childAddress+"="+address,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // else every child lingers for a second
	c.cmd.Stderr = c.log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the test binary again: %w", err)
	}
	if line := c.line(); line != "ready" {
		c.cmd.Process.Kill()
		c.cmd.Wait()
		return nil, fmt.Errorf("the child said %q, want \"ready\" (does TestMain call storagetest.Main?): %s",
			line, c.log)
	}
	return c, nil
}

// line returns the child's next line; "" means that there is none.
func (c *child) line() string {
	if !c.out.Scan() {
		return ""
	}
	return c.out.Text()
}

// work does what a child was started for, and returns its exit code.
func work(ctx context.Context, a Adapter, task, address string) int {
	st, err := a.Open(ctx, address)
	if err == nil {
		kind, name, _ := strings.Cut(task, ":")
		switch kind {
		case "race":
			err = raceAsChild(ctx, st, name)
		case "write":
			err = writeUntilKilled(ctx, st, name)
		default:
			err = fmt.Errorf("task %q", task)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	if err := st.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "child: close:", err)
		return 1
	}
	return 0
}

// raceAsChild is the half of a race that runs in the other process: its gate is a line of input.
func raceAsChild(ctx context.Context, st storage.Store, name string) error {
	for _, r := range races() {
		if r.name != name {
			continue
		}
		outcomes, err := r.start(ctx, []storage.Store{st}, odds, func() error {
			fmt.Println("ready")
			_, err := bufio.NewReader(os.Stdin).ReadString('\n')
			return err
		})
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(outcomes)
	}
	return fmt.Errorf("no race %q", name)
}

func odds(i int) bool  { return i%2 == 1 }
func evens(i int) bool { return i%2 == 0 }

// inTwoProcesses runs a race with every second caller in a child process.
func (r race) inTwoProcesses(ctx context.Context, st storage.Store, address string) error {
	ctx, cancel := context.WithTimeout(ctx, raceTime)
	defer cancel()
	if err := r.setup(ctx, st); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	c, err := startChild(ctx, "race:"+r.name, address)
	if err != nil {
		return err
	}
	outcomes, err := r.start(ctx, []storage.Store{st}, evens, func() error {
		_, err := fmt.Fprintln(c.in, "go")
		return err
	})
	if err != nil {
		c.cmd.Process.Kill()
		c.cmd.Wait()
		return err
	}
	var theirs []string
	notJSON := json.Unmarshal([]byte(c.line()), &theirs)
	if err := c.cmd.Wait(); err != nil || notJSON != nil || len(theirs) != r.size {
		return fmt.Errorf("the child did not tell how it went: %v, %v: %s", err, notJSON, c.log)
	}
	for i := range outcomes {
		if odds(i) {
			outcomes[i] = theirs[i]
		}
	}
	return r.judge(ctx, st, outcomes)
}
