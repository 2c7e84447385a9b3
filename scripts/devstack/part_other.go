//go:build !linux

package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent keeps the terminal's Ctrl-C from the process, which is stopped
// in order instead. Only Linux can end it when this program is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// groupLives says whether there is a process of the group.
func groupLives(group int) bool { return syscall.Kill(-group, 0) == nil }
