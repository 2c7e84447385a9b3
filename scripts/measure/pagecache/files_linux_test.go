package pagecache

import (
	"os"
	"path/filepath"
	"testing"
)

// A file that was just written to the disk is in the cache, and after Evict it is not.
func TestEvict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = 1<<20 + 5
	_, err = f.Write(make([]byte, size))
	if err != nil || f.Sync() != nil || f.Close() != nil {
		t.Fatal(err)
	}
	files, err := Open([]string{path, filepath.Dir(path)})
	if err != nil || files.Bytes != size {
		t.Fatalf("got %+v, %v", files, err)
	}
	if got, err := files.Cached(); err != nil || got != size {
		t.Errorf("%d of %d bytes are in the cache, %v", got, size, err)
	}
	if err := files.Evict(); err != nil {
		t.Fatal(err)
	}
	if got, err := files.Cached(); err != nil || got == size {
		t.Errorf("after Evict %d of %d bytes are in the cache, %v; is the temporary folder in memory?", got, size, err)
	}
}
