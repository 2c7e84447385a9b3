package process

import "syscall"

// attributes returns the attributes that protect a server from the terminal's Ctrl-C, because it is
// stopped in order instead, and that end it when the thread that started it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
