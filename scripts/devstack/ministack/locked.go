package ministack

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A Locked MiniStack accepts only requests signed with its secret, and from functions only what
// their roles' policies allow; see guard.py. Otherwise it would serve any page in a browser on the
// same machine, and with Lambda run any given program.
type Locked struct {
	Endpoint string
	secret   string
	port     int
}

// keyID is the access key of the account's root.
const keyID = "test"

// Lock makes a secret for a MiniStack on a port.
func Lock(port int) Locked { return Locked{Endpoint(port), rand.Text(), port} }

// The services that the local stack uses, and those that the CloudFormation template uses in
// addition.
const (
	services           = "sqs,s3,lambda,apigateway,iam,logs,sts,ssm"
	servicesOfTemplate = services + ",cloudformation,ec2,elasticfilesystem,events,scheduler,autoscaling,cloudfront,monitoring,sns"
)

var (
	//go:embed wake.py
	wake string
	//go:embed guard.py
	guard string
	//go:embed cloudformation.py
	cloudFormation string
	//go:embed main.py
	start string
)

// Command returns the process to start. program is MiniStack's executable in a Python virtual
// environment (scripts/env prints it as ATELIER_MINISTACK), whose interpreter runs main.py. It
// listens only on loopback and has its state in memory.
func (l Locked) Command(program string) *exec.Cmd {
	return l.command(program, services, "")
}

// CommandForTemplate is Command with CloudFormation and the services that the template of
// scripts/deploy uses. The project's own variables are removed from MiniStack's environment, which
// functions inherit, so that they only have what the template sets.
func (l Locked) CommandForTemplate(program string) *exec.Cmd {
	cmd := l.command(program, servicesOfTemplate, cloudFormation)
	cmd.Env = slices.DeleteFunc(cmd.Env, func(kv string) bool { return strings.HasPrefix(kv, "ATELIER_") })
	return cmd
}

func (l Locked) command(program, services, more string) *exec.Cmd {
	// The program itself is not run; its path identifies the process in process lists.
	cmd := exec.Command(filepath.Join(filepath.Dir(program), "python"), "-", program)
	cmd.Stdin = strings.NewReader(wake + guard + more + start)
	cmd.Env = append(Clean(os.Environ()),
		"BIND_HOST=127.0.0.1", // by default it listens on every address
		"GATEWAY_PORT="+strconv.Itoa(l.port),
		"SERVICES="+services, "IOT_MTLS_ENABLED=0",
		"LOG_LEVEL=WARNING",
		"AUTH=true", "AWS_ACCESS_KEY_ID="+keyID, "AWS_SECRET_ACCESS_KEY="+l.secret,
	)
	return cmd
}

// internal returns the URL of one of MiniStack's own paths, below a prefix that only the stack can
// compute; guard.py checks it.
func (l Locked) internal(path string) string {
	return fmt.Sprintf("%s/%x%s", l.Endpoint, sha256.Sum256([]byte("internal "+l.secret)), path)
}

// Health returns the URL that responds with 200 when MiniStack is ready.
func (l Locked) Health() string { return l.internal("/_ministack/health") }

// HTTPAPI returns the URL of an HTTP API's default stage, for a proxy that passes requests on to
// it.
func (l Locked) HTTPAPI(id string) string { return l.internal("/_aws/execute-api/" + id + "/$default") }

// Environ returns the environment for programs; see the function [Environ].
func (l Locked) Environ() []string {
	return append(Environ(l.Endpoint), "AWS_SECRET_ACCESS_KEY="+l.secret)
}

// Config returns the SDK's configuration; see the function [Config].
func (l Locked) Config(ctx context.Context) (aws.Config, error) {
	cfg, err := Config(ctx, l.Endpoint)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(keyID, l.secret, "")
	return cfg, err
}

// WriteEnv writes the variables with which the AWS SDKs and command line reach the MiniStack, as
// lines for a shell, in a file that only this user can read.
func (l Locked) WriteEnv(path string) error {
	env := fmt.Sprintf("AWS_ENDPOINT_URL=%s\nAWS_REGION=%s\nAWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", l.Endpoint, Region, keyID, l.secret)
	return os.WriteFile(path, []byte(env), 0o600)
}

// ReadEnv reads a file of WriteEnv. Its Command must not be used.
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
