package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

func (d *demo) cancel(id job.ID) job.Job {
	d.Helper()
	return d.Decode(d.Ask(http.MethodPost, "/v1/jobs/"+string(id)+"/cancel", nil), http.StatusOK)
}

func (d *demo) retry(id job.ID) job.Job {
	d.Helper()
	return d.Decode(d.Ask(http.MethodPost, "/v1/jobs/"+string(id)+"/retry", nil), http.StatusAccepted)
}

// API servers and workers are on different machines, which share a directory by NFS: every change
// that one server has acknowledged is visible to the other at once.
func TestUseTwoMachines(t *testing.T) {
	m := onNFS(t, 5*time.Minute, "ATELIER_LEASE=3s", "ATELIER_SWEEP_EVERY=1s")
	if m == nil {
		return
	}
	w := m.daemonOn(m.onB)
	on := func(name string, f func(m *machines, w *daemon)) {
		passed := t.Run(name, func(t *testing.T) {
			began := time.Now()
			y, a, b := *m.testServers, *m.demo, *m.b
			a.T, b.T, y.demo = t, t, &a
			f(&machines{testServers: &y, b: &b, onB: m.onB, lab: m.lab}, w)
			t.Logf("%.1f s", time.Since(began).Seconds())
		})
		if !passed {
			t.FailNow() // a daemon may be frozen
		}
	}
	on("submitted, painted, read and listed", testPainted)
	on("one key, submitted to both at once", testOneKey)
	on("canceled and retried before its first attempt", testCancelQueued)
	on("canceled and retried while it is painted", testCancelRunning)
	on("erased while it is painted", testErasePainted)
	on("erased while its result is read", testEraseRead)
	on("its message is lost", testLostMessage)
	on("its worker is killed", testOtherTakesOver)
	on("expired", testExpired)
	m.tidyDirectory()
}

func testPainted(m *machines, _ *daemon) {
	var ids []job.ID
	for i := range 4 {
		ids = append(ids, m.both()[i%2].submit(apitest.Stripes(m.T, 320+i, 240), "public", "true"))
		m.agree(ids[i])
	}
	for _, id := range ids {
		j := m.finished(id, job.Succeeded, 1)
		var results [][]byte
		for _, d := range m.both() {
			results = append(results, d.result(j))
			if a := d.Ask(http.MethodGet, "/v1/jobs/"+string(id)+"/result", nil, "If-None-Match", `"`+j.Result.SHA256+`"`); a.StatusCode != http.StatusNotModified {
				m.Errorf("with its ETag: %s", a.Status)
			}
			for _, path := range []string{"/preview", "/thumbnail"} {
				if a := d.Ask(http.MethodGet, "/v1/jobs/"+string(id)+path, nil); a.StatusCode != http.StatusOK || len(a.Body) < 500 {
					m.Errorf("%s: %s, %d bytes", path, a.Status, len(a.Body))
				}
			}
		}
		if !bytes.Equal(results[0], results[1]) {
			m.Errorf("job %s has different results at A and B", id)
		}
	}
	slices.Reverse(ids)
	for _, d := range m.both() {
		for _, path := range []string{"/v1/jobs", "/v1/gallery"} {
			if got := d.listed(path); !slices.Equal(got, ids) {
				m.Errorf("%s lists %v, want %v", path, got, ids)
			}
		}
	}
}

