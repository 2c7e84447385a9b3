package measurement

import (
	"os"

	"golang.org/x/sys/unix"
)

// countSeparately separates the processor time of this process and its descendants from the load
// generator's: it gives the process its own name, and makes it the parent of orphaned programs,
// which otherwise would not be its descendants any more.
func countSeparately() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	return os.WriteFile("/proc/self/comm", []byte(frontName), 0)
}
