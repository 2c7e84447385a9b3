package process

import "syscall"

// attributes keep the terminal's Ctrl-C from a server, which is stopped in order instead, and
// end it when the thread that started it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
