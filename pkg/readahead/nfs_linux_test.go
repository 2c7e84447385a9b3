package readahead_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/readahead"
	"github.com/atelier-go/atelier/scripts/nfstest"
)

// TestOnNFS checks that on a network file system the calls are made in parallel, and that touching
// the pages afterwards makes none.
func TestOnNFS(t *testing.T) {
	lab, inside := nfstest.Enter(t, 2*time.Minute, "--latency", "100")
	if !inside {
		return
	}
	const parts, megabyte = 48, 1 << 20
	path := filepath.Join(lab.A, "library.so")
	if err := os.WriteFile(path, make([]byte, parts*megabyte), 0o600); err != nil { // by the other client
		t.Fatal(err)
	}
	file := readahead.File{Name: "library.so", Size: parts * megabyte}
	for i := range int64(parts) {
		file.Ranges = append(file.Ranges, [2]int64{i * megabyte, 16 * page})
	}
	list := filepath.Join(lab.A, "read-ahead.json")
	save(t, list, file)

	oneByOne, calls := touch(t, filepath.Join(lab.B, "library.so"))
	if calls < parts {
		t.Fatalf("touching %d places took %d calls: they were in the page cache", parts, calls)
	}
	drop(t)
	began, before := time.Now(), reads(t, lab.B)
	asked, err := readahead.Start(filepath.Join(lab.B, "read-ahead.json"), noLimit)
	if err != nil || asked != parts*16*page {
		t.Fatalf("got %d bytes, %v", asked, err)
	}
	if _, calls = touch(t, filepath.Join(lab.B, "library.so")); calls > parts {
		t.Errorf("touching %d places took %d more calls", parts, calls)
	}
	together, all := time.Since(began), reads(t, lab.B)-before
	t.Logf("one by one %v, read ahead %v with %d calls", oneByOne, together, all)
	if all > 2*parts { // the kernel may split some on a busy machine, and reading the list takes some
		t.Errorf("got %d calls for %d places", all, parts)
	}
	if together > oneByOne*3/4 {
		t.Errorf("%v with reading ahead, %v without", together, oneByOne)
	}
}

// touch reads a byte of each megabyte of a file by a page fault. It returns how long that took and
// how many calls to the file server were made.
func touch(t *testing.T, path string) (time.Duration, int) {
	t.Helper()
	b, unmap := mapped(t, path)
	defer unmap()
	began, before, sum := time.Now(), reads(t, filepath.Dir(path)), 0
	for i := 0; i < len(b); i += 1 << 20 {
		sum += int(b[i])
	}
	if sum != 0 {
		t.Error("the file has other contents")
	}
	return time.Since(began), reads(t, filepath.Dir(path)) - before
}

// reads returns how many READ calls a mount has made.
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
