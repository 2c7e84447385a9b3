package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var commands = []string{"up", "status", "verify", "logs", "redrive", "down"}

// run runs a command with an aws program that fails like the AWS command line without credentials.
func run(t *testing.T, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return runWith(t, "case $* in 'configure get region') exit 1 ;; esac\necho 'Unable to locate credentials' >&2\nexit 253\n", name, args...)
}

// runWith runs a command with a shell script in place of the AWS command line.
func runWith(t *testing.T, aws, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return runInput(t, "", aws, name, args...)
}

// runInput is like runWith, with standard input.
func runInput(t *testing.T, input, aws, name string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte("#!/bin/sh\n"+aws), 0o700); err != nil {
		t.Fatal(err)
	}
	var out, log strings.Builder
	cmd := exec.CommandContext(t.Context(), "./"+name, args...)
	cmd.Env = []string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &log
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

// Wrong arguments are reported in one sentence, with what to do, before anything is changed.
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
		{"up --stack A_b --region x", "lower-case letters"},
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

// answering returns an aws script with a stack, as describe-stacks reports it, and further cases.
func answering(stack, more string) string {
	return `case "$*" in
'sts get-caller-identity'*) echo 123456789012 ;;
'lambda get-account-settings'*) echo 10 ;;
*'Stacks[0].StackStatus'*) ` + stack + ` ;;
` + more + `
*) echo "unexpected: $*" >&2; exit 2 ;;
esac
`
}

const noStack = `echo 'An error occurred (ValidationError): Stack with id atelier does not exist' >&2; exit 254`

// An error of AWS is never taken as absence: neither of the record of an earlier stack's data, nor
// of data to be deleted.
func TestCommandsConcludeNothingFromErrors(t *testing.T) {
	const expired = `echo 'An error occurred (ExpiredToken) when calling the HeadObject operation: The security token is expired' >&2; exit 254`
	const missing = `echo 'An error occurred (404) when calling the HeadObject operation: Not Found' >&2; exit 254`
	for name, tt := range map[string]struct {
		aws, line, input string
		want, never      string
	}{
		"up with the data of an earlier stack": {
			aws:  answering(noStack, "'s3api head-object'*) "+expired+" ;;"),
			line: "up", want: "ExpiredToken", never: "not used",
		},
		"up without": {
			aws:  answering(noStack, "'s3api head-object'*) "+missing+" ;;"),
			line: "up", want: "can't ask for confirmation",
		},
		"down": {
			aws: answering(noStack, `'s3api head-object'*) ;;
's3 cp --only-show-errors s3://'*) echo pictures fs-1 ;;
's3api head-bucket'*) ;;
's3 cp --only-show-errors - '*) cat >/dev/null ;;
'efs describe-file-systems'*) `+expired+` ;;`),
			line: "down --data --yes", input: "atelier\n", want: "ExpiredToken", never: "Nothing is left\n",
		},
		"down of a bucket with versions": {
			aws: answering(noStack, `'s3api head-object'*) ;;
's3 cp --only-show-errors s3://'*) echo pictures fs-1 ;;
's3api head-bucket'*) ;;
's3 cp --only-show-errors - '*) cat >/dev/null ;;
'efs describe-file-systems'*) echo 'An error occurred (FileSystemNotFound)' >&2; exit 254 ;;
's3 rb'*) echo 'BucketNotEmpty' >&2; exit 1 ;;`),
			line: "down --data --yes", input: "atelier\n", want: "press Empty", never: "done",
		},
		"up of a stack that is stuck": {
			aws:  answering("echo UPDATE_ROLLBACK_FAILED", ""),
			line: "up", want: "continue-update-rollback --stack-name atelier --region us-east-1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			words := strings.Fields(tt.line)
			out, log, err := runInput(t, tt.input, tt.aws, words[0], append(words[1:], "--region", "us-east-1")...)
			if err == nil || !strings.Contains(log, tt.want) || tt.never != "" && strings.Contains(log, tt.never) {
				t.Errorf("%v: %s%s\nwant %q and never %q", err, log, out, tt.want, tt.never)
			}
		})
	}
}

// status shows only alarms of the stack that notify, not those that scale.
func TestStatusAlarms(t *testing.T) {
	const values = `*'Outputs['*) printf 'output\tQueueUrl\tq\noutput\tDeadLettersUrl\td\nparameter\tMode\tec2\n' ;;
'sqs get-queue-attributes'*) echo 0 ;;
*"LogicalResourceId=='Alarms'"*) echo arn:aws:sns:us-east-1:123456789012:atelier-Alarms-1 ;;
'cloudwatch describe-alarms'*"contains(AlarmActions,'arn:aws:sns:us-east-1:123456789012:atelier-Alarms-1')"*) ;;
'cloudwatch describe-alarms'*) echo atelier-2-OldestMessage-1 ;;`
	if out, log, err := runWith(t, answering("echo UPDATE_COMPLETE", values), "status", "--region", "us-east-1"); err != nil || !strings.Contains(out, "alarms       none\n") {
		t.Errorf("%v: %s%s", err, log, out)
	}
}

// What instances log is read from their consoles, including terminated ones, whose start may have
// failed.
func TestLogsOfInstances(t *testing.T) {
	const group = `*"LogicalResourceId=='Group'"*) echo atelier-Group-1 ;;
'ec2 describe-instances --filters Name=tag:aws:autoscaling:groupName,Values=atelier-Group-1 '*) printf 'i-1\trunning\ni-2\trunning\ni-3\tterminated\n' ;;
'ec2 get-console-output --latest --instance-id i-1'*) printf 'booted\r\njob a done\r\n' ;;
'ec2 get-console-output --latest --instance-id i-2'*) printf 'job b done\n' ;;
'ec2 get-console-output --instance-id i-3'*) printf 'no such package\n' ;;`
	for job, want := range map[string]string{
		"":      "i-1\tbooted\ni-1\tjob a done\ni-2\tjob b done\ni-3\tno such package\n",
		"job b": "i-2\tjob b done\n",
	} {
		args := []string{"instances", "--region", "us-east-1"}
		if job != "" {
			args = append(args, "--job", job)
		}
		if out, log, err := runWith(t, answering("echo CREATE_COMPLETE", group), "logs", args...); err != nil || out != want {
			t.Errorf("%q: %v: %s%q, want %q", job, err, log, out, want)
		}
	}
}
