package deploy_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const unit = "atelier-worker@.service"

// The unit gives the worker no unnecessary privileges, according to systemd-analyze.
func TestHardening(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze: sudo apt-get install systemd")
	}
	// As on an instance of the template, without the files that it refers to.
	b, err := os.ReadFile(filepath.Join("ec2", unit))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "atelier-worker@tensorflow.service")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--threshold=20", "--no-pager", path).CombinedOutput() //nolint:gosec // from the PATH
	t.Logf("%s", out)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && strings.Contains(string(out), "Overall exposure") {
		t.Error("the unit's exposure is over 2.0")
	} else if err != nil {
		t.Fatal(err)
	}
}

// Times and names that depend on each other are in several files.
func TestUnit(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("ec2", unit))
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(string(b))
		if m == nil {
			t.Errorf("the unit does not set %s", name)
			return ""
		}
		return m[1]
	}
	main, err := os.ReadFile("../../worker/cmd/worker-daemon/main.go")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`default:"(\w+)" env:"ATELIER_GRACE"`).FindSubmatch(main)
	if m == nil {
		t.Fatal("worker-daemon has no ATELIER_GRACE")
	}
	grace, err := time.ParseDuration(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	const away = 15 * time.Second // time beyond its grace that a process may take for calls to an unavailable file server
	seconds, err := strconv.Atoi(set("TimeoutStopSec"))
	stop := time.Duration(seconds) * time.Second
	if err != nil || stop < grace+away {
		t.Errorf("systemd kills the worker %v after SIGTERM (%v); it may take %v", stop, err, grace+away)
	}
	tmpl := readTemplate(t)
	hook := list(tmpl.resources["Group"].at("LifecycleHookSpecificationList"))[0].(map[string]any)
	if wait := number(t, hook["HeartbeatTimeout"]); time.Duration(wait)*time.Second < stop+10*time.Second {
		t.Errorf("EC2 ends an instance %d s after the notice; the worker may take %v", wait, stop)
	}
	for name, want := range map[string]string{"Type": "notify", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ReadWritePaths": "/mnt/atelier", "KillMode": "mixed", "User": "atelier", "Restart": "on-failure"} {
		if got := set(name); got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	user, err := os.ReadFile("ec2/atelier.sysusers")
	if err != nil {
		t.Fatal(err)
	}
	for name, ap := range tmpl.of("AWS::EFS::AccessPoint") {
		if uid := fmt.Sprint(ap.at("PosixUser", "Uid")); !strings.HasPrefix(string(user), "u atelier "+uid+" ") {
			t.Errorf("%s maps users to %s, but on instances the user is %s", name, uid, user)
		}
	}
}

// An instance's user data is a valid bash script, and the files that it uses are in the archive.
func TestUserData(t *testing.T) {
	t.Parallel()
	script := text(readTemplate(t).resources["LaunchTemplate"].at("LaunchTemplateData", "UserData", "Fn::Base64"))
	cmd := exec.CommandContext(t.Context(), "bash", "-n")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(script, "#!/bin/bash\n") {
		t.Errorf("%v\n%s", err, out)
	}
	build, err := os.ReadFile("build")
	if err != nil {
		t.Fatal(err)
	}
	// There is no login, and nothing else sends the log anywhere.
	if !strings.Contains(script, "StandardOutput=journal+console") {
		t.Error("the worker's log can't be read from outside the instance")
	}
	for _, m := range regexp.MustCompile(`/opt/atelier/([a-z]+/)`).FindAllStringSubmatch(script, -1) {
		if !strings.Contains(string(build), `put "$1" "`+m[1]) {
			t.Errorf("%s is not in the archive", m[0])
		}
	}
	for _, name := range regexp.MustCompile(`atelier-[a-z]+(@\$\{Engine\})?'? `).FindAllString(script[strings.LastIndex(script, "systemctl enable"):]+" ", -1) {
		file := strings.NewReplacer("${Engine}", "", "'", "", " ", "").Replace(name) + ".service"
		if _, err := os.Stat(filepath.Join("ec2", file)); err != nil {
			t.Error(err)
		}
	}
}
