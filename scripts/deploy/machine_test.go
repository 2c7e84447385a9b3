package deploy_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/metadatatest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
	"github.com/atelier-go/atelier/scripts/nfstest"
)

// uid is the user's of the unit, as in atelier.sysusers.
const uid = 6410

// A machine is one with systemd, where the archive has been installed by its guide. The
// queue, the API and the metadata service are processes in it; the shared directory is mounted
// by NFS, and the API uses another client than the worker.
type machine struct {
	*deployment // as far as it is the API
	announce    func(path, notice string)
	enable      string // the guide's command that starts the worker
}

// The EC2 archive, installed as its guide describes, runs under systemd: the unit starts with
// each engine, and drains when its instance is about to end.
func TestMachine(t *testing.T) {
	m := newMachine(t)
	if m == nil {
		return
	}
	on := func(name string, f func(m *machine)) {
		if !t.Failed() {
			t.Run(name, func(t *testing.T) {
				began := time.Now()
				d := &deployment{T: t, root: t, api: m.api}
				f(&machine{d, m.announce, m.enable})
				t.Logf("%.1f s", time.Since(began).Seconds())
			})
		}
	}
	on("starts with ONNX Runtime", (*machine).testOnnx)
	on("drains", (*machine).testDrain)
	on("a decoder has no memory", (*machine).testMemory)
	on("starts with TensorFlow", (*machine).testTensorFlow)
}

const (
	onnx       = "atelier-worker@onnx"
	tensorFlow = "atelier-worker@tensorflow"
)

func (m *machine) testOnnx() {
	m.start(onnx)
	if j := m.painted(m.submit(m.large())); !strings.Contains(strings.ToLower(j.Receipt.Engine), "onnx") {
		m.Errorf("it was painted by %s", j.Receipt.Engine)
	}
	m.hardened(onnx)
}

