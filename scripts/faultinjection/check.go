package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A finding is how the jobs of a scenario ended, and what was wrong.
type finding struct {
	Accepted  int            `json:"accepted"`
	Succeeded int            `json:"succeeded"`
	Failed    map[string]int `json:"failed,omitempty"` // by code
	Attempts  int            `json:"attempts"`         // of all
	Wrong     []string       `json:"wrong,omitempty"`
}

func (f *finding) wrong(format string, args ...any) {
	const most = 20
	if len(f.Wrong) < most {
		f.Wrong = append(f.Wrong, fmt.Sprintf(format, args...))
	}
}

// settle waits until no accepted job is unfinished.
func (s *stack) settle(ctx context.Context, l *load) map[job.ID]job.Job {
	var mu sync.Mutex
	ended := map[job.ID]job.Job{}
	slots := make(chan struct{}, 32)
	var all sync.WaitGroup
	for _, a := range l.accepted {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			for {
				j, err := l.client.job(ctx, a.id)
				if err == nil && !j.State.Finished() {
					err = pause(ctx, 200*time.Millisecond)
					if err == nil {
						continue
					}
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil || j.ID != "" {
					ended[a.id] = j
				}
				return
			}
		})
	}
	all.Wait()
	return ended
}

// examine checks what must hold of the jobs after any fault.
func (s *stack) examine(ctx context.Context, l *load, allowed ...string) *finding {
	f := &finding{Accepted: len(l.accepted), Failed: map[string]int{}}
	for _, err := range l.errs {
		f.wrong("%v", err)
	}
	ended := s.settle(ctx, l)
	for _, a := range l.accepted {
		j, known := ended[a.id]
		f.Attempts += j.Attempts
		switch {
		case !known:
			f.wrong("job %s was accepted and is lost", a.id)
		case !j.State.Finished():
			f.wrong("job %s is still %s", a.id, j.State)
		case j.State == job.Failed:
			f.Failed[j.Error.Code]++
			if !contains(allowed, j.Error.Code) {
				f.wrong("job %s failed: %s: %s", a.id, j.Error.Code, j.Error.Message)
			}
		case j.State == job.Succeeded:
			f.Succeeded++
			if want := l.pictures[a.picture].sha256; j.Result.SHA256 != want {
				f.wrong("job %s: its result is not that of an undisturbed run", a.id)
			}
		}
	}
	s.examineBytes(ctx, l, ended, f)
	for _, p := range s.processes() {
		p.close()
	}
	if err := s.cleaned(ctx); err != nil {
		f.wrong("cleaning up: %v", err)
	}
	s.examineFiles(ended, f)
	return f
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// examineBytes downloads some results: their bytes are those that the job and the ETag name.
func (s *stack) examineBytes(ctx context.Context, l *load, ended map[job.ID]job.Job, f *finding) {
	const some = 200
	n := 0
	for id, j := range ended {
		if j.State != job.Succeeded {
			continue
		}
		if n++; n > some {
			return
		}
		r, b, err := l.client.do(ctx, http.MethodGet, "/v1/jobs/"+string(id)+"/result", nil, nil)
		if err != nil {
			f.wrong("job %s: its result: %v", id, err)
			continue
		}
		sum := sha256.Sum256(b)
		if hash := hex.EncodeToString(sum[:]); hash != j.Result.SHA256 || !strings.Contains(r.Header.Get("ETag"), hash[:8]) {
			f.wrong("job %s: bytes of %s under the ETag %s, and the job has %s", id, hash, r.Header.Get("ETag"), j.Result.SHA256)
		}
	}
}

// examineFiles looks at what is left in the shared directory: a job has one outcome a run, and nothing is left of
// the dead.
func (s *stack) examineFiles(ended map[job.ID]job.Job, f *finding) {
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(s.dir, path)
		top, _, _ := strings.Cut(rel, "/")
		switch {
		case d.IsDir():
			if strings.HasPrefix(d.Name(), ".new-") || strings.HasPrefix(d.Name(), ".old-") || strings.HasPrefix(d.Name(), ".gone-") {
				f.wrong("left behind: %s", rel)
			}
		case top == "tmp", top == "active", top == "erasing", strings.HasPrefix(d.Name(), ".tmp-"):
			f.wrong("left behind: %s", rel)
		case top == "jobs" && strings.HasPrefix(d.Name(), "out."):
			if j, ok := ended[job.ID(filepath.Base(filepath.Dir(path)))]; ok {
				s.examineOutput(filepath.Dir(path), d.Name(), j, f)
			}
		}
		return nil
	})
	if err != nil {
		f.wrong("%v", err)
	}
}

// examineOutput checks that a picture in a job's folder is the job's result.
func (s *stack) examineOutput(dir, name string, j job.Job, f *finding) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		f.wrong("%v", err)
		return
	}
	sum := sha256.Sum256(b)
	if j.State != job.Succeeded || hex.EncodeToString(sum[:]) != j.Result.SHA256 {
		f.wrong("job %s is %s, and %s is left", j.ID, j.State, name)
	}
}
