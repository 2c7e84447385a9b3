package store

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// specOfTwo returns a spec of Anna's that takes one upload as its photograph and another as its
// style's picture.
func (sc scene) specOfTwo(photograph, style Upload) *job.Spec {
	sc.Helper()
	spec := sc.specOf(photograph)
	spec.Style, spec.StyleUpload, spec.StyleInput = job.CustomStyle, style.ID, &job.Input{Format: "jpeg", Width: 8, Height: 8}
	return spec
}

func (sc scene) createOfTwo(photograph, style Upload, key string) error {
	spec := sc.specOfTwo(photograph, style)
	if key == "" {
		return sc.Create(spec, []byte(uploaded), []byte(uploaded))
	}
	_, _, err := sc.CreateOnce(spec, []byte(uploaded), []byte(uploaded), key)
	return err
}

func TestStyleUpload(t *testing.T) {
	sc := newScene(t)
	photograph, style := sc.grant(), sc.grant()
	if err := sc.createOfTwo(photograph, photograph, ""); err == nil {
		t.Error("one upload was taken as both")
	}
	if err := sc.createOfTwo(photograph, style, ""); err != nil {
		t.Fatal(err)
	}
	spec, err := sc.Spec(sc.onlyJob())
	if err != nil || !slices.Equal(UploadsOf(&spec), []Upload{photograph, style}) {
		t.Errorf("the job's uploads are %+v, want %+v, %+v; %v", UploadsOf(&spec), photograph, style, err)
	}
	for _, u := range []Upload{photograph, style} {
		if err := sc.EndUpload("anna", u); err != nil {
			t.Fatal(err)
		}
		sc.wantUpload("anna", u.ID, job.ErrUploadTaken)
	}
}

// A job that gets only one of its uploads gives it back, whichever it is.
func TestTakenStyleUploadGivesThePhotographBack(t *testing.T) {
	for _, key := range []string{"", "key"} {
		sc := newScene(t)
		photograph, style := sc.grant(), sc.grant()
		if err := sc.Create(sc.specOf(style), []byte(uploaded), nil); err != nil { // as a photograph
			t.Fatal(err)
		}
		if err := sc.createOfTwo(photograph, style, key); !errors.Is(err, job.ErrUploadTaken) {
			t.Errorf("under key %q: %v", key, err)
		}
		if err := sc.Create(sc.specOf(photograph), []byte(uploaded), nil); err != nil {
			t.Errorf("under key %q: the photograph was not given back: %v", key, err)
		}
	}
}

// A process that continues an equal request's draft may link it to an upload or to the key after
// that request's own process has discarded the draft. Such names hold up neither another job nor
// the same request.
func TestDiscardedDraftHoldsNothing(t *testing.T) {
	for name, linked := range map[string][]int{"photograph": {0}, "style": {1}, "both": {0, 1}, "both and the key": {0, 1, 2}, "key": {2}} {
		for _, next := range []string{"another request", "the same request"} {
			t.Run(name+", "+next, func(t *testing.T) {
				sc := newScene(t)
				photograph, style := sc.grant(), sc.grant()
				discarded := sc.specOfTwo(photograph, style)
				discarded.Key = keyHash(discarded.Owner, "key")
				_, err := sc.prepareSubmission(discarded, []byte(uploaded), []byte(uploaded))
				if err == nil {
					err = sc.makeDraft(discarded, []byte(uploaded), []byte(uploaded))
				}
				keys := []string{uploadKey(discarded.Owner, photograph.ID), uploadKey(discarded.Owner, style.ID), discarded.Key}
				for _, i := range linked {
					err = errors.Join(err, sc.linkKey(discarded, keys[i]))
				}
				err = errors.Join(err, sc.removeTree(sc.draftDir(discarded.ID)), sc.remove(sc.activePath(discarded.Owner, discarded.ID)))
				if err != nil {
					t.Fatal(err)
				}
				create := func() error { return sc.createOfTwo(photograph, style, "key") }
				if next == "another request" {
					create = func() error { return sc.createOfTwo(style, photograph, "another key") }
				}
				if err = create(); errors.Is(err, job.ErrBusy) {
					err = create()
				}
				if err != nil {
					t.Error(err)
				}
				sc.onlyJob()
			})
		}
	}
}

