package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestStoredBytesAreBounded(t *testing.T) {
	sc := newScene(t)
	spec := func() *job.Spec {
		s := sc.spec()
		s.Owner = "anna"
		return s
	}
	picture := make([]byte, 300<<10) // and 96 KiB for the rest
	a := sc.withQuotas(Quotas{Stored: 1})
	first := spec()
	if err := errors.Join(a.Create(first, picture, nil), a.Create(spec(), picture, nil)); err != nil {
		t.Fatal(err)
	}
	q := wantQuota(t, a.Create(spec(), picture, nil), "stored_bytes")
	if q.Limit != 1<<20 || q.Used != 2*int64(first.StoredKiB)<<10 {
		t.Errorf("%+v", q)
	}
	// Another process reads it from the directory; what was erased is free.
	b := sc.withQuotas(Quotas{Stored: 1})
	wantQuota(t, b.Create(spec(), picture, nil), "stored_bytes")
	if err := sc.Erase(first.ID, Erased); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return b.Create(spec(), picture, nil) })
	eventually(t, func() error { // a has counted the job before
		if err := a.Create(spec(), picture, nil); !errors.Is(err, job.ErrQuota) {
			t.Fatal(err)
		}
		return nil
	})
	if p, err := sc.Expire(context.Background(), time.Now().Add(2*time.Hour), ""); err != nil || p.Count != 0 {
		t.Fatal(p.Count, err) // none has finished
	}
}

// What was stored in earlier hours is counted too: from another process's note, and again from the
// index if something was erased since.
func TestStoredBytesOfOtherHours(t *testing.T) {
	sc := newScene(t)
	long := time.Now().Add(-100 * time.Hour)
	entry := func(at time.Time) string {
		spec := sc.specAt(at)
		spec.Owner, spec.StoredKiB = "anna", 500
		path := sc.ownerEntry(spec)
		if err := sc.makeInFolder(path, func() error { return sc.createEmpty(path) }); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old, yesterday := entry(long), entry(time.Now().Add(-3*time.Hour))
	a := sc.withQuotas(Quotas{Stored: 1})
	_, err := a.submitAs("anna")
	wantQuota(t, err, "stored_bytes")
	// A process that starts later reads usage/, and lists at most two hours of the index.
	b := sc.withQuotas(Quotas{Stored: 2})
	lists := 0
	var mu sync.Mutex
	b.step = func(op, path string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		if op == "open" && strings.Contains(path, "/"+ownersDir+"/") {
			lists++
		}
		return call()
	}
	if _, err := b.submitAs("anna"); err != nil {
		t.Fatal(err)
	}
	b.step = nil
	if lists > 4 { // two hours are open in the first minutes of one
		t.Errorf("%d hours were listed, although those that are over were counted already", lists)
	}
	if err := errors.Join(os.Remove(old), os.Remove(yesterday)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { _, err := a.submitAs("anna"); return err })

	// A damaged note is neither used nor an error.
	if err := os.WriteFile(sc.usagePath(ownerFolder("anna")), []byte(`{"v":1,"through":"9999/99/99/99","old_kib":-1e9,"hours":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sc.withQuotas(Quotas{Stored: 2}).submitAs("anna"); err != nil {
		t.Error(err)
	}
}

// specAt returns a spec of a job that was made at a given time.
func (sc scene) specAt(at time.Time) *job.Spec {
	sc.Helper()
	spec := sc.spec()
	ms := at.UnixMilli()
	spec.ID = job.ID(fmt.Sprintf("%08x-%04x%s", ms>>16, ms&0xffff, spec.ID[13:]))
	if err := checkID(spec.ID); err != nil {
		sc.Fatal(err)
	}
	return spec
}

// A note of an owner's use that can't be right, for example from a worker that was taken over, is
// ignored: the owner's jobs are counted again.
func TestBadRecordsOfUseAreCountedAgain(t *testing.T) {
	sc := newScene(t)
	if _, err := sc.withQuotas(Quotas{Daily: 2}).submitAs("anna"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	through := hourOf(now.Add(-clockTolerance))
	for _, hours := range []string{
		`"zzzz":{"jobs":1000000000}`,
		`"":{"kib":1000000000}`,
		`"` + hourOf(now.Add(2*time.Hour)) + `":{"jobs":1000000000}`,
		`"9999/12/31/23":{"jobs":1000000000}`,
		`"` + through[:11] + `3":{"jobs":1000000000}`,
		`"` + through + `x":{"jobs":1000000000}`,
		`"` + hourOf(now.Add(-2*time.Hour)) + `":{"jobs":-1}`,
		`"` + hourOf(now.Add(-2*time.Hour)) + `":{"kib":-1}`,
	} {
		record := `{"v":1,"through":"` + through + `","old_kib":0,"hours":{` + hours + `}}`
		if err := os.WriteFile(sc.usagePath(ownerFolder("anna")), []byte(record), 0o600); err != nil {
			t.Fatal(err)
		}
		if p := sc.readUsage(ownerFolder("anna"), now); p != nil {
			t.Errorf("%s is believed", record)
		}
		if err := sc.withQuotas(Quotas{Daily: 2}).Admits("anna", "a key of "+hours); err != nil {
			t.Errorf("with %s: %v", record, err)
		}
	}
}
