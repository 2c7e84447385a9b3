//go:build linux

package main

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// startAhead starts a command whose clock is ahead of the machine's; the clocks of its children are not. The calling
// goroutine must be locked to its thread.
//
// Time namespaces do not shift the wall clock, and libfaketime has no effect on Go programs, which do not call libc for
// the time. So the process is stopped before its first instruction, and its copy of the kernel's vDSO, through which
// programs read the clock, is changed as a debugger would change it.
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
		err = errors.New("the process ended before its clock was set")
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
