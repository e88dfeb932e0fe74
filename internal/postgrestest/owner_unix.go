//go:build unix

package postgrestest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// owner returns whom the server runs as where we are root, as which it refuses to.
func owner() (uid, gid int, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ = strconv.Atoi(u.Uid)
			gid, _ = strconv.Atoi(u.Gid)
			return uid, gid, true
		}
	}
	return 0, 0, false
}

// give makes a folder the owner's.
func give(dir string) error {
	uid, gid, ok := owner()
	if !ok {
		return nil
	}
	return os.Chown(dir, uid, gid)
}

// asOwner lets a command run as the owner.
func asOwner(cmd *exec.Cmd) {
	cmd.SysProcAttr = new(syscall.SysProcAttr)
	endWithUs(cmd.SysProcAttr)
	if uid, gid, ok := owner(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

// pause stops a process where it stands.
func pause(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }

// resume lets a process go on.
func resume(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }

// kill ends a process.
func kill(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }
