package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A fickle is an S3 that responds with an error when objects named after a job are stored: before it has stored them,
// or after.
type fickle struct {
	locked ministack.Locked
	before atomic.Pointer[job.ID]
	after  atomic.Pointer[job.ID]
}

func newFickle(t *testing.T) *fickle {
	t.Helper()
	f := &fickle{locked: ministacktest.StartLocked(t)}
	proxy := ministacktest.Proxy(t, f.locked.Endpoint)
	about := func(r *http.Request, id *job.ID) bool {
		return id != nil && r.Method == http.MethodPut && strings.Contains(r.URL.Path, string(*id))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case about(r, f.after.Load()):
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusForbidden)
		case about(r, f.before.Load()):
			w.WriteHeader(http.StatusForbidden)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	f.locked.Endpoint = server.URL
	return f
}

// Whatever happens to one picture on its way to the bucket, the gallery shows all pictures that
// have arrived.
func TestMirror(t *testing.T) {
	s3 := newFickle(t)
	m, err := newMirror(t.Context(), s3.locked, t.TempDir(), t.TempDir(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer m.stop()
	if err := m.prepare(t.Context(), s3.locked, nil); err != nil {
		t.Fatal(err)
	}
	round := func(goesWell bool) {
		t.Helper()
		if err := m.round(t.Context()); (err == nil) != goesWell {
			t.Errorf("got %v, want an error: %t", err, !goesWell)
		}
	}
	shown := func(id job.ID) bool {
		t.Helper()
		cfg, err := s3.locked.Config(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := bucket.New(cfg, bucketName).Get(t.Context(), "gallery/"+id.Folder()+".json")
		if err != nil {
			return false
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(b, []byte(id))
	}
	round(true)

	stored := m.paint(t)
	s3.after.Store(&stored)
	round(false)
	s3.after.Store(nil)
	round(true)
	if !shown(stored) {
		t.Error("an object stored despite an error response is not shown")
	}

	refused, well := m.paint(t), m.paint(t)
	s3.before.Store(&refused)
	round(false)
	if !shown(well) || shown(refused) {
		t.Errorf("the accepted picture is shown: %t, the refused one: %t; want true, false", shown(well), shown(refused))
	}
	s3.before.Store(nil)
	round(true)
	if !shown(refused) {
		t.Error("a picture refused once is not copied later")
	}
}

// paint makes a public job that has succeeded.
func (m *mirror) paint(t *testing.T) job.ID {
	t.Helper()
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	spec := job.Spec{ID: id, Style: "night-swirls", Strength: 1, Format: "jpeg", Public: true, CreatedAt: time.Now()}
	if err := m.store.Create(&spec, []byte("photograph"), nil); err != nil {
		t.Fatal(err)
	}
	lease, err := m.store.Claim(t.Context(), id, 1, "test")
	if err == nil {
		err = lease.Succeed([]byte("picture"), nil, job.Result{ContentType: "image/jpeg"}, job.Receipt{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}
