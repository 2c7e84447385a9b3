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

func TestPendingUploadsCountTowardsQuotas(t *testing.T) {
	const size = 9 << 20 // with the allowance for a result, 10 MiB
	sc := newScene(t)
	a, b := sc.withQuotas(Quotas{Stored: 32}), sc.withQuotas(Quotas{Stored: 32})
	var granted []Upload
	for i := range 3 {
		u, err := []scene{a, b}[i%2].GrantUpload("anna", size)
		if err != nil {
			t.Fatal(err)
		}
		granted = append(granted, u)
	}
	for _, process := range []scene{a, b, sc.withQuotas(Quotas{Stored: 32})} {
		_, err := process.GrantUpload("anna", size)
		wantQuota(t, err, "stored_bytes")
		large := process.spec()
		large.Owner = "anna"
		wantQuota(t, process.Create(large, make([]byte, 3<<20), nil), "stored_bytes")
		if _, err := process.GrantUpload("ben", size); err != nil { // other owners are not affected
			t.Error(err)
		}
	}
	// A job counts in place of its upload, whichever process makes it.
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
	// An upload that was ended frees its part.
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
	// So does one that is too old.
	old := filepath.Join(sc.dir, uploadsDir, ownerFolder("anna"), string(sc.specAt(time.Now().Add(-25*time.Hour)).ID)+".9437184")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { _, err := b.GrantUpload("anna", size); return err })
}

func TestPendingUploadsAreBounded(t *testing.T) {
	sc := newScene(t)
	a, b := sc.withQuotas(Quotas{Uploads: 4}), sc.withQuotas(Quotas{Uploads: 4})
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
		if _, err := process.submitAs("anna"); err != nil { // a submission without an upload
			t.Error(err)
		}
	}
	spec := a.specOf(last)
	if err := a.Create(spec, []byte("1"), nil); err != nil { // at the limit uploads can still be taken
		t.Fatal(err)
	}
	if err := a.EndUpload("anna", last); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { _, err := b.GrantUpload("anna", 1); return err })
}

// Concurrent processes exceed the limit by no more than what each is being granted at the moment.
func TestPendingUploadsUnderLoad(t *testing.T) {
	const most, processes, each = 40, 4, 4
	sc := newScene(t)
	var all sync.WaitGroup
	for range processes {
		process := sc.withQuotas(Quotas{Uploads: most})
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

func TestUploadsCostFewCalls(t *testing.T) {
	sc := newScene(t)
	u := sc.grant()                                                                 // makes the owner's folder
	if err := sc.Create(sc.specOf(sc.grant()), []byte(uploaded), nil); err != nil { // makes the hour's folder
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
		{"take", 16, func() error { return sc.Create(sc.specOf(u), []byte(uploaded), nil) }}, // 13 without an upload
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
