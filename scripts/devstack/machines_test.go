package main_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/nfstest"
)

// Two machines share a directory by NFS: each has its own mount, an API server and, if a test
// starts them, daemons. The test itself reads the directory without NFS, so that it does not change
// the machines' caches.
type machines struct {
	*testServers        // machine A, whose server the methods call
	b            *demo  // the server of machine B
	onB          string // the shared directory on B; shared is the one on A
	lab          nfstest.Lab
}

// onNFS runs the test in scripts/nfs. It returns nil outside of scripts/nfs, after the test has run
// there.
func onNFS(t *testing.T, timeout time.Duration, env ...string) *machines {
	t.Helper()
	worker := buildOnnx(t, "worker-daemon") // TensorFlow starts slowly where page faults are slow
	t.Setenv(binVariable, bin)
	lab, inside := nfstest.Enter(t, timeout, "--memory", "4000")
	if !inside {
		return nil
	}
	name := lab.Folder(t)
	m := &machines{testServers: newServers(t, filepath.Join(lab.Disk, name), env...), lab: lab, onB: filepath.Join(lab.B, name, "shared")}
	m.env = slices.DeleteFunc(m.env, func(kv string) bool { return strings.HasPrefix(kv, "ATELIER_ONNXRUNTIME=") }) // scripts/env's is a folder
	m.worker, m.shared = worker, filepath.Join(lab.A, name, "shared")
	m.demo = m.server(m.shared)
	m.b = m.server(m.onB)
	return m
}

// both returns the servers of A and B.
func (m *machines) both() []*demo { return []*demo{m.demo, m.b} }

// agree checks that both servers return the same for a job, and returns the job.
func (m *machines) agree(id job.ID) job.Job {
	m.Helper()
	for {
		before, _ := m.tagged(id)
		b, _ := m.b.tagged(id)
		after, j := m.tagged(id)
		if before != after {
			continue // it changes
		}
		if b != after {
			m.Errorf("job %s is %s at A and %s at B", id, after, b)
		}
		return j
	}
}

// tagged returns a job with a tag that identifies this version of it.
func (d *demo) tagged(id job.ID) (tag string, j job.Job) {
	d.Helper()
	a := d.Ask(http.MethodGet, "/v1/jobs/"+string(id), nil)
	j = d.Decode(a, http.StatusOK)
	return string(j.State) + " " + a.Header.Get("ETag"), j
}

// finished waits at A until a job has ended, and checks that B returns the same.
func (m *machines) finished(id job.ID, want job.State, run int) job.Job {
	m.Helper()
	waitFor(m.T, func() bool {
		return m.Decode(m.Ask(http.MethodGet, "/v1/jobs/"+string(id)+"?wait=5", nil), http.StatusOK).State.Finished()
	})
	j := m.agree(id)
	if j.State != want || j.Run != run {
		m.Errorf("job %s is %s in run %d, want %s in run %d: %+v", id, j.State, j.Run, want, run, j.Error)
	}
	return j
}

// erase erases a job at one server, and checks that both servers report it as erased.
func (m *machines) erase(at *demo, id job.ID) {
	m.Helper()
	if a := at.Ask(http.MethodDelete, "/v1/jobs/"+string(id), nil); a.StatusCode != http.StatusNoContent {
		m.Errorf("erasing job %s: %s: %s", id, a.Status, a.Body)
	}
	m.gone(id)
}

// gone checks that both servers report a job as erased.
func (m *machines) gone(id job.ID) {
	m.Helper()
	for _, d := range m.both() {
		for _, path := range []string{"", "/result", "/preview"} {
			d.Refused(d.Ask(http.MethodGet, "/v1/jobs/"+string(id)+path, nil), http.StatusGone, "gone")
		}
		d.Refused(d.Ask(http.MethodDelete, "/v1/jobs/"+string(id), nil), http.StatusGone, "gone")
	}
}

// either returns one of the servers, and the other one, at random. A test with a slow operation
// tries it at only one server in each run.
func (m *machines) either() (one, other *demo) {
	m.Helper()
	i := rand.N(2)
	m.Logf("at %s", []string{"A", "B"}[i])
	return m.both()[i], m.both()[1-i]
}

// tidyDirectory waits until no work is left, and checks that the directory has no temporary files.
func (m *machines) tidyDirectory() {
	m.Helper()
	m.settled()
	m.onlyJobs()
	var left []string
	err := filepath.WalkDir(filepath.Join(m.dir, "shared"), func(path string, _ os.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".nfs") {
			left = append(left, path)
		}
		return ignoreMissing(err)
	})
	if err != nil || len(left) > 0 {
		m.Errorf("left behind: %q, %v", left, err)
	}
}
