//go:build !linux

package process

import "syscall"

// attributes returns the attributes that protect a server from the terminal's Ctrl-C, because it is
// stopped in order instead. Only Linux can end it when this program is killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
