package deploy_test

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// A machine runs systemd, with the archive installed as in its guide. The queue, the API and the
// metadata service are processes in it; the shared directory is mounted by NFS, and the API uses
// another NFS client than the worker.
type machine struct {
	*deployment // only for calls of the API
	announce    func(path, notice string)
	enable      string // the guide's command to start the worker
	queue       string // its URL
	settings    string // lines of worker.env for the queue and the metadata service
}

// The EC2 archive, installed as in its guide, runs under systemd: the unit starts with each engine,
// and drains when its instance is about to end.
func TestMachine(t *testing.T) {
	m := newMachine(t)
	if m == nil {
		return
	}
	on := func(name string, f func(m *machine)) {
		if !t.Failed() {
			t.Run(name, func(t *testing.T) {
				began := time.Now()
				d := &deployment{Client: apitest.Client{T: t, Base: m.Base}, root: t}
				f(&machine{d, m.announce, m.enable, m.queue, m.settings})
				t.Logf("%.1f s", time.Since(began).Seconds())
			})
		}
	}
	on("starts with ONNX Runtime", (*machine).testOnnx)
	on("drains", (*machine).testDrain)
	on("a decoder is out of memory", (*machine).testMemory)
	on("starts with TensorFlow", (*machine).testTensorFlow)
}

const (
	onnx       = "atelier-worker@onnx"
	tensorFlow = "atelier-worker@tensorflow"
)

func (m *machine) testOnnx() {
	m.start(onnx)
	if j := m.painted(m.Submit(apitest.Stripes(m.T, 640, 480))); !strings.Contains(strings.ToLower(j.Receipt.Engine), "onnx") {
		m.Errorf("it was painted by %s", j.Receipt.Engine)
	}
	m.hardened(onnx)
}

// The unit ends by itself, without an error, and is not restarted. Jobs that it has given back are
// painted by the next instance, or by the one after it if that one is stopped too.
func (m *machine) testDrain() {
	photo := apitest.Stripes(m.T, 1600, 1200)
	var ids []job.ID
	for range 10 { // more than are painted until the worker checks for notices
		ids = append(ids, m.Submit(photo, "size", "1600"))
	}
	m.waitFor("the first job's begin", func() bool { return m.Read(ids[0]).State != job.Queued })
	m.announce("spot/instance-action", `{"action":"terminate","time":"2026-11-29T18:00:00Z"}`)
	m.waitFor("the unit's end", func() bool {
		return m.show(onnx, "ActiveState") != "active" && m.show(onnx, "ActiveState") != "deactivating"
	})
	left := m.drained(ids)
	for _, want := range []string{"EC2 will end this instance", "gave a job back", "Deactivated successfully"} {
		if log := m.journal(onnx); !strings.Contains(log, want) {
			m.Errorf("the journal lacks %q:\n%s", want, log)
		}
	}
	if len(left) == 0 {
		m.Fatal("all jobs were painted before the unit ended")
	}
	m.announce("", "")

	m.output("systemctl", "start", onnx)
	m.waitFor("the next job's begin", func() bool { return m.Read(left[0]).State != job.Queued })
	began := time.Now()
	m.output("systemctl", "stop", onnx)
	m.Logf("systemctl stop took %.1f s", time.Since(began).Seconds())
	left = m.drained(left)
	m.Logf("%d jobs are left", len(left))

	m.output("systemctl", "start", onnx)
	for _, id := range ids {
		if j := m.painted(id); j.Attempts != 1 {
			m.Errorf("job %s took %d attempts", id, j.Attempts)
		}
	}
}