// listed returns the jobs of a list, from all of its pages.
func (d *demo) listed(path string) (ids []job.ID) {
	d.Helper()
	for cursor := ""; ; {
		a := d.Ask(http.MethodGet, path+"?limit=3"+cursor, nil)
		var page struct {
			Jobs       []struct{ ID job.ID }
			NextCursor *string `json:"next_cursor"`
		}
		if err := json.Unmarshal(a.Body, &page); err != nil || a.StatusCode != http.StatusOK {
			d.Fatalf("%s: %s: %s", path, a.Status, a.Body)
		}
		for _, j := range page.Jobs {
			ids = append(ids, j.ID)
		}
		if page.NextCursor == nil {
			return ids
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}

func testOneKey(m *machines, _ *daemon) {
	contentType, body := form(m.T, apitest.Stripes(m.T, 200, 150))
	responses := make([]apitest.Response, 8)
	var all sync.WaitGroup
	for i := range responses {
		all.Go(func() {
			responses[i] = m.both()[i%2].Ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType, "Idempotency-Key", "both")
		})
	}
	all.Wait()
	var ids []job.ID
	for _, a := range responses {
		ids = append(ids, m.Decode(a, http.StatusAccepted).ID)
	}
	if ids = slices.Compact(ids); len(ids) != 1 {
		m.Errorf("one key created the jobs %v", ids)
	}
	contentType, body = form(m.T, apitest.Stripes(m.T, 200, 151))
	for _, d := range m.both() {
		d.Refused(d.Ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType, "Idempotency-Key", "both"), http.StatusUnprocessableEntity, "idempotency_key_reused")
	}
	m.finished(ids[0], job.Succeeded, 1)
}

func testCancelQueued(m *machines, w *daemon) {
	if !m.freeze(w.Process.Pid) {
		m.Fatal("there is no daemon to stop")
	}
	for i, d := range m.both() {
		other := m.both()[1-i]
		id := d.submit(apitest.Stripes(m.T, 160, 120))
		m.agree(id)
		d.cancel(id)
		if j := m.agree(id); j.State != job.Canceled {
			m.Errorf("after the cancellation it is %s", j.State)
		}
		other.retry(id)
		if j := m.agree(id); j.State != job.Queued || j.Run != 2 {
			m.Errorf("after the retry it is %s in run %d", j.State, j.Run)
		}
		d.cancel(id)
		other.cancel(id)
		other.retry(id)
		defer m.finished(id, job.Succeeded, 3)
	}
	m.thaw(w.Process.Pid)
}

// large returns a picture that takes long enough to be interrupted while it is painted.
func (m *machines) large() []byte { m.Helper(); return apitest.Stripes(m.T, 800, 600) }

func testCancelRunning(m *machines, _ *daemon) {
	one, other := m.either()
	h := m.catch(func() job.ID { return one.submit(m.large()) })
	if j := m.agree(h.id); j.State != job.Running {
		m.Errorf("while it is painted it is %s", j.State)
	}
	one.cancel(h.id)
	m.finished(h.id, job.Canceled, 1)
	other.retry(h.id)
	m.thaw(h.pid)
	m.finished(h.id, job.Succeeded, 2)
}

func testErasePainted(m *machines, _ *daemon) {
	one, other := m.either()
	h := m.catch(func() job.ID { return other.submit(m.large()) })
	m.erase(one, h.id)
	m.thaw(h.pid)
	m.finished(other.submit(apitest.Stripes(m.T, 160, 120)), job.Succeeded, 1) // ends after the erased job's attempt
	if left := m.mentions(string(h.id)); len(left) > 0 {
		m.Errorf("an erased job still has %q", left)
	}
}

// testLostMessage deletes a job's message from the queue, as if the queue had lost it.
func testLostMessage(m *machines, w *daemon) {
	if !m.freeze(w.Process.Pid) {
		m.Fatal("there is no daemon to stop")
	}
	id := m.submit(apitest.Stripes(m.T, 160, 120))
	waitFor(m.T, func() bool {
		ds, err := m.queue.Receive(m.Context(), 10, 0, time.Minute)
		if err != nil {
			m.Fatal(err)
		}
		found := false
		for _, d := range ds {
			found = found || strings.Contains(d.Body, string(id))
			if err := m.queue.Delete(m.Context(), d); err != nil {
				m.Fatal(err)
			}
		}
		return found
	})
	m.thaw(w.Process.Pid)
	m.finished(id, job.Succeeded, 1)
}

func testOtherTakesOver(m *machines, _ *daemon) {
	h := m.catch(func() job.ID { return m.submit(m.large()) })
	id := h.id
	if err := syscall.Kill(h.pid, syscall.SIGKILL); err != nil {
		m.Fatal(err)
	}
	m.daemonOn(m.shared)
	want := 1 + counted([]held{h})
	if j := m.finished(id, job.Succeeded, 1); j.Attempts != want {
		m.Errorf("it has %d attempts, want %d", j.Attempts, want)
	}
}
