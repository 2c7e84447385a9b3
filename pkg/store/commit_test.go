package store

import (
	"errors"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// If the disk fails just when the picture is stored or the outcome is written, the job can be given
// back at once.
func TestJobIsGivenBackAfterFailedCommit(t *testing.T) {
	picture := func(l *Lease) error { return l.Succeed([]byte("painted"), nil, job.Result{}, job.Receipt{}) }
	failure := func(l *Lease) error { return l.Fail(job.Failure{Code: "damaged_image"}) }
	for name, end := range map[string]func(l *Lease) error{"success": picture, "failure": failure} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			l := sc.createAndClaim()
			full := errors.New("no space left on device")
			sc.step = func(op, _ string, call func() error) error {
				if op == "write" {
					return full
				}
				return call()
			}
			err := end(l)
			sc.step = nil
			if !errors.Is(err, full) {
				t.Fatalf("the end: %v", err)
			}
			if err := l.Release(false); err != nil {
				t.Errorf("the release: %v", err)
			}
			again, err := sc.Claim(t.Context(), l.Spec.ID, 1, "successor")
			if err != nil {
				t.Fatal(err)
			}
			if again.Attempt != 1 || again.Crashed {
				t.Errorf("attempt %d, crashed %t", again.Attempt, again.Crashed)
			}
			if err := again.Succeed([]byte("painted"), nil, job.Result{}, job.Receipt{}); err != nil {
				t.Error(err)
			}
			if left := sc.leftovers(); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// An outcome that may exist is not undone by another try.
func TestFailedCommitCanBeRepeated(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaim()
	lost := errors.New("timed out")
	sc.step = func(op, _ string, call func() error) error {
		if err := call(); err != nil || op != "link" {
			return err
		}
		return lost // final.1 exists
	}
	if err := l.Succeed([]byte("painted"), nil, job.Result{}, job.Receipt{}); !errors.Is(err, lost) {
		t.Fatal(err)
	}
	sc.step = nil
	if err := l.Succeed([]byte("painted"), nil, job.Result{}, job.Receipt{}); err == nil {
		t.Error("no error the second time")
	}
	if err := l.Release(false); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the release: %v", err)
	}
	sc.sweep()
	f, _, err := sc.Result(l.Spec.ID)
	if err != nil {
		t.Fatalf("the result: %v", err)
	}
	_ = f.Close()
}