// When memory is exhausted, the kernel kills the decoder of a picture, and the worker continues.
func (m *machine) testMemory() {
	pid := m.show(onnx, "MainPID")
	group := filepath.Join("/sys/fs/cgroup", m.show(onnx, "ControlGroup"))
	used := 0 // bytes that can't be freed or written back
	for _, f := range regexp.MustCompile(`(?m)^(?:anon|shmem|slab_unreclaimable|pagetables|kernel_stack) (\d+)$`).FindAllStringSubmatch(m.file(filepath.Join(group, "memory.stat")), -1) {
		n, err := strconv.Atoi(f[1])
		if err != nil {
			m.Fatal(err)
		}
		used += n
	}
	const room = 8 << 20 // the picture needs three times as much
	m.output("systemctl", "set-property", "--runtime", onnx, "MemoryMax="+strconv.Itoa(used+room))
	id := m.Submit(apitest.Stripes(m.T, 4800, 3600))
	m.waitFor("a decoder's end", func() bool {
		return !strings.Contains(m.file(filepath.Join(group, "memory.events")), "\noom_kill 0\n")
	})
	m.output("systemctl", "set-property", "--runtime", onnx, "MemoryMax=infinity")
	j := m.ended(id)
	m.Logf("its job is %s after %d attempts: %+v", j.State, j.Attempts, j.Error)
	m.waitFor("systemd's notice", func() bool { return strings.Contains(m.journal(onnx), "killed by the OOM killer") })
	m.painted(m.Submit(apitest.Stripes(m.T, 640, 480)))
	if got := m.show(onnx, "ActiveState,SubState,MainPID,NRestarts"); got != "active running "+pid+" 0" {
		m.Errorf("after the end of a decoder the unit is %s, want the process %s", got, pid)
	}
	m.output("systemctl", "stop", onnx)
}

// Instances of the template install the worker with their user data, which the test runs on a
// machine without the worker, and with stand-ins for AWS's programs.
func (m *machine) testTensorFlow() {
	m.output("userdel", "--force", "atelier") // the API runs as that user
	for _, path := range []string{"/etc/atelier", "/etc/sysusers.d", "/etc/systemd/system/atelier-worker@.service"} {
		if err := os.RemoveAll(path); err != nil {
			m.Fatal(err)
		}
	}
	if out, err := m.runUserData("exit 1"); err == nil {
		m.Fatalf("the user data succeeded without an archive:\n%s", out)
	}
	if got := m.show(startLimit+".timer", "ActiveState") + " " + m.output("systemctl", "cat", startLimit+".service"); !strings.HasPrefix(got, "active ") || !strings.Contains(got, "systemctl\" \"poweroff") {
		m.Errorf("after the failure of the user data the timer that ends the instance is %s", got)
	}
	m.output("systemctl", "stop", startLimit+".timer")

	began := time.Now()
	out, err := m.runUserData("tar -cz -C /opt/atelier systemd") // the libraries are there already
	m.Logf("the user data took %.1f s, including the start of the worker", time.Since(began).Seconds())
	if err != nil {
		m.Fatalf("the user data: %v\n%s", err, out)
	}
	if got := m.show(startLimit+".timer", "ActiveState"); got != "inactive" {
		m.Errorf("the timer that ends the instance is %s although the worker runs", got)
	}
	m.started(tensorFlow)
	if j := m.painted(m.Submit(apitest.Stripes(m.T, 640, 480))); !strings.Contains(strings.ToLower(j.Receipt.Engine), "tensorflow") {
		m.Errorf("it was painted by %s", j.Receipt.Engine)
	}
	m.hardened(tensorFlow)
	m.output("systemctl", "stop", tensorFlow)
	m.stopped(tensorFlow)
}

// startLimit is the unit in the user data that shuts down an instance without a worker.
const startLimit = "atelier-start-limit"

// runUserData runs the template's user data with a command in place of the archive's download.
func (m *machine) runUserData(download string) (output []byte, err error) {
	m.Helper()
	script := userData(m.T, "${Queue}", m.queue, "${Engine}", "tensorflow", "ATELIER_BUCKET=${BucketName}\n", "", "AWS_USE_DUALSTACK_ENDPOINT=true\n", m.settings)
	programs := m.TempDir()
	for name, does := range map[string]string{"dnf": "exit 0", "mount": "exit 0", "aws": download} {
		if err := os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\n"+does+"\n"), 0o700); err != nil { //nolint:gosec // a program
			m.Fatal(err)
		}
	}
	cmd := exec.CommandContext(m.Context(), "bash")
	cmd.Stdin, cmd.Env, cmd.Dir = strings.NewReader(script), append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH")), "/"
	return cmd.CombinedOutput()
}

