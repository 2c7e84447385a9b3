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

// specOf is a spec of Anna's that takes an upload.
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
			sc.only()
			sc.sweep()
			sc.only()
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
	id := sc.only()
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
	// A client that has lost its upload puts the picture once more.
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

// A job that was never promised gives its upload back.
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
	sc.only()
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
					sc.sweep() // whether it was taken is not known, and what is dead holds it no longer
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
				j := sc.settleAll(sc.only())
				sc.whole(j)
			})
		})
	}
}

func TestPendingUploadsCountTowardsQuotas(t *testing.T) {
	const size = 9 << 20 // with what a result is allowed, 10 MiB
	sc := newScene(t)
	a, b := sc.with(Quotas{Stored: 32}), sc.with(Quotas{Stored: 32})
	var granted []Upload
	for i := range 3 {
		u, err := []scene{a, b}[i%2].GrantUpload("anna", size)
		if err != nil {
			t.Fatal(err)
		}
		granted = append(granted, u)
	}
	for _, process := range []scene{a, b, sc.with(Quotas{Stored: 32})} {
		_, err := process.GrantUpload("anna", size)
		wantQuota(t, err, "stored_bytes")
		large := process.spec()
		large.Owner = "anna"
		wantQuota(t, process.Create(large, make([]byte, 3<<20), nil), "stored_bytes")
		if _, err := process.GrantUpload("ben", size); err != nil { // he has no part in it
			t.Error(err)
		}
	}
	// A job counts in its upload's place, by whichever process.
	spec := b.specOf(granted[0])
	if err := b.Create(spec, make([]byte, size), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.EndUpload("anna", granted[0]); err != nil {
		t.Fatal(err)
	}
	var err error
	for range maxDeferred { // another count may be due first, as in the last minutes of an hour
		var u Upload
		if u, err = a.GrantUpload("anna", size); err != nil {
			break
		}
		if err := a.EndUpload("anna", u); err != nil {
			t.Fatal(err)
		}
	}
	wantQuota(t, err, "stored_bytes")
	// What was given up makes room.
	if err := a.EndUpload("anna", granted[1]); err != nil {
		t.Fatal(err)
	}
	for _, process := range []scene{a, b} {
		eventually(t, func() error {
			u, err := process.GrantUpload("anna", size)
			if err == nil {
				err = process.EndUpload("anna", u)
			}
			return err
		})
	}
	// So does time.
	old := filepath.Join(sc.dir, uploadsDir, ownerFolder("anna"), string(sc.specAt(time.Now().Add(-25*time.Hour)).ID)+".9437184")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { _, err := b.GrantUpload("anna", size); return err })
}

func TestPendingUploadsAreBounded(t *testing.T) {
	sc := newScene(t)
	a, b := sc.with(Quotas{Uploads: 4}), sc.with(Quotas{Uploads: 4})
	var last Upload
	for i := range 4 {
		var err error
		if last, err = []scene{a, b}[i%2].GrantUpload("anna", 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, process := range []scene{a, b} {
		_, err := process.GrantUpload("anna", 1)
		if q := wantQuota(t, err, "pending_uploads"); q.Used != 4 || q.Limit != 4 {
			t.Errorf("%+v", q)
		}
		if _, err := process.submitAs("anna"); err != nil { // that is something else
			t.Error(err)
		}
	}
	spec := a.specOf(last)
	if err := a.Create(spec, []byte("1"), nil); err != nil { // at the limit they can be taken
		t.Fatal(err)
	}
	if err := a.EndUpload("anna", last); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { _, err := b.GrantUpload("anna", 1); return err })
}

// Racing processes exceed the bounds by no more than what each has in flight.
func TestPendingUploadsUnderLoad(t *testing.T) {
	const most, processes, each = 40, 4, 4
	sc := newScene(t)
	var all sync.WaitGroup
	for range processes {
		process := sc.with(Quotas{Uploads: most})
		for range each {
			all.Go(func() {
				for range most {
					if _, err := process.GrantUpload("anna", 1); err != nil && !errors.Is(err, job.ErrQuota) {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	pending, err := sc.pendingUploads(ownerFolder("anna"), time.Now())
	if err != nil || len(pending) < most || len(pending) > most+processes*each {
		t.Errorf("%d of %d are pending, %v", len(pending), most, err)
	}
}

func TestOldUploadsAreForgotten(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()
	folder := filepath.Join(sc.dir, uploadsDir, ownerFolder("anna"))
	if err := sc.ForgetUploads(t.Context(), u.ID.Time().Add(23*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sc.wantUpload("anna", u.ID, nil)
	if err := sc.ForgetUploads(t.Context(), u.ID.Time().Add(25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of an owner without uploads: %v", err)
	}
	if err := sc.ForgetUploads(t.Context(), time.Now()); err != nil {
		t.Error(err)
	}
	sc.grant()
}

func TestUploadsCostFewCalls(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()                                                                 // which makes the owner's folder
	if err := sc.Create(sc.specOf(sc.grant()), []byte(uploaded), nil); err != nil { // and the hour's
		t.Fatal(err)
	}
	sc.makeKeyFolder(uploadKey("anna", u.ID))
	for _, c := range []struct {
		what string
		most int
		do   func() error
	}{
		{"grant", 1, func() error { _, err := sc.GrantUpload("anna", 7); return err }},
		{"find", 2, func() error { _, err := sc.Upload("anna", u.ID); return err }},
		{"take", 16, func() error { return sc.Create(sc.specOf(u), []byte(uploaded), nil) }}, // of which 13 are without
		{"end", 1, func() error { return sc.EndUpload("anna", u) }},
	} {
		if n, all := sc.calls(func() {
			if err := c.do(); err != nil {
				t.Error(err)
			}
		}); n > c.most {
			t.Errorf("%s: %d calls, at most %d are allowed:\n%s", c.what, n, c.most, all)
		}
	}
}
