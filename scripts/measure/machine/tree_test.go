package machine

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/scripts/measure/pagecache"
)

// This process is among the descendants of its parent.
func TestProcessorTimes(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	if all := ProcessorTimes(os.Getpid()); len(all) == 0 {
		t.Error("got none of this process")
	}
}

// The time of an ended child is included.
func TestProcessorTimesOfEndedChildren(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	before := ProcessorTimes(os.Getpid())[ProgramName()]
	child := exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	used := (child.ProcessState.UserTime() + child.ProcessState.SystemTime()).Seconds()
	if got := ProcessorTimes(os.Getpid())[ProgramName()] - before; used < 0.05 || got < used-0.03 {
		t.Errorf("got %v s more, the child took %v s", got, used)
	}
}

// Reads of a child are counted if they come from a disk, and not if the file was cached in memory.
func TestDiskBytes(t *testing.T) {
	const size = 8 << 20
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readByChild(t, path, size); got > size/2 {
		t.Errorf("%d bytes of a cached file were read from the disk", got)
	}
	files, err := pagecache.Open([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Evict(); err != nil {
		t.Fatal(err)
	}
	if cached, err := files.Cached(); err != nil || cached > 0 || procValue("/proc/self/io", "read_bytes") == Unknown {
		t.Skip("files can't be removed from the page cache here, or reads are not counted")
	}
	if got := readByChild(t, path, size); got < size {
		t.Errorf("%d bytes of a file that is not cached were read from the disk, want %d", got, size)
	}
}

// readByChild lets a child read a file, and returns what it has read from disks, while it still
// runs.
func readByChild(t *testing.T, path string, size int64) int64 {
	t.Helper()
	cmd := exec.Command("tail", "-c", "+1", "-f", path) // keeps running when it has read everything
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}()
	if _, err := io.CopyN(io.Discard, out, size); err != nil {
		t.Fatal(err)
	}
	return DiskBytes(os.Getpid())
}
