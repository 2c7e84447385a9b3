package readahead_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// coldFile makes a file of the given number of pages that is not in the page cache.
func coldFile(t *testing.T, path string, pages int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(bytes.Repeat([]byte("x"), pages*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if n := count(cached(t, path)); n > 0 {
		t.Skipf("the file system of %s keeps its files in memory: set TMPDIR to a folder on a disk", filepath.Dir(path))
	}
}

// mapped maps a file into memory without touching it.
func mapped(t *testing.T, path string) (b []byte, unmap func()) {
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
	b, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	return b, func() { _ = unix.Munmap(b) }
}

// cached returns for each page of a file whether it is in the page cache.
func cached(t *testing.T, path string) []byte {
	t.Helper()
	b, unmap := mapped(t, path)
	defer unmap()
	in := make([]byte, len(b)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(&in[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for i := range in {
		in[i] &= 1
	}
	return in
}

func count(pages []byte) int { return bytes.Count(pages, []byte{1}) }

// becomes waits until exactly those pages of a file are in the page cache.
func becomes(t *testing.T, path string, want func(page int) bool) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		lacking, surplus := 0, 0
		for i, in := range cached(t, path) {
			switch {
			case want(i) && in == 0:
				lacking++
			case !want(i) && in == 1:
				surplus++
			}
		}
		if lacking == 0 && surplus == 0 {
			return
		}
		if surplus > 0 || time.Now().After(until) {
			t.Fatalf("%s: %d requested pages were not read, and %d others were", path, lacking, surplus)
		}
	}
}
