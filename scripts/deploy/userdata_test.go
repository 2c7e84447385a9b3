package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// userData returns the script of an instance, with values in place of the template's references.
// replacements are pairs as in strings.NewReplacer.
func userData(t *testing.T, replacements ...string) string {
	t.Helper()
	script := text(readTemplate(t).resources["LaunchTemplate"].at("LaunchTemplateData", "UserData", "Fn::Base64"))
	script = strings.NewReplacer(replacements...).Replace(script)
	return regexp.MustCompile(`\$\{[\w:]+\}`).ReplaceAllString(script, "us-east-1")
}

// An instance whose user data fails at its very first step shuts down soon after, and the group
// replaces it. Nothing cancels the shutdown.
func TestUserDataFails(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	calls := filepath.Join(programs, "calls")
	for _, name := range []string{"systemd-run", "systemctl", "dnf", "mkdir", "mount"} {
		script := "#!/bin/sh\necho \"" + name + " $*\" >>'" + calls + "'\n"
		if name == "dnf" {
			script += "echo 'no such package' >&2; exit 1\n"
		}
		if err := os.WriteFile(filepath.Join(programs, name), []byte(script), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash")
	cmd.Stdin, cmd.Env = strings.NewReader(userData(t)), append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the user data did not fail:\n%s", out)
	}
	if !strings.Contains(string(out), "no such package") {
		t.Errorf("the reason is not in the output, which goes to the console:\n%s", out)
	}
	got, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	want := "systemd-run --unit=atelier-start-limit --on-active=15min systemctl poweroff\ndnf install -y amazon-efs-utils\n"
	if string(got) != want {
		t.Errorf("it called\n%swant\n%s", got, want)
	}
}
