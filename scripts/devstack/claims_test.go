package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// A held is a worker's claim on a job whose run has not ended.
type held struct {
	id       job.ID
	claim    int  // its number
	pid      int  // of the worker
	attempts int  // this one included
	shared   bool // its worker may have other jobs, and if it dies the attempt does not count
}

// counted returns how many of the attempts count although their worker has died.
func counted(hs []held) (n int) {
	for _, h := range hs {
		if !h.shared {
			n++
		}
	}
	return n
}

// holds returns the claims on some of the jobs that were not given back, including expired ones.
func (d *demo) holds(ids []job.ID) (hs []held) {
	d.Helper()
	for _, id := range ids {
		if h, ok := d.hold(id); ok {
			hs = append(hs, h)
		}
	}
	return hs
}

func (d *demo) hold(id job.ID) (h held, ok bool) {
	d.Helper()
	h.id = id
	run, ended := 1, map[int]bool{}
	for _, name := range d.files(id) {
		kind, number, _ := strings.Cut(name, ".")
		n, _ := strconv.Atoi(number) // 0 for other names
		switch kind {
		case "run":
			run = max(run, n)
		case "final":
			ended[n] = true
		case "claim":
			h.claim = max(h.claim, n)
		}
	}
	if ended[run] || h.claim == 0 {
		return h, false
	}
	path := filepath.Join(jobDir(d.dir, id), fmt.Sprintf("claim.%d", h.claim))
	info, err := os.Stat(path)
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return h, false // erased
	}
	var claim struct {
		Worker        string
		Run, Attempts int
		Shared        bool
	}
	if err == nil {
		err = json.Unmarshal(b, &claim)
	}
	if err == nil {
		h.shared = claim.Shared
		h.pid, err = strconv.Atoi(claim.Worker[strings.LastIndex(claim.Worker, "/")+1:])
	}
	if err != nil {
		d.Fatalf("%s: %v", path, err)
	}
	h.attempts = claim.Attempts
	givenBack := info.ModTime().Unix() <= 1
	return h, claim.Run == run && !givenBack
}

// files returns the names in a job's folder; none for an erased job.
func (d *demo) files(id job.ID) (names []string) {
	d.Helper()
	entries, err := os.ReadDir(jobDir(d.dir, id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
