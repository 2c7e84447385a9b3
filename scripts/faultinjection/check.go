//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/atelier-go/atelier/pkg/job"
)

// A finding says how the jobs of a trial ended, and what was wrong.
type finding struct {
	Accepted  int            `json:"accepted"`
	Succeeded int            `json:"succeeded"`
	Retried   int            `json:"retried,omitempty"`
	Uploaded  int            `json:"uploaded,omitempty"`
	Ended     map[string]int `json:"ended,omitempty"` // number of those that did not succeed, by error code, "canceled" or "gone"
	Begun     int            `json:"begun"`           // attempts at all jobs, uncounted ones included
	Found     int            `json:"found"`           // how many things were wrong
	Wrong     []string       `json:"wrong,omitempty"` // the first 20 of them

	mu sync.Mutex
}

func (f *finding) wrong(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const most = 20
	if f.Found++; len(f.Wrong) < most {
		f.Wrong = append(f.Wrong, fmt.Sprintf(format, args...))
	}
}

// examine waits until the jobs have ended, ends the processes, and checks what must hold after any fault. When ctx is
// canceled it returns what it has found so far; a job that is unfinished at ctx's deadline is reported as wrong.
func (s *stack) examine(ctx context.Context, l *load) *finding {
	f := &finding{Ended: map[string]int{}}
	l.courses.Wait()
	f.Accepted = len(l.accepted)
	for _, err := range l.errs {
		f.wrong("%v", err)
	}
	for _, a := range l.accepted {
		if a.run > 1 {
			f.Retried++
		}
		if a.upload != "" {
			f.Uploaded++
		}
	}
	ended := make([]job.Job, len(l.accepted))
	atOnce(len(ended), func(i int) {
		ended[i] = f.follow(ctx, l, l.accepted[i])
		l.ended.Add(1)
	})
	if ctx.Err() == nil {
		if err := s.quiet(ctx); err != nil {
			f.wrong("jobs whose submission was not confirmed: %v", err)
		}
	}
	s.download(ctx, l, ended, f)
	s.end()
	for _, what := range s.failures { // without the lock: nothing runs any more
		f.wrong("%s", what)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return f
	}
	s.examineLeft(context.WithoutCancel(ctx), l, ended, f)
	return f
}

// examineLeft checks what is left in the shared directory and in the bucket after all programs have ended.
func (s *stack) examineLeft(ctx context.Context, l *load, ended []job.Job, f *finding) {
	s.copier.end()
	if err := s.tidyUp(ctx); err != nil {
		f.wrong("cleaning up: %v", err)
	}
	if err := s.copier.finish(ctx); err != nil {
		f.wrong("the last copies: %v", err)
	}
	if err := s.examineDirectory(l, ended, f); err != nil {
		f.wrong("%v", err)
	}
	if err := s.examineBucket(ctx, l, f); err != nil {
		f.wrong("%v", err)
	}
}

// follow waits until a job has ended, checks how, and returns the job. For an erased job, and for one that has not
// ended, it returns the zero job.
func (f *finding) follow(ctx context.Context, l *load, a *accepted) job.Job {
	if a.ends == erased {
		f.checkErased(ctx, l.client, a)
		return job.Job{}
	}
	j, err := l.wait(ctx, a.id)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		f.wrong("job %s was accepted and is lost: %v", a.id, err)
		return job.Job{}
	case errors.Is(ctx.Err(), context.Canceled):
		return job.Job{}
	case err != nil:
		f.wrong("job %s is still %s, attempt %d: %v", a.id, j.State, j.Attempts, err)
		return job.Job{}
	}
	switch {
	case j.State == job.Failed && j.Error != nil:
		f.count(j.Error.Code)
	default:
		f.count(string(j.State))
	}
	fails := a.picture.fails
	switch {
	case fails != "" && (j.Error == nil || j.Error.Code != fails):
		f.wrong("job %s is %s (%+v), and was to fail with %s", a.id, j.State, j.Error, fails)
	case fails == "" && j.State != a.ends:
		f.wrong("job %s is %s after %d attempts, and was to be %s: %+v", a.id, j.State, j.Attempts, a.ends, j.Error)
	case j.Run != a.run:
		f.wrong("job %s has ended in run %d, and was to in run %d", a.id, j.Run, a.run)
	case j.State == job.Succeeded && j.Result.SHA256 != a.picture.sha256:
		f.wrong("job %s: its result is not that of an undisturbed run", a.id)
	}
	return j
}

// checkErased checks that the API responds with 410 to every request for an erased job.
func (f *finding) checkErased(ctx context.Context, c *client, a *accepted) {
	f.count("gone")
	for what, method := range map[string]string{"": http.MethodGet, "/result": http.MethodGet, "/preview": http.MethodGet, "/retry": http.MethodPost} {
		if _, err := c.change(ctx, method, a.id, what); ctx.Err() == nil && !refusedWith(err, http.StatusGone) {
			f.wrong("job %s was erased, and the response to %s %q is not 410: %v", a.id, method, what, err)
		}
	}
}

// count adds one job to those that ended in this way.
func (f *finding) count(how string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if how == string(job.Succeeded) {
		f.Succeeded++
	} else {
		f.Ended[how]++
	}
}

// download reads the results of a part of the jobs, each twice and from servers chosen at random. The bytes must have
// the hash that the job names, and one ETag must not stand for two contents.
func (s *stack) download(ctx context.Context, l *load, ended []job.Job, f *finding) {
	const some = 300
	var mu sync.Mutex
	contents := map[string]string{} // by ETag
	step := max(len(ended)/some, 1)
	atOnce(len(ended)/step, func(i int) {
		j := ended[i*step]
		if j.State != job.Succeeded {
			return
		}
		for range 2 {
			h, b, err := l.client.repeat(ctx, http.MethodGet, "/v1/jobs/"+string(j.ID)+"/result", nil, nil)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				f.wrong("job %s: its result: %v", j.ID, err)
				return
			}
			sum := sha256.Sum256(b)
			hash, tag := hex.EncodeToString(sum[:]), h.Get("ETag")
			if hash != j.Result.SHA256 {
				f.wrong("job %s: the bytes have the hash %s, and the job says %s", j.ID, hash, j.Result.SHA256)
			}
			mu.Lock()
			if known, ok := contents[tag]; tag == "" || ok && known != hash {
				f.wrong("job %s: the ETag %q has the contents %s and %s", j.ID, tag, known, hash)
			}
			contents[tag] = hash
			mu.Unlock()
		}
	})
}

// atOnce calls do with 0 to n-1, at most 32 at the same time, and returns when all calls have returned.
func atOnce(n int, do func(i int)) {
	slots := make(chan struct{}, 32)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() { defer func() { <-slots }(); do(i) })
	}
	all.Wait()
}
