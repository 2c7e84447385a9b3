// Package nfsmount reads the counters of Linux's NFS client for a mount.
package nfsmount

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Counts are the READs of a mount since it was mounted.
type Counts struct {
	Calls  int
	Bytes  int64         // bytes received, including the headers of replies
	Waited time.Duration // time from request to reply, summed over calls that may overlap
}

// Reads returns the counts of the mount at a folder.
func Reads(mount string) (Counts, error) {
	b, err := os.ReadFile("/proc/self/mountstats")
	if err != nil {
		return Counts{}, err
	}
	return parse(string(b), mount)
}

// Since returns the difference to earlier counts.
func (c Counts) Since(earlier Counts) Counts {
	return Counts{c.Calls - earlier.Calls, c.Bytes - earlier.Bytes, c.Waited - earlier.Waited}
}

func parse(all, mount string) (c Counts, err error) {
	_, of, _ := strings.Cut(all, " mounted on "+mount+" ")
	of, _, _ = strings.Cut(of, "\ndevice ")
	_, counts, _ := strings.Cut(of, " READ: ")
	// calls, transmissions, timeouts, bytes sent, bytes received, and ms: queued, round trip, total
	var transmitted, timeouts, sent, queued, way, waited int64
	if _, err := fmt.Sscan(counts, &c.Calls, &transmitted, &timeouts, &sent, &c.Bytes, &queued, &way, &waited); err != nil {
		return c, fmt.Errorf("/proc/self/mountstats has no READs of %s: %w", mount, err)
	}
	c.Waited = time.Duration(waited) * time.Millisecond
	return c, nil
}
