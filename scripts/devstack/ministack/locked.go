package ministack

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A Locked MiniStack serves only who signs with its secret, and functions as far
// as their role's policies go. One that is not locked answers any page in a
// browser on the same machine, and with Lambda it runs what it is given.
type Locked struct {
	Endpoint string
	secret   string
	port     int
}

// keyID is of the account's root, whatever it is called.
const keyID = "test"

// Lock makes a secret for a MiniStack on a port.
func Lock(port int) Locked { return Locked{Endpoint(port), rand.Text(), port} }

// Command is the process to start; see the function [Command].
func (l Locked) Command(program string) *exec.Cmd {
	cmd := Command(program, l.port)
	cmd.Env = append(cmd.Env, "AUTH=true", "AWS_ACCESS_KEY_ID="+keyID, "AWS_SECRET_ACCESS_KEY="+l.secret)
	return cmd
}

// Environ is for programs; see the function [Environ].
func (l Locked) Environ() []string {
	return append(Environ(l.Endpoint), "AWS_SECRET_ACCESS_KEY="+l.secret)
}

// Config is the SDK's; see the function [Config].
func (l Locked) Config(ctx context.Context) (aws.Config, error) {
	cfg, err := Config(ctx, l.Endpoint)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(keyID, l.secret, "")
	return cfg, err
}

// WriteEnv writes, for this user alone, what the AWS SDKs and command line need
// to reach the MiniStack, as lines for a shell.
func (l Locked) WriteEnv(path string) error {
	env := fmt.Sprintf("AWS_ENDPOINT_URL=%s\nAWS_REGION=%s\nAWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", l.Endpoint, Region, keyID, l.secret)
	return os.WriteFile(path, []byte(env), 0o600)
}

// ReadEnv reads what WriteEnv has written. Its Command is not to be used.
func ReadEnv(path string) (Locked, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Locked{}, err
	}
	var l Locked
	for line := range strings.Lines(string(b)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "AWS_ENDPOINT_URL":
			l.Endpoint = value
		case "AWS_SECRET_ACCESS_KEY":
			l.secret = value
		}
	}
	return l, nil
}
