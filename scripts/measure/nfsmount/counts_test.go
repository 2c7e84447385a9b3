package nfsmount

import (
	"testing"
	"time"
)

const stats = `device rootfs mounted on / with fstype rootfs
device 10.0.0.1:/ mounted on /mnt/a with fstype nfs4 statvers=1.1
	per-op statistics
	        NULL: 1 1 0 44 24 0 0 0 0
	        READ: 7 7 0 1400 9000 1 20 25 0
device 10.0.0.1:/ mounted on /mnt/b with fstype nfs4 statvers=1.1
	per-op statistics
	        READ: 207 208 0 41400 23068672 10 500 1511 0
	       WRITE: 1 1 0 300 200 0 1 1 0
`

func TestCounts(t *testing.T) {
	got, err := parse(stats, "/mnt/b")
	if want := (Counts{207, 23068672, 1511 * time.Millisecond}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	earlier := Counts{200, 23000000, time.Second}
	if since := got.Since(earlier); since != (Counts{7, 68672, 511 * time.Millisecond}) {
		t.Errorf("since %+v: %+v", earlier, since)
	}
	for _, mount := range []string{"/", "/mnt/c", "/mnt"} {
		if c, err := parse(stats, mount); err == nil {
			t.Errorf("%s: got %+v", mount, c)
		}
	}
}
