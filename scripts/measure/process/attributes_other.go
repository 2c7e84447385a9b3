//go:build !linux

package process

import "syscall"

// attributes keep the terminal's Ctrl-C from a server, which is stopped in order instead. Only
// Linux can end it when this program is killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
