package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var commands = []string{"up", "status", "verify", "logs", "redrive", "down"}

// run runs a command where AWS is a program that fails as the AWS command line does.
func run(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	bin := t.TempDir()
	const fails = "#!/bin/sh\ncase \"$*\" in 'configure get region') exit 1 ;; esac\necho 'Unable to locate credentials' >&2\nexit 253\n"
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte(fails), 0o700); err != nil {
		t.Fatal(err)
	}
	var out, log strings.Builder
	cmd := exec.CommandContext(t.Context(), "./"+name, args...)
	cmd.Env = []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	cmd.Stdout, cmd.Stderr = &out, &log
	err = cmd.Run()
	return out.String(), log.String(), err
}

func TestCommandsHelp(t *testing.T) {
	for _, name := range commands {
		out, log, err := run(t, name, "--help")
		if err != nil || log != "" || !strings.HasPrefix(out, "usage: scripts/deploy/"+name) || !strings.Contains(out, "--stack NAME") {
			t.Errorf("%s: %v: %s%s", name, err, log, out)
		}
		if strings.Count(out, "\n") > 40 {
			t.Errorf("%s: the help has %d lines", name, strings.Count(out, "\n"))
		}
	}
}

// What is wrong is said in one sentence, with what to do, before anything is done.
func TestCommandsRefuse(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("k\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line, want string
	}{
		{"up --mode lambda", "serverless, ec2 or both"},
		{"up --engine", "--engine needs a value"},
		{"up --engine jax", "onnx or tensorflow"},
		{"up --set alarm=x", "NAME=VALUE"},
		{"up --set", "NAME=VALUE"},
		{"up --template none", "there is no file none"},
		{"up --stack A_b --region x", "small letters"},
		{"up --stack " + strings.Repeat("a", 25) + " --region x", "at most 24"},
		{"up", "no region is set"},
		{"up --region us-east-1 --yes", "AWS does not accept the credentials: run aws configure or aws sso login"},
		{"status --region us-east-1", "AWS does not accept the credentials"},
		{"status --verbose", "unknown argument --verbose"},
		{"logs nothing", "unknown argument nothing"},
		{"logs --since soon", "a number of minutes"},
		{`logs --job a"b`, "quotes"},
		{"logs --region us-east-1", "AWS does not accept the credentials"},
		{"verify", "--key-file FILE"},
		{"verify --key-file none", "--key-file FILE"},
		{"verify --key-file " + key + " --wait long", "a number of seconds"},
		{"verify --key-file " + key + " --region us-east-1", "AWS does not accept the credentials"},
		{"redrive", "--key-file FILE"},
		{"redrive --dead-letters --region us-east-1", "AWS does not accept the credentials"},
		{"down --all", "unknown argument --all"},
		{"down --data --region us-east-1", "AWS does not accept the credentials"},
	} {
		words := strings.Fields(c.line)
		out, log, err := run(t, words[0], words[1:]...)
		if err == nil || out != "" || !strings.Contains(log, c.want) || strings.Count(log, "\n") != 1 {
			t.Errorf("%s: %v: %s%s, want %q", c.line, err, log, out, c.want)
		}
	}
}
