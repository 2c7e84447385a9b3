//go:build !linux

package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent protects the process from the terminal's Ctrl-C, because it is stopped in order
// instead. Only Linux can end it when this program is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// groupLives returns whether there is a process of the group.
func groupLives(group int) bool { return syscall.Kill(-group, 0) == nil }
