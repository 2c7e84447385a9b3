package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func newSpec(t *testing.T) *job.Spec {
	t.Helper()
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return &job.Spec{ID: id, Style: "some-style", Strength: 1, Size: 512, Format: "jpeg", Quality: 90,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Input: job.Input{Format: "png", Width: 3, Height: 2}}
}

func TestOneJobForAKey(t *testing.T) {
	s := open(t, 0)
	first, made, err := s.CreateOnce(newSpec(t), []byte("picture"), nil, "key")
	if err != nil || !made {
		t.Fatal(first, made, err)
	}
	again, made, err := s.CreateOnce(newSpec(t), []byte("picture"), nil, "key")
	if err != nil || made || again.ID != first.ID || again.State != job.Queued {
		t.Errorf("repeated: %+v, made %t, %v", again, made, err)
	}
	if other, made, err := s.CreateOnce(newSpec(t), []byte("picture"), nil, "another key"); err != nil || !made || other.ID == first.ID {
		t.Errorf("another key: %+v, made %t, %v", other, made, err)
	}
	anna := newSpec(t)
	anna.Owner = "anna"
	if other, made, err := s.CreateOnce(anna, []byte("picture"), nil, "key"); err != nil || !made || other.ID == first.ID {
		t.Errorf("another owner's key: %+v, made %t, %v", other, made, err)
	}
	if err := claim(t, s, first.ID).Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if again, _, err := s.CreateOnce(newSpec(t), []byte("picture"), nil, "key"); err != nil || again.State != job.Succeeded {
		t.Errorf("repeated after the end: %+v, %v", again, err)
	}
}

func TestKeyIsForOneRequest(t *testing.T) {
	s := open(t, 0)
	if _, _, err := s.CreateOnce(newSpec(t), []byte("picture"), nil, "key"); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*job.Spec) (picture, style []byte){
		"another picture": func(*job.Spec) ([]byte, []byte) { return []byte("other"), nil },
		"a style picture": func(s *job.Spec) ([]byte, []byte) {
			s.Style, s.StyleInput = job.CustomStyle, &job.Input{}
			return []byte("picture"), []byte("style")
		},
		"another style":    func(s *job.Spec) ([]byte, []byte) { s.Style = "x"; return []byte("picture"), nil },
		"another strength": func(s *job.Spec) ([]byte, []byte) { s.Strength = 0.5; return []byte("picture"), nil },
		"another size":     func(s *job.Spec) ([]byte, []byte) { s.Size = 16; return []byte("picture"), nil },
		"another format":   func(s *job.Spec) ([]byte, []byte) { s.Format = "png"; return []byte("picture"), nil },
		"another quality":  func(s *job.Spec) ([]byte, []byte) { s.Quality = 1; return []byte("picture"), nil },
		"its colours":      func(s *job.Spec) ([]byte, []byte) { s.PreserveColors = true; return []byte("picture"), nil },
		"the public":       func(s *job.Spec) ([]byte, []byte) { s.Public = true; return []byte("picture"), nil },
	} {
		spec := newSpec(t)
		picture, style := change(spec)
		if _, _, err := s.CreateOnce(spec, picture, style, "key"); !errors.Is(err, job.ErrKeyReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(s.Dir(), "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

func TestKeysAreForgottenAfterADay(t *testing.T) {
	s := open(t, 0)
	first, _, err := s.CreateOnce(newSpec(t), []byte("picture"), nil, "key")
	if err != nil {
		t.Fatal(err)
	}
	for _, hours := range []int{23, 25} {
		if _, err := s.ForgetKeys(context.Background(), "", time.Now().Add(time.Duration(hours)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		j, made, err := s.CreateOnce(newSpec(t), []byte("picture"), nil, "key")
		if err != nil || made != (hours > 24) || (j.ID == first.ID) == made {
			t.Errorf("after %d hours: made %t, %v", hours, made, err)
		}
	}
}

func TestErasedJobIsGoneForGood(t *testing.T) {
	s := open(t, time.Hour)
	spec := newSpec(t)
	spec.Owner = "anna"
	j, _, err := s.CreateOnce(spec, []byte("picture"), nil, "key")
	if err != nil {
		t.Fatal(err)
	}
	l := claim(t, s, j.ID)
	for range 2 { // it can be repeated
		if err := s.Erase(j.ID, store.Erased); err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{
		"the worker renews":   l.Renew(),
		"the worker finishes": l.Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}),
	} {
		if !errors.Is(err, job.ErrLeaseLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, jobErr := s.Job(j.ID)
	_, cancelErr := s.Cancel(j.ID)
	_, _, retryErr := s.Retry(j.ID)
	_, claimErr := s.Claim(t.Context(), j.ID, 1, "w")
	for name, err := range map[string]error{"Job": jobErr, "Cancel": cancelErr, "Retry": retryErr, "Claim": claimErr} {
		if !errors.Is(err, job.ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if stone, err := s.Tombstone(j.ID); err != nil || stone.Owner != "anna" || stone.Why != store.Erased {
		t.Errorf("the tombstone: %+v, %v", stone, err)
	}
	for _, name := range files(t, s.Dir()) {
		if filepath.Ext(name) == ".gone" {
			continue // it counts as a submission of the day
		}
		if name != "FORMAT" && filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(name))))) != "gone" {
			t.Errorf("left behind: %s", name)
		}
	}
	if _, err := s.Forget(context.Background(), time.Now().Add(2*time.Hour), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Job(j.ID); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("after it was forgotten: %v", err)
	}
}