// start runs the guide's command for an engine.
func (m *machine) start(unit string) {
	m.Helper()
	command := strings.Replace(m.enable, tensorFlow, unit, 1)
	began := time.Now()
	m.output("bash", "-c", command)
	m.Logf("%s took %.1f s", command, time.Since(began).Seconds())
	m.started(unit)
}

// started checks that systemd has started the unit without warnings.
func (m *machine) started(unit string) {
	m.Helper()
	if got := m.show(unit, "Type,ActiveState,SubState,UnitFileState,NRestarts"); got != "notify active running enabled 0" {
		m.Errorf("%s is %s", unit, got)
	}
	if log := m.journal(unit); !strings.Contains(log, "ready") {
		m.Errorf("the journal does not have the worker's log:\n%s", log)
	}
	if warnings := m.output("journalctl", "--no-pager", "--output=cat", "--priority=warning", "--unit="+unit, "_PID=1"); warnings != "" {
		m.Errorf("systemd warns of %s: %s", unit, warnings)
	}
}

// stopped checks that the unit has ended without an error and is not restarted.
func (m *machine) stopped(unit string) {
	m.Helper()
	if got := m.show(unit, "ActiveState,SubState,Result,ExecMainStatus,NRestarts"); got != "inactive dead success 0 0" {
		m.Errorf("%s is %s", unit, got)
	}
}

// hardened checks in /proc that the unit's directives apply to the worker's process.
func (m *machine) hardened(unit string) {
	m.Helper()
	dir := "/proc/" + m.show(unit, "MainPID")
	for name, patterns := range map[string][]string{
		"status":    {`Uid:\t6410\t6410\t6410\t6410`, `NoNewPrivs:\t1`, `Seccomp:\t2`, `CapBnd:\t0+`},
		"mountinfo": {`.* / / ro,.*`, `.* /mnt/atelier rw,.* nfs4 .*`, `.* /dev (ro|rw),.* - tmpfs .*`, `.* /tmp rw,.*`, `.* /home ro,.*`},
		"uid_map":   {`\s*6410\s+6410\s+1`},
	} {
		content := m.file(filepath.Join(dir, name))
		for _, p := range patterns {
			if !regexp.MustCompile("(?m)^" + p + "$").MatchString(content) {
				m.Errorf("%s: %s lacks %q:\n%s", unit, name, p, content)
			}
		}
	}
}

// drained checks that the worker has ended without an error, and returns the jobs that are still
// queued. No job is running.
func (m *machine) drained(ids []job.ID) (queued []job.ID) {
	m.Helper()
	m.stopped(onnx)
	for _, id := range ids {
		switch j := m.Read(id); j.State {
		case job.Queued:
			queued = append(queued, id)
		case job.Succeeded:
		default:
			m.Errorf("job %s is %s", id, j.State)
		}
	}
	return queued
}

// painted waits for a job's result, and checks that it is a picture.
func (m *machine) painted(id job.ID) job.Job {
	m.Helper()
	j := m.ended(id)
	if j.State != job.Succeeded {
		m.Fatalf("job %s is %s: %+v", id, j.State, j.Error)
	}
	r := m.Ask(http.MethodGet, "/v1/jobs/"+string(id)+"/result", nil)
	if _, err := jpeg.Decode(bytes.NewReader(r.Body)); err != nil {
		m.Errorf("the result of job %s: %s, %v", id, r.Status, err)
	}
	return j
}

// show returns properties of a unit, in the order of names.
func (m *machine) show(unit, names string) string {
	m.Helper()
	var values []string
	for name := range strings.SplitSeq(names, ",") {
		values = append(values, strings.TrimSpace(m.output("systemctl", "show", "--value", "--property="+name, unit)))
	}
	return strings.Join(values, " ")
}

func (m *machine) journal(unit string) string {
	m.Helper()
	return m.output("journalctl", "--no-pager", "--output=cat", "--unit="+unit)
}

func (m *machine) file(path string) string {
	m.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		m.Fatal(err)
	}
	return string(b)
}

func (m *machine) output(name string, args ...string) string {
	m.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		m.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
