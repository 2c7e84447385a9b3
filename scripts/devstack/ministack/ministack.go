// Package ministack runs MiniStack, a stand-in for AWS in one local process,
// for the demo and for tests. Programs reach it as they reach AWS, over HTTP,
// at another endpoint.
package ministack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

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

// Environ is the environment for programs that are to use the endpoint and nothing
// else: neither the user's AWS account nor the instance's. A MiniStack wants another
// secret than this one: see [Locked.Environ].
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

// Config is the SDK's configuration for an endpoint, as a program started with
// [Environ] would load it.
func Config(ctx context.Context, endpoint string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx,
		config.WithRegion(Region), config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")),
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
	)
}

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
