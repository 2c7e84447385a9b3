package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

const uploaded = "picture"

// grant makes an upload of Anna's.
func (sc scene) grant() Upload {
	sc.Helper()
	u, err := sc.GrantUpload("anna", int64(len(uploaded)))
	if err != nil {
		sc.Fatal(err)
	}
	return u
}

// specOf returns a spec of Anna's that takes an upload.
func (sc scene) specOf(u Upload) *job.Spec {
	sc.Helper()
	spec := sc.spec()
	spec.Owner, spec.Upload = "anna", u.ID
	return spec
}

func (sc scene) wantUpload(owner string, id job.ID, want error) {
	sc.Helper()
	if u, err := sc.Upload(owner, id); !errors.Is(err, want) {
		sc.Errorf("upload %s of %s: got %+v, %v; want %v", id, owner, u, err, want)
	}
}

func TestUpload(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()
	if got, err := sc.Upload("anna", u.ID); err != nil || got != u || u.Bytes != int64(len(uploaded)) {
		t.Errorf("got %+v, %v; want %+v", got, err, u)
	}
	old := sc.specAt(time.Now().Add(-25 * time.Hour)).ID
	for _, id := range []job.ID{sc.spec().ID, "", "..", "../../FORMAT", job.ID(u.Name)} {
		sc.wantUpload("anna", id, job.ErrUploadNotFound)
	}
	sc.wantUpload("ben", u.ID, job.ErrUploadNotFound)
	sc.wantUpload("", u.ID, job.ErrUploadNotFound)
	sc.wantUpload("anna", old, job.ErrUploadExpired)
	if err := sc.Create(sc.specOf(u), []byte(uploaded), nil); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it can be repeated
		if err := sc.EndUpload("anna", u); err != nil {
			t.Fatal(err)
		}
		sc.wantUpload("anna", u.ID, job.ErrUploadTaken)
	}
	sc.wantUpload("ben", u.ID, job.ErrUploadNotFound)
	for _, bytes := range []int64{0, -1, maxInput + 1} {
		if _, err := sc.GrantUpload("anna", bytes); err == nil {
			t.Errorf("one of %d bytes was granted", bytes)
		}
	}
}

func TestUploadIsTakenOnce(t *testing.T) {
	for name, key := range map[string]func(i int) string{
		"without keys": func(int) string { return "" }, "under different keys": func(i int) string { return string(rune('a' + i)) },
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			u := sc.grant()
			var all sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				all.Go(func() {
					if key := key(i); key == "" {
						errs[i] = sc.Create(sc.specOf(u), []byte(uploaded), nil)
					} else {
						_, _, errs[i] = sc.CreateOnce(sc.specOf(u), []byte(uploaded), nil, key)
					}
				})
			}
			all.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if !errors.Is(err, job.ErrUploadTaken) {
					t.Error(err)
				}
			}
			if won != 1 {
				t.Errorf("%d have taken it", won)
			}
			sc.onlyJob()
			sc.sweep()
			sc.onlyJob()
		})
	}
}

