package readahead_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/readahead"
)

var page = int64(os.Getpagesize())

const noLimit = 1 << 40

// TestStart checks that exactly the ranges of the list are read.
func TestStart(t *testing.T) {
	dir := t.TempDir()
	library := filepath.Join(dir, "library.so")
	coldFile(t, library, 2048)
	list := filepath.Join(dir, "read-ahead.json")
	save(t, list, readahead.File{Name: "library.so", Size: 2048 * page, Ranges: [][2]int64{{0, 3 * page}, {700 * page, 600 * page}}})
	asked, err := readahead.Start(list, noLimit)
	if err != nil || asked != 603*page {
		t.Fatalf("got %d bytes, %v, want %d", asked, err, 603*page)
	}
	becomes(t, library, func(p int) bool { return p < 3 || 700 <= p && p < 1300 })
	if again, err := readahead.Start(list, noLimit); err != nil || again != asked {
		t.Errorf("got %d bytes, %v of what was there, want %d", again, err, asked)
	}
}

// TestStartWithFolder checks that all files of a folder and its subfolders are read.
func TestStartWithFolder(t *testing.T) {
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "saved_model.pb"), filepath.Join(dir, "variables", "variables.data")}
	if err := os.Mkdir(filepath.Dir(files[1]), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		coldFile(t, file, 300)
	}
	if asked, err := readahead.Start(dir, noLimit); err != nil || asked != 600*page {
		t.Fatalf("got %d bytes, %v, want %d", asked, err, 600*page)
	}
	for _, file := range files {
		becomes(t, file, func(int) bool { return true })
	}
}

// TestStartWithinMemory checks that no more than the limit is read.
func TestStartWithinMemory(t *testing.T) {
	dir := t.TempDir()
	coldFile(t, filepath.Join(dir, "a"), 1024)
	asked, err := readahead.Start(dir, 512*page)
	if err == nil || !strings.Contains(err.Error(), "memory") || asked > 512*page || asked < 256*page {
		t.Fatalf("got %d bytes, %v", asked, err)
	}
	becomes(t, filepath.Join(dir, "a"), func(p int) bool { return int64(p) < asked/page })
}

// TestStartRefusesOtherFiles checks that a list or a folder can't refer to files outside, and that
// special files don't block.
func TestStartRefusesOtherFiles(t *testing.T) {
	whole := [][2]int64{{0, 64 * page}}
	for name, c := range map[string]struct {
		file readahead.File
		want string // in the error
	}{
		"missing":             {readahead.File{Name: "missing", Size: 64 * page, Ranges: whole}, "no such file"},
		"above":               {readahead.File{Name: "../outside", Size: 64 * page, Ranges: whole}, "escapes"},
		"absolute":            {readahead.File{Name: "OUTSIDE", Size: 64 * page, Ranges: whole}, "escapes"},
		"a link to outside":   {readahead.File{Name: "link", Size: 64 * page, Ranges: whole}, "escapes"},
		"a link in a circle":  {readahead.File{Name: "circle", Size: 64 * page, Ranges: whole}, "too many"},
		"a pipe":              {readahead.File{Name: "pipe", Ranges: whole}, "not the file"},
		"a folder":            {readahead.File{Name: ".", Ranges: whole}, "not the file"},
		"of another size":     {readahead.File{Name: "library", Size: 65 * page, Ranges: whole}, "make the list again"},
		"beyond its end":      {readahead.File{Name: "library", Size: 64 * page, Ranges: [][2]int64{{page, 64 * page}}}, "has no"},
		"before its start":    {readahead.File{Name: "library", Size: 64 * page, Ranges: [][2]int64{{-1, 64}}}, "has no"},
		"of negative length":  {readahead.File{Name: "library", Size: 64 * page, Ranges: [][2]int64{{page, -1}}}, "has no"},
		"larger than numbers": {readahead.File{Name: "library", Size: 64 * page, Ranges: [][2]int64{{1, 1<<63 - 1}}}, "has no"},
		"without a name":      {readahead.File{Size: 64 * page, Ranges: whole}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			dir := filepath.Join(top, "lib")
			if err := os.Mkdir(dir, 0o750); err != nil {
				t.Fatal(err)
			}
			outside := filepath.Join(top, "outside")
			coldFile(t, outside, 64)
			coldFile(t, filepath.Join(dir, "library"), 64)
			for link, to := range map[string]string{"link": "../outside", "circle": "circle"} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.file.Name == "OUTSIDE" {
				c.file.Name = outside
			}
			list := filepath.Join(dir, "read-ahead.json")
			save(t, list, c.file, readahead.File{Name: "library", Size: 64 * page, Ranges: whole})
			asked, err := readahead.Start(list, noLimit)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error containing %q", err, c.want)
			}
			if asked != 64*page { // the other file's
				t.Errorf("got %d bytes, want %d", asked, 64*page)
			}
			becomes(t, filepath.Join(dir, "library"), func(int) bool { return true })
			if n := count(cached(t, outside)); n > 0 {
				t.Errorf("%d pages of a file outside were read", n)
			}
			if _, err := readahead.Start(dir, noLimit); err != nil {
				t.Errorf("the folder itself: %v", err)
			}
			if n := count(cached(t, outside)); n > 0 {
				t.Errorf("%d pages of a file outside the folder were read", n)
			}
		})
	}
}

