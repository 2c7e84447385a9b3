package deploy_test

import (
	"bytes"
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

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/apitest"
	"github.com/atelier-go/atelier/scripts/devstack/metadatatest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
	"github.com/atelier-go/atelier/scripts/nfstest"
)

// uid is the user id of the unit, as in atelier.sysusers.
const uid = 6410

// newMachine installs the archive. It returns nil outside of the machine, after the test has run
// there.
func newMachine(t *testing.T) *machine {
	t.Helper()
	if _, inside := nfstest.Inside(); !inside {
		nfstest.Command(t, "--systemd") // skips the test before anything is built
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
	m := &machine{deployment: &deployment{Client: apitest.Client{T: t}, root: t, archives: os.Getenv(archivesVariable)}}
	name := lab.Folder(t)
	for from, to := range map[string]string{lab.B: "/mnt/atelier", lab.A: "/mnt/api"} {
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		m.output("mount", "--bind", filepath.Join(from, name), to)
	}
	if err := os.Chown("/mnt/atelier", uid, uid); err != nil { // like an EFS access point
		t.Fatal(err)
	}
	m.install()
	m.serve()
	return m
}

// prepare builds the programs for the machine, unless they exist.
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

// serverVariable names the path of api-server for the machine.
const serverVariable = "ATELIER_TEST_API_SERVER"

// folders returns the folders that the machine needs besides /usr: the source, the built files, and
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

// install runs the guide's commands before the one that starts the worker.
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

// serve starts the services that the worker uses, and configures them in worker.env.
func (m *machine) serve() {
	m.Helper()
	locked, cfg := ministacktest.Start(m.T)
	q, err := queue.Create(m.Context(), cfg, "atelier")
	if err != nil {
		m.Fatal(err)
	}
	m.queue = q.URL()
	var url string
	url, m.announce = metadatatest.Start(m.T)

	const env = "/etc/atelier/worker.env"
	settings := regexp.MustCompile(`(?m)^ATELIER_QUEUE=.*`).ReplaceAllString(m.file(env), "ATELIER_QUEUE="+m.queue)
	settings = regexp.MustCompile(`(?m)^ATELIER_BUCKET=.*`).ReplaceAllString(settings, "") // nothing is copied to S3
	settings = strings.Replace(settings, "#ATELIER_INSTANCE_NOTICES", "ATELIER_INSTANCE_NOTICES", 1)
	for _, kv := range locked.Environ() {
		if strings.HasPrefix(kv, "AWS_") {
			m.settings += kv + "\n"
		}
	}
	m.settings += "AWS_EC2_METADATA_DISABLED=false\nAWS_EC2_METADATA_SERVICE_ENDPOINT=" + url + "\n"
	if err := os.WriteFile(env, []byte(settings+m.settings), 0o600); err != nil {
		m.Fatal(err)
	}

	port, err := ministack.FreePort()
	if err != nil {
		m.Fatal(err)
	}
	m.Base = ministack.Endpoint(port)
	program := "/opt/api-server"
	m.output("cp", os.Getenv(serverVariable), program) // a folder from which every user may run it
	var out bytes.Buffer
	server := exec.Command(program, "--dir", "/mnt/api", "--queue", m.queue, "--listen", "127.0.0.1:"+strconv.Itoa(port))
	server.Env, server.Dir = locked.Environ(), "/"
	server.Stdout, server.Stderr = &out, &out
	server.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if err := server.Start(); err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() {
		_ = server.Process.Kill() // fails only if it has died
		_ = server.Wait()
		if m.Failed() {
			m.Logf("the API's log:\n%s", out.Bytes())
			journal, _ := exec.Command("journalctl", "--no-pager", "--output=short-precise", "--lines=100").CombinedOutput()
			m.Logf("the journal:\n%s", journal)
		}
	})
	if err := ministack.WaitReady(m.Context(), m.Base+"/readyz"); err != nil {
		m.Fatal(err)
	}
}
