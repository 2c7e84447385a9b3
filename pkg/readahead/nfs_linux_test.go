package readahead_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/readahead"
)

// TestOnNFS: on a network file system the calls are made side by side, and whoever
// touches the pages then makes none.
func TestOnNFS(t *testing.T) {
	mounted := os.Getenv("NFS_B")
	if mounted == "" {
		insideNFS(t)
		return
	}
	const parts, megabyte = 48, 1 << 20
	path := filepath.Join(os.Getenv("NFS_A"), "library.so")
	if err := os.WriteFile(path, make([]byte, parts*megabyte), 0o600); err != nil { // by the other client
		t.Fatal(err)
	}
	file := readahead.File{Name: "library.so", Size: parts * megabyte}
	for i := range int64(parts) {
		file.Ranges = append(file.Ranges, [2]int64{i * megabyte, 16 * page})
	}
	list := filepath.Join(os.Getenv("NFS_A"), "read-ahead.json")
	save(t, list, file)

	oneByOne, calls := touch(t, filepath.Join(mounted, "library.so"))
	if calls < parts {
		t.Fatalf("touching %d places took %d calls: they were in the page cache", parts, calls)
	}
	drop(t)
	began, before := time.Now(), reads(t, mounted)
	asked, err := readahead.Start(filepath.Join(mounted, "read-ahead.json"), noLimit)
	if err != nil || asked != parts*16*page {
		t.Fatalf("got %d bytes, %v", asked, err)
	}
	if _, calls = touch(t, filepath.Join(mounted, "library.so")); calls > parts {
		t.Errorf("touching %d places took %d more calls", parts, calls)
	}
	together, all := time.Since(began), reads(t, mounted)-before
	t.Logf("one by one %v, read ahead %v with %d calls", oneByOne, together, all)
	if all > parts+4 { // the list's own
		t.Errorf("got %d calls for %d places", all, parts)
	}
	if together > oneByOne/2 {
		t.Errorf("%v with reading ahead, %v without", together, oneByOne)
	}
}

// insideNFS runs the test on two clients of a file server that is 100 ms away.
func insideNFS(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a file server: left out with -short")
	}
	const program = "../../scripts/nfs"
	if out, err := exec.Command(program, "--check").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("%s", out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	self := filepath.Join(t.TempDir(), "test") // the race detector has no room in there
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", self, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, program, "--latency", "100", "--", self, "-test.run=^TestOnNFS$", "-test.v").CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: TestOnNFS") {
		t.Error(err)
	}
}

// touch reads a byte of each megabyte of a file, as a page fault does, and tells how long
// it took and how many calls were made meanwhile.
func touch(t *testing.T, path string) (time.Duration, int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(b) }()
	began, before, sum := time.Now(), reads(t, filepath.Dir(path)), 0
	for i := 0; i < len(b); i += 1 << 20 {
		sum += int(b[i])
	}
	if sum != 0 {
		t.Error("another file")
	}
	return time.Since(began), reads(t, filepath.Dir(path)) - before
}

// reads is how many READs a mount has made.
func reads(t *testing.T, mount string) (calls int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountstats")
	if err != nil {
		t.Fatal(err)
	}
	_, of, _ := strings.Cut(string(b), " mounted on "+mount+" ")
	of, _, _ = strings.Cut(of, "\ndevice ")
	_, line, _ := strings.Cut(of, "READ: ")
	if _, err := fmt.Sscan(line, &calls); err != nil {
		t.Fatalf("/proc/self/mountstats has no READ of %s: %v", mount, err)
	}
	return calls
}

// drop empties the page cache.
func drop(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		t.Fatal(err)
	}
}
