// Package nfsmount reads what Linux's NFS client counts of a mount.
package nfsmount

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Counts are a mount's READs since it was mounted.
type Counts struct {
	Calls  int
	Bytes  int64         // that they brought, with their replies' heads
	Waited time.Duration // from the request until the reply, summed over calls that may overlap
}

// Reads returns the counts of the mount on a folder.
func Reads(mount string) (Counts, error) {
	b, err := os.ReadFile("/proc/self/mountstats")
	if err != nil {
		return Counts{}, err
	}
	return parse(string(b), mount)
}

// Since returns what has come to the counts since earlier ones.
func (c Counts) Since(earlier Counts) Counts {
	return Counts{c.Calls - earlier.Calls, c.Bytes - earlier.Bytes, c.Waited - earlier.Waited}
}

func parse(all, mount string) (c Counts, err error) {
	_, of, _ := strings.Cut(all, " mounted on "+mount+" ")
	of, _, _ = strings.Cut(of, "\ndevice ")
	_, counts, _ := strings.Cut(of, " READ: ")
	// calls, transmissions, timeouts, bytes sent and received, ms in the queue, on the way and in all
	var transmitted, timeouts, sent, queued, way, waited int64
	if _, err := fmt.Sscan(counts, &c.Calls, &transmitted, &timeouts, &sent, &c.Bytes, &queued, &way, &waited); err != nil {
		return c, fmt.Errorf("/proc/self/mountstats has no READs of %s: %w", mount, err)
	}
	c.Waited = time.Duration(waited) * time.Millisecond
	return c, nil
}
