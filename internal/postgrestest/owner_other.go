//go:build !unix

package postgrestest

import (
	"errors"
	"os"
	"os/exec"
)

func give(string) error { return nil }

func asOwner(*exec.Cmd) {}

func pause(int) error { return errors.ErrUnsupported }

func resume(int) error { return errors.ErrUnsupported }

func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
