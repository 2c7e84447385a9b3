package main_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// The file server is unavailable for a while. Meanwhile no response is wrong, requests that need no
// file are served, and programs can be stopped, unless they are just writing a file; afterwards
// everything continues. It is unavailable for as long as the programs take to stop, or for
// ATELIER_NFS_OUTAGE seconds if that is longer.
func TestUseFileServerAway(t *testing.T) {
	m := onNFS(t, 4*time.Minute, "ATELIER_LEASE=3s", "ATELIER_SWEEP_EVERY=1s", "ATELIER_GRACE=3s")
	if m == nil {
		return
	}
	w := m.daemonOn(m.onB)
	done := m.finished(m.submit(apitest.Stripes(t, 160, 120)), job.Succeeded, 1)
	h := m.catch(func() job.ID { return m.submit(m.large()) })
	canceled := m.submit(apitest.Stripes(t, 160, 120))
	m.cancel(canceled)
	ids := []job.ID{m.submit(apitest.Stripes(t, 160, 120)), m.submit(apitest.Stripes(t, 160, 121))}
	states := map[job.ID][]job.State{
		done.ID: {job.Succeeded}, canceled: {job.Canceled}, h.id: {job.Running, job.Queued, job.Succeeded},
		ids[0]: {job.Queued, job.Running, job.Succeeded}, ids[1]: {job.Queued, job.Running, job.Succeeded},
	}

	m.lab.Stop(t)
	stopped := time.Now()
	m.thaw(w.Process.Pid)
	patient := &patience{demo: m.demo, states: states}
	for id := range states {
		patient.poll(id)
	}
	contentType, body := form(t, apitest.Stripes(t, 160, 122))
	submit := func(timeout time.Duration) (apitest.Response, error) {
		return m.Try(timeout, http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType, "Idempotency-Key", "meanwhile")
	}
	if a, err := submit(3 * time.Second); err == nil && a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a submission meanwhile: %s: %s", a.Status, a.Body)
	}
	for _, path := range []string{"/healthz", "/", "/v1/styles"} {
		if a, err := m.Try(2*time.Second, http.MethodGet, path, nil); err != nil || a.StatusCode != http.StatusOK {
			t.Errorf("%s meanwhile: %v, %v", path, a.Response, err)
		}
	}
	if a, err := m.Try(5*time.Second, http.MethodGet, "/readyz", nil); err != nil || a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz meanwhile: %v, %v", a.Response, err)
	}

	// Machine B's programs are stopped while they have hung requests and jobs.
	b := &patience{demo: m.b, states: states, stops: true}
	b.poll(done.ID)
	var stops sync.WaitGroup
	for name, p := range map[string]struct {
		process *os.Process
		wait    func() error
		within  time.Duration
	}{
		"api-server":    {m.b.cmd.Process, m.b.cmd.Wait, 28 * time.Second},
		"worker-daemon": {w.Process, w.ended, 21 * time.Second},
	} {
		stops.Go(func() {
			told := time.Now()
			if err := p.process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			waits := make(chan string, 1)
			late := time.AfterFunc(p.within, func() { waits <- threads(p.process.Pid) })
			_ = p.wait() // it reports that it cut off requests
			took := time.Since(told)
			t.Logf("%s took %.1f s to stop", name, took.Seconds())
			if late.Stop() {
				return
			}
			// The kernel does not interrupt a wait for data that is being written to the file
			// server.
			if w := <-waits; !strings.Contains(w, "folio_wait_writeback") {
				t.Errorf("%s took longer than %s to stop:\n%s", name, p.within, w)
			}
		})
	}
	m.b.ended = true
	// A program that does not stop must not keep the file server unavailable for ever.
	stopping := make(chan struct{})
	go func() { stops.Wait(); close(stopping) }()
	select {
	case <-stopping:
	case <-time.After(time.Minute):
	}

	outage, err := time.ParseDuration(cmp.Or(os.Getenv("ATELIER_NFS_OUTAGE"), "0") + "s")
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Until(stopped.Add(outage)))
	m.lab.Start(t)
	t.Logf("the file server was unavailable for %.1f s", time.Since(stopped).Seconds())
	began := time.Now()
	waitFor(t, func() bool { return m.Reaches("/readyz") })
	t.Logf("the API is ready %.1f s later", time.Since(began).Seconds())
	patient.wait()
	b.wait()
	<-stopping
	waitFor(t, func() bool {
		a, err := submit(20 * time.Second)
		if err == nil && a.StatusCode == http.StatusAccepted {
			ids = append(ids, m.Decode(a, http.StatusAccepted).ID)
		}
		return err == nil && a.StatusCode == http.StatusAccepted
	})
	m.b = m.server(m.onB)
	m.daemonOn(m.onB)
	for _, id := range append(ids, h.id, done.ID) {
		m.finished(id, job.Succeeded, 1)
	}
	m.finished(canceled, job.Canceled, 1)
	t.Logf("all jobs have ended %.1f s after the file server was available again", time.Since(began).Seconds())
	m.tidyDirectory()
}

// threads returns what each thread of a process waits for, from /proc.
func threads(pid int) string {
	var all strings.Builder
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, task := range tasks {
		for _, name := range []string{"stat", "wchan", "syscall", "stack"} {
			b, err := os.ReadFile(filepath.Join(task, name))
			fmt.Fprintf(&all, "%s/%s: %s %v\n", task, name, bytes.TrimSpace(b), err)
		}
	}
	return all.String()
}

// patience polls jobs and waits for the responses, none of which may be wrong.
type patience struct {
	*demo
	states map[job.ID][]job.State // allowed states of each job
	stops  bool                   // the server stops meanwhile
	polls  sync.WaitGroup
}

func (p *patience) poll(id job.ID) {
	p.polls.Go(func() {
		a, err := p.Try(2*time.Minute, http.MethodGet, "/v1/jobs/"+string(id), nil)
		var j job.Job
		switch {
		case err != nil && p.stops:
			return
		case err == nil && a.StatusCode == http.StatusServiceUnavailable:
			return
		case err == nil:
			err = json.Unmarshal(a.Body, &j)
		}
		if err != nil || a.StatusCode != http.StatusOK {
			p.Errorf("job %s, requested while the file server is unavailable: %v, %v: %s", id, a.Response, err, a.Body)
			return
		}
		for _, state := range p.states[id] {
			if j.State == state {
				return
			}
		}
		p.Errorf("job %s, requested while the file server is unavailable, is %s, want one of %v", id, j.State, p.states[id])
	})
}

func (p *patience) wait() { p.polls.Wait() }
