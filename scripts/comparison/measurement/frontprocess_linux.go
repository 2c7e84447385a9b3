package measurement

import (
	"os"

	"golang.org/x/sys/unix"
)

// countApart has what this process and all below it use counted apart from the sender: it gets a name
// of its own, and becomes the parent of programs whose parent has been killed, which otherwise would
// not be below it any more.
func countApart() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	return os.WriteFile("/proc/self/comm", []byte(frontName), 0)
}
