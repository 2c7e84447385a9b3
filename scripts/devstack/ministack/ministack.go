// Package ministack runs MiniStack, a stand-in for AWS in one local process,
// for the demo and for tests. Programs reach it as they reach AWS, over HTTP,
// at another endpoint.
package ministack

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// services are what the project uses of it.
const services = "sqs,s3,lambda,apigateway,iam,logs,sts"

// FreePort finds a loopback TCP port that nobody listens on now. Another
// process may take it before it is used, which is rare.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// Endpoint is the address of a MiniStack on a port.
func Endpoint(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

//go:embed wake.py
var wake string

// Command is the process to start: program is MiniStack's executable in a virtual
// environment of Python's (scripts/env prints it as ATELIER_MINISTACK), whose
// interpreter runs it. It listens on loopback only and keeps its state in memory.
func Command(program string, port int) *exec.Cmd {
	// The program is not run: it is there to be known by among the processes.
	cmd := exec.Command(filepath.Join(filepath.Dir(program), "python"), "-", program)
	cmd.Stdin = strings.NewReader(wake)
	cmd.Env = append(Clean(os.Environ()),
		"BIND_HOST=127.0.0.1", // it would listen on every address
		"GATEWAY_PORT="+strconv.Itoa(port),
		"SERVICES="+services,
		"LOG_LEVEL=WARNING",
	)
	return cmd
}

// Environ is the environment for programs that are to use the MiniStack at
// endpoint and nothing else: neither the user's AWS account nor the instance's.
func Environ(endpoint string) []string {
	return append(Clean(os.Environ()),
		"AWS_ENDPOINT_URL="+endpoint, "AWS_REGION="+Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
	)
}

// Region and Account are MiniStack's own.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

// Clean leaves out every AWS setting of an environment.
func Clean(env []string) []string {
	var kept []string
	for _, kv := range env {
		if !strings.HasPrefix(kv, "AWS_") {
			kept = append(kept, kv)
		}
	}
	return kept
}

// Config is the SDK's configuration for the MiniStack at endpoint, as a program
// started with [Environ] would load it.
func Config(ctx context.Context, endpoint string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx,
		config.WithRegion(Region), config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")),
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
	)
}

// Health is where the MiniStack at an endpoint says that it is ready.
func Health(endpoint string) string { return endpoint + "/_ministack/health" }

// WaitReady waits until url answers 200, or ctx ends.
func WaitReady(ctx context.Context, url string) error {
	client := http.Client{Timeout: 5 * time.Second}
	again := time.NewTicker(30 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close() // only the status counts
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w", url, context.Cause(ctx))
		case <-again.C:
		}
	}
}
