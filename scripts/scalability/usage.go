//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A usage is the memory, open handles and goroutines of a process at one time.
type usage struct{ memoryKB, handles, goroutines int64 }

// usageOf reads a process's usage from /proc and from its metrics, which are at a URL.
func usageOf(ctx context.Context, pid int, metrics string) (u usage, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			u.memoryKB, err = strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
		}
	}
	if err != nil {
		return u, err
	}
	handles, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return u, err
	}
	u.handles = int64(len(handles))
	u.goroutines, err = goroutines(ctx, metrics)
	return u, err
}

// goroutines reads the number of goroutines from metrics in Prometheus's format.
func goroutines(ctx context.Context, url string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if text, ok := bytes.CutPrefix(lines.Bytes(), []byte("go_goroutines ")); ok {
			return strconv.ParseInt(string(text), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no go_goroutines", url)
}

// entries counts the names in a shared directory, by its folders at the top. A name that is made or removed meanwhile
// may be counted or not.
func entries(dir string) (map[string]int64, error) {
	counts := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if top, _, below := strings.Cut(rel, "/"); below {
			counts[top]++
		}
		return err
	})
	return counts, err
}
