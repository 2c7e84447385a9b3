package store

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// maxConcurrent makes a store's calls take a moment, and returns the largest number of calls made
// at the same time.
func (sc scene) maxConcurrent() (most func() int64) {
	var now, peak atomic.Int64
	sc.step = func(_, _ string, call func() error) error {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			if old := peak.Load(); n <= old || peak.CompareAndSwap(old, n) {
				break
			}
		}
		time.Sleep(time.Millisecond)
		return call()
	}
	return peak.Load
}

// A count limits its concurrent calls, whatever the number of folders.
func TestCountsLimitConcurrentCalls(t *testing.T) {
	sc := newScene(t)
	begin := time.Now().Add(-3 * time.Hour)
	for i := range 180 {
		sc.addToIndexes("anna", idAt(begin.Add(time.Duration(i)*time.Minute), i, job.Second))
	}
	a := sc.withQuotas(Quotas{Unfinished: 5000, Stored: 51200, Daily: 100_000})
	most := a.maxConcurrent()
	if err := a.Admits("anna", ""); err != nil {
		t.Error(err)
	}
	if n := most(); n > 64 {
		t.Errorf("%d calls at the same time", n)
	}
}

// The concurrent calls of a process are limited, whatever the number that wait.
func TestCallsOfAProcessAreBounded(t *testing.T) {
	sc := newScene(t)
	most := sc.maxConcurrent()
	var all sync.WaitGroup
	for range 4 * maxCalls {
		all.Go(func() {
			if there, err := sc.exists(filepath.Join(sc.dir, formatFile)); err != nil || !there {
				t.Error(there, err)
			}
		})
	}
	all.Wait()
	if n := most(); n > maxCalls {
		t.Errorf("%d calls at the same time", n)
	}
}

// concurrentlyLimited makes all calls, but begins none after an error.
func TestConcurrentlyLimited(t *testing.T) {
	var made atomic.Int64
	calls := slices.Repeat([]func() error{func() error { made.Add(1); return nil }}, 1000)
	if err := concurrentlyLimited(calls); err != nil || made.Load() != 1000 {
		t.Errorf("%d of 1000 calls, %v", made.Load(), err)
	}
	if err := concurrentlyLimited(nil); err != nil {
		t.Error(err)
	}
	bad := errors.New("bad")
	made.Store(0)
	err := concurrentlyLimited(append([]func() error{func() error { return bad }}, slices.Repeat([]func() error{func() error {
		made.Add(1)
		time.Sleep(time.Millisecond)
		return nil
	}}, 1000)...))
	if !errors.Is(err, bad) || made.Load() > 500 {
		t.Errorf("%v; %d calls after it", err, made.Load())
	}
}