// The unit ends by itself, in order, and is not started again. What it has given back is painted
// by the next instance, or the one after it if that one is stopped as well.
func (m *machine) testDrain() {
	var ids []job.ID
	for range 10 { // more than is painted until the worker asks for notices
		ids = append(ids, m.submit(m.large(), "size", "1600"))
	}
	m.waitFor("the first job's begin", func() bool { return m.read(ids[0]).State != job.Queued })
	m.announce("spot/instance-action", `{"action":"terminate","time":"2026-11-29T18:00:00Z"}`)
	m.waitFor("the unit's end", func() bool { return m.show(onnx, "ActiveState") != "active" && m.show(onnx, "ActiveState") != "deactivating" })
	left := m.drained(ids)
	for _, want := range []string{"EC2 ends this instance", "given back", "Deactivated successfully"} {
		if log := m.journal(onnx); !strings.Contains(log, want) {
			m.Errorf("the journal lacks %q:\n%s", want, log)
		}
	}
	if len(left) == 0 {
		m.Fatal("all jobs were painted before the unit ended")
	}
	m.announce("", "")

	m.output("systemctl", "start", onnx)
	m.waitFor("the next job's begin", func() bool { return m.read(left[0]).State != job.Queued })
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

// Where memory ends, the decoders go and the worker remains.
func (m *machine) testMemory() {
	pid := m.show(onnx, "MainPID")
	group := filepath.Join("/sys/fs/cgroup", m.show(onnx, "ControlGroup"))
	decoders := strings.Fields(m.output("pgrep", "--parent", pid, "picture-decode"))
	if len(decoders) == 0 {
		m.Fatal("no decoder runs")
	}
	// A limit below what can't be written back, by a part of what a decoder has.
	used := 0
	for _, f := range regexp.MustCompile(`(?m)^(anon|kernel|shmem) (\d+)$`).FindAllStringSubmatch(m.file(filepath.Join(group, "memory.stat")), -1) {
		n, err := strconv.Atoi(f[2])
		if err != nil {
			m.Fatal(err)
		}
		used += n
	}
	m.output("systemctl", "set-property", "--runtime", onnx, "MemoryMax="+strconv.Itoa(used-2<<20))
	m.waitFor("the decoder's end", func() bool {
		return !strings.Contains(m.file(filepath.Join(group, "memory.events")), "\noom_kill 0\n")
	})
	m.output("systemctl", "set-property", "--runtime", onnx, "MemoryMax=infinity")
	m.waitFor("systemd's notice", func() bool { return strings.Contains(m.journal(onnx), "killed by the OOM killer") })
	m.painted(m.submit(m.large()))
	m.Logf("of %d decoders: %s", len(decoders), m.file(filepath.Join(group, "memory.events")))
	if got := m.show(onnx, "ActiveState,SubState,MainPID,NRestarts"); got != "active running "+pid+" 0" {
		m.Errorf("after a decoder's end the unit is %s, want the process %s", got, pid)
	}
	m.output("systemctl", "stop", onnx)
}

func (m *machine) testTensorFlow() {
	m.start(tensorFlow)
	if j := m.painted(m.submit(m.large())); !strings.Contains(strings.ToLower(j.Receipt.Engine), "tensorflow") {
		m.Errorf("it was painted by %s", j.Receipt.Engine)
	}
	m.hardened(tensorFlow)
	m.output("systemctl", "stop", tensorFlow)
	m.stopped(tensorFlow)
}

// newMachine installs the archive; nil where the test has been run in a machine.
func newMachine(t *testing.T) *machine {
	t.Helper()
	if _, inside := nfstest.Inside(); !inside {
		nfstest.Command(t) // or the test is skipped before all is built
		mayBuild(t)
		prepare(t)
	}
	options := []string{"--systemd", "--memory", "3000"}
	for _, folder := range folders(t) {
		options = append(options, "--folder", folder)
	}
	lab, inside := nfstest.Enter(t, 10*time.Minute, options...)
	if !inside {
		return nil
	}
	m := &machine{deployment: &deployment{T: t, root: t, archives: os.Getenv(archivesVariable)}}
	name := lab.Folder(t)
	for from, to := range map[string]string{lab.B: "/mnt/atelier", lab.A: "/mnt/api"} {
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		m.output("mount", "--bind", filepath.Join(from, name), to)
	}
	if err := os.Chown("/mnt/atelier", uid, uid); err != nil { // as EFS does by its access point
		t.Fatal(err)
	}
	m.install()
	m.serve()
	return m
}

// prepare builds what the machine needs, unless it is there already.
func prepare(t *testing.T) {
	t.Helper()
	dir := os.Getenv(archivesVariable)
	if dir == "" {
		dir = t.TempDir()
		build(t, "../..", dir, nil, "atelier-ec2.tar.gz")
		t.Setenv(archivesVariable, dir)
	}
	program := filepath.Join(t.TempDir(), "api-server")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../api/cmd/api-server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv(serverVariable, program)
}

// serverVariable names the file of api-server for the machine.
const serverVariable = "ATELIER_TEST_API_SERVER"

// folders are those that the machine needs besides /usr: the source, what is built, and
// MiniStack with its Python.
func folders(t *testing.T) []string {
	t.Helper()
	program := os.Getenv("ATELIER_MINISTACK")
	if program == "" {
		return nil // ministacktest skips the test
	}
	python, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(program), "python"))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{
		os.Getenv("ATELIER_ROOT"), os.Getenv(archivesVariable), filepath.Dir(os.Getenv(serverVariable)),
		filepath.Dir(filepath.Dir(program)), filepath.Dir(filepath.Dir(python)),
	}
	return slices.DeleteFunc(all, func(dir string) bool { return dir == "" || dir == "/usr" })
}

// install runs the guide's commands up to the one that starts the worker.
func (m *machine) install() {
	m.Helper()
	guide := m.file("ec2/INSTALL.md")
	var commands []string
	for _, line := range regexp.MustCompile(`(?m)^    (.*)$`).FindAllStringSubmatch(guide, -1) {
		commands = append(commands, line[1])
	}
	last := len(commands) - 1
	if last < 0 || !strings.HasPrefix(commands[last], "systemctl enable --now "+tensorFlow) {
		m.Fatalf("the guide's last command does not start the worker: %q", commands)
	}
	m.enable = commands[last]
	cmd := exec.CommandContext(m.Context(), "bash", "-euxc", strings.Join(commands[:last], "\n")) //nolint:gosec // the guide's
	cmd.Dir = m.archives
	if out, err := cmd.CombinedOutput(); err != nil {
		m.Fatalf("the guide's commands: %v\n%s", err, out)
	}
}