func TestUploadUnderAKey(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, _, err := sc.CreateOnce(sc.specOf(u), []byte(uploaded), nil, "key"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	id := sc.onlyJob()
	if err := sc.EndUpload("anna", u); err != nil {
		t.Fatal(err)
	}
	again := sc.specOf(u)
	if j, made, err := sc.Repeated(again, nil, nil, "key"); err != nil || made || j.ID != id || UploadsOf(again)[0] != u {
		t.Errorf("repeated: %+v, made %t, %v", j, made, err)
	}
	other := sc.specOf(u)
	other.Size = 64
	if _, _, err := sc.Repeated(other, nil, nil, "key"); !errors.Is(err, job.ErrKeyReused) {
		t.Errorf("another request: %v", err)
	}
	if _, _, err := sc.Repeated(sc.specOf(u), nil, []byte("style"), "key"); !errors.Is(err, job.ErrKeyReused) {
		t.Errorf("with a style picture: %v", err)
	}
	for what, key := range map[string]string{"another key": "other", "no key": ""} {
		if j, _, err := sc.Repeated(sc.specOf(u), nil, nil, key); !errors.Is(err, job.ErrUploadNotFound) {
			t.Errorf("%s: %+v, %v", what, j, err)
		}
	}
	// A client that has lost its upload uploads the picture again.
	second := sc.grant()
	if j, _, err := sc.Repeated(sc.specOf(second), nil, nil, "key"); !errors.Is(err, job.ErrUploadNotFound) {
		t.Errorf("by another upload: %+v, %v", j, err)
	}
	if j, made, err := sc.CreateOnce(sc.specOf(second), []byte(uploaded), nil, "key"); err != nil || made || j.ID != id {
		t.Errorf("by another upload: %+v, made %t, %v", j, made, err)
	}
	if _, _, err := sc.CreateOnce(sc.specOf(second), []byte("another"), nil, "key"); !errors.Is(err, job.ErrKeyReused) {
		t.Errorf("another picture: %v", err)
	}
	if err := sc.Create(sc.specOf(second), []byte(uploaded), nil); err != nil {
		t.Errorf("the other upload was not taken, and: %v", err)
	}
}

func TestErasedJobGivesNoUploadBack(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()
	spec := sc.specOf(u)
	if err := sc.Create(spec, []byte(uploaded), nil); err != nil {
		t.Fatal(err)
	}
	if err := sc.Erase(spec.ID, Erased); err != nil { // before the upload was ended
		t.Fatal(err)
	}
	sc.wantUpload("anna", u.ID, job.ErrUploadNotFound)
}

// A job that was never accepted gives its upload back.
func TestDiscardedJobGivesItsUploadBack(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()
	spec := sc.specOf(u)
	err := sc.Create(spec, []byte(uploaded), nil)
	if err == nil {
		err = sc.Discard(spec)
	}
	if err == nil {
		err = sc.Create(sc.specOf(u), []byte(uploaded), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	sc.onlyJob()
}

func TestFaultsInTakingAnUpload(t *testing.T) {
	for name, create := range map[string]func(sc scene, spec *job.Spec) error{
		"without a key": func(sc scene, spec *job.Spec) error { return sc.Create(spec, []byte(uploaded), nil) },
		"under a key": func(sc scene, spec *job.Spec) error {
			_, _, err := sc.CreateOnce(spec, []byte(uploaded), nil, "key")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			granted := map[string]Upload{}
			everyStep(t, func(sc scene) func() error {
				u := sc.grant()
				mu.Lock()
				granted[sc.dir] = u
				mu.Unlock()
				return func() error { return create(sc, sc.specOf(u)) }
			}, func(sc scene, acted error) {
				mu.Lock()
				u := granted[sc.dir]
				mu.Unlock()
				if acted != nil && name == "without a key" {
					sc.sweep() // it is unknown whether the upload was taken; after a sweep it can be taken
				}
				err := create(sc, sc.specOf(u))
				switch {
				case name == "under a key" && err != nil:
					sc.Fatalf("repeated: %v", err)
				case name == "without a key" && acted == nil && !errors.Is(err, job.ErrUploadTaken):
					sc.Fatalf("again: %v", err)
				case err != nil && !errors.Is(err, job.ErrUploadTaken):
					sc.Fatalf("repeated: %v", err)
				}
				j := sc.runToEnd(sc.onlyJob())
				sc.checkFinished(j)
			})
		})
	}
}

func TestOldUploadsAreForgotten(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()
	folder := filepath.Join(sc.dir, uploadsDir, ownerFolder("anna"))
	if _, err := sc.ForgetUploads(t.Context(), "", u.ID.Time().Add(23*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sc.wantUpload("anna", u.ID, nil)
	if _, err := sc.ForgetUploads(t.Context(), "", u.ID.Time().Add(25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of an owner without uploads: %v", err)
	}
	if _, err := sc.ForgetUploads(t.Context(), "", time.Now()); err != nil {
		t.Error(err)
	}
	sc.grant()
}
