//go:build linux

package main

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// startAhead starts a command whose clock, and that of none of its children, is ahead of the machine's. The thread that
// calls must be locked to its goroutine.
//
// Time namespaces shift no wall clock, and libfaketime none of Go's, which does not ask libc. So the process is
// stopped before its first instruction, and its copy of the kernel's vDSO, of which programs read the clock, changed
// as a debugger would.
func startAhead(cmd *exec.Cmd, ahead time.Duration) error {
	if ahead == 0 {
		return cmd.Start()
	}
	cmd.SysProcAttr.Ptrace = true
	if err := cmd.Start(); err != nil {
		return err
	}
	pid := cmd.Process.Pid
	var status syscall.WaitStatus
	_, err := syscall.Wait4(pid, &status, 0, nil)
	if err == nil && !status.Stopped() {
		err = errors.New("it has ended before its clock was set")
	}
	if err == nil {
		err = setClock(pid, int64(ahead/time.Second))
	}
	if err = errors.Join(err, syscall.PtraceDetach(pid)); err != nil {
		err = errors.Join(err, cmd.Process.Kill(), ignoreExit(cmd.Wait()))
	}
	return err
}

func ignoreExit(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil
	}
	return err
}