// serve starts what the worker uses, and sets it in worker.env.
func (m *machine) serve() {
	m.Helper()
	locked, cfg := ministacktest.Start(m.T)
	q, err := queue.Create(m.Context(), cfg, "atelier")
	if err != nil {
		m.Fatal(err)
	}
	var url string
	url, m.announce = metadatatest.Start(m.T)

	const env = "/etc/atelier/worker.env"
	settings := regexp.MustCompile(`(?m)^ATELIER_QUEUE=.*`).ReplaceAllString(m.file(env), "ATELIER_QUEUE="+q.URL())
	settings = regexp.MustCompile(`(?m)^ATELIER_BUCKET=.*`).ReplaceAllString(settings, "") // nothing is copied to S3
	settings = strings.Replace(settings, "#ATELIER_INSTANCE_NOTICES", "ATELIER_INSTANCE_NOTICES", 1)
	for _, kv := range locked.Environ() {
		if strings.HasPrefix(kv, "AWS_") {
			settings += kv + "\n"
		}
	}
	settings += "AWS_EC2_METADATA_DISABLED=false\nAWS_EC2_METADATA_SERVICE_ENDPOINT=" + url + "\n"
	if err := os.WriteFile(env, []byte(settings), 0o600); err != nil {
		m.Fatal(err)
	}

	port, err := ministack.FreePort()
	if err != nil {
		m.Fatal(err)
	}
	m.api = ministack.Endpoint(port)
	program := "/opt/api-server"
	m.output("cp", os.Getenv(serverVariable), program) // where every user may run it
	var out bytes.Buffer
	server := exec.Command(program, "--dir", "/mnt/api", "--queue", q.URL(), "--listen", "127.0.0.1:"+strconv.Itoa(port))
	server.Env, server.Dir = locked.Environ(), "/"
	server.Stdout, server.Stderr = &out, &out
	server.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if err := server.Start(); err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() {
		_ = server.Process.Kill() // it may have died
		_ = server.Wait()
		if m.Failed() {
			m.Logf("the API's log:\n%s", out.Bytes())
			journal, _ := exec.Command("journalctl", "--no-pager", "--output=short-precise", "--lines=100").CombinedOutput()
			m.Logf("the journal:\n%s", journal)
		}
	})
	if err := ministack.WaitReady(m.Context(), m.api+"/readyz"); err != nil {
		m.Fatal(err)
	}
}

// start runs the guide's command for an engine, and checks that systemd has begun the unit.
func (m *machine) start(unit string) {
	m.Helper()
	command := strings.Replace(m.enable, tensorFlow, unit, 1)
	began := time.Now()
	m.output("bash", "-c", command)
	m.Logf("%s took %.1f s", command, time.Since(began).Seconds())
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

// stopped checks that the unit has ended in order and stays so.
func (m *machine) stopped(unit string) {
	m.Helper()
	if got := m.show(unit, "ActiveState,SubState,Result,ExecMainStatus,NRestarts"); got != "inactive dead success 0 0" {
		m.Errorf("%s is %s", unit, got)
	}
}

// hardened checks the worker's process for what the kernel does of the unit's directives.
func (m *machine) hardened(unit string) {
	m.Helper()
	status := m.file("/proc/" + m.show(unit, "MainPID") + "/status")
	for _, want := range []string{"Uid:\t6410\t6410\t6410\t6410", "NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"} {
		if !strings.Contains(status, want+"\n") {
			m.Errorf("%s lacks %q:\n%s", unit, want, status)
		}
	}
}

// drained checks that the worker has ended in order, and returns the jobs that are to be
// painted still. None is running.
func (m *machine) drained(ids []job.ID) (queued []job.ID) {
	m.Helper()
	m.stopped(onnx)
	for _, id := range ids {
		switch j := m.read(id); j.State {
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
	r := m.ask(http.MethodGet, "/v1/jobs/"+string(id)+"/result", nil)
	if _, err := jpeg.Decode(bytes.NewReader(r.body)); err != nil {
		m.Errorf("the result of job %s: %s, %v", id, r.Status, err)
	}
	return j
}

// large is a photograph of 1600 x 1200.
func (m *machine) large() []byte {
	m.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, 1600, 1200), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i / 10000)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		m.Fatal(err)
	}
	return b.Bytes()
}

// show are properties of a unit, in the order in which they are named.
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
