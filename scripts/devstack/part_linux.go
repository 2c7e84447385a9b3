package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent keeps the terminal's Ctrl-C from the process, which is stopped
// in order instead, and ends it if this program is killed outright.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