// TestStartRefusesInvalidLists checks that an invalid list is refused, whatever its size.
func TestStartRefusesInvalidLists(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	huge := write("huge", `{"files":[]}`)
	if err := os.Truncate(huge, 1<<40); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"missing": filepath.Join(dir, "missing"), "empty": write("empty", ""), "garbage": write("garbage", "\x7fELF\x00"),
		"of another form": write("form", `{"files":[{"name":7}]}`), "huge": huge, "a pipe": pipe, "a device": "/dev/zero",
	} {
		t.Run(name, func(t *testing.T) {
			if asked, err := readahead.Start(path, noLimit); err == nil || asked != 0 {
				t.Errorf("got %d bytes, %v, want an error", asked, err)
			}
		})
	}
}

// TestListTouched checks that the list contains the mapped pages that this process has touched, and
// none far from them.
func TestListTouched(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "library.so")
	coldFile(t, path, 1024)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const offset = 64 // pages
	b, err := unix.Mmap(int(f.Fd()), offset*page, int(800*page), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(b) }()
	sum := 0
	for _, p := range []int64{0, 300, 799} {
		sum += int(b[p*page])
	}
	list, err := readahead.ListTouched(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Files) != 1 || list.Files[0].Name != "library.so" || list.Files[0].Size != 1024*page {
		t.Fatalf("got %+v of %d", list, sum)
	}
	var pages, touched int64
	for _, r := range list.Files[0].Ranges {
		pages += r[1] / page
		for _, p := range []int64{offset, offset + 300, offset + 799} {
			if r[0] <= p*page && (p+1)*page <= r[0]+r[1] {
				touched++
			}
		}
	}
	if around := 3 * (64 << 10) / page; touched != 3 || pages > max(3, around) {
		t.Errorf("got %d of the 3 touched pages, and %d pages in total: %v", touched, pages, list)
	}
	saved := filepath.Join(dir, "read-ahead.json")
	if err := list.Save(saved); err != nil {
		t.Fatal(err)
	}
	if asked, err := readahead.Start(saved, noLimit); err != nil || asked != pages*page {
		t.Errorf("got %d bytes, %v of the saved list, want %d", asked, err, pages*page)
	}
}

func save(t *testing.T, path string, files ...readahead.File) {
	t.Helper()
	b, err := json.Marshal(readahead.List{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(fmt.Errorf("save the list: %w", err))
	}
}