// Two requests, each sent several times, take the same two uploads in opposite roles: one job takes
// both.
func TestStyleUploadsUnderLoad(t *testing.T) {
	sc := newScene(t)
	a, b := sc.grant(), sc.grant()
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			photograph, style, key := a, b, "one"
			if i%3 == 0 {
				photograph, style, key = b, a, "other"
			}
			err := sc.createOfTwo(photograph, style, key)
			if err != nil && !errors.Is(err, job.ErrUploadTaken) && !errors.Is(err, job.ErrBusy) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	again := func(photograph, style Upload, key string) (err error) {
		for range 2 { // job.ErrBusy asks for a repetition
			if err = sc.createOfTwo(photograph, style, key); !errors.Is(err, job.ErrBusy) {
				return err
			}
		}
		return err
	}
	if err := errors.Join(again(a, b, "one"), again(b, a, "other")); !errors.Is(err, job.ErrUploadTaken) {
		t.Errorf("of two different jobs one takes the uploads, and the other none: %v", err)
	}
	sc.onlyJob()
}

func TestStyleUploadUnderAKey(t *testing.T) {
	sc := newScene(t)
	photograph, style := sc.grant(), sc.grant()
	if err := sc.createOfTwo(photograph, style, "key"); err != nil {
		t.Fatal(err)
	}
	again := sc.specOfTwo(photograph, style)
	again.StyleInput = nil // the picture was not read
	j, made, err := sc.Repeated(again, nil, nil, "key")
	if err != nil || made || j.ID != sc.onlyJob() || !slices.Equal(UploadsOf(again), []Upload{photograph, style}) {
		t.Errorf("repeated: %+v, made %t, %v", j, made, err)
	}
	if _, _, err := sc.Repeated(sc.specOf(photograph), nil, nil, "key"); !errors.Is(err, job.ErrUploadNotFound) {
		t.Errorf("without the style's upload: %v", err)
	}
	// A client that has lost its uploads, or sends one picture directly.
	if err := sc.createOfTwo(sc.grant(), sc.grant(), "key"); err != nil {
		t.Errorf("by other uploads: %v", err)
	}
	direct := sc.specOfTwo(photograph, style)
	direct.Upload, direct.StyleUpload = "", sc.grant().ID
	if _, _, err := sc.CreateOnce(direct, []byte(uploaded), []byte(uploaded), "key"); err != nil {
		t.Errorf("with the photograph: %v", err)
	}
	sc.onlyJob()
}

// If a request dies between its uploads, an equal one continues with it.
func TestStyleUploadOfCrashedRequestIsCompleted(t *testing.T) {
	sc := newScene(t)
	photograph, style := sc.grant(), sc.grant()
	dead := sc.specOfTwo(photograph, style)
	dead.Key = keyHash("anna", "key")
	if _, err := sc.prepareSubmission(dead, []byte(uploaded), []byte(uploaded)); err != nil {
		t.Fatal(err)
	}
	if err := sc.makeDraft(dead, []byte(uploaded), []byte(uploaded)); err != nil {
		t.Fatal(err)
	}
	if _, err := sc.takeUpload(dead, photograph.ID); err != nil {
		t.Fatal(err)
	}
	if err := sc.createOfTwo(photograph, style, "key"); err != nil {
		t.Fatal(err)
	}
	if id := sc.onlyJob(); id != dead.ID {
		t.Errorf("the job is %s, want %s, which had begun", id, dead.ID)
	}
	for _, u := range []Upload{photograph, style} {
		if _, err := os.Stat(sc.keyPath(uploadKey("anna", u.ID))); err != nil {
			t.Error(err)
		}
	}
}
