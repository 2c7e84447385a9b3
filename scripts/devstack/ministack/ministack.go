// Package ministack runs MiniStack, an emulator of AWS in one local process, for the demo and for
// tests. Programs reach it like AWS, over HTTP, at another endpoint.
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

// FreePort returns a loopback TCP port that is free now. Another process may use it before the
// caller does, which is rare.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// Endpoint returns the URL of a MiniStack on a port.
func Endpoint(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// Environ returns the environment for programs that use only the endpoint, without the credentials
// of the user or the instance. A MiniStack needs a different secret: see [Locked.Environ].
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

// Clean returns an environment without AWS settings.
func Clean(env []string) []string {
	var kept []string
	for _, kv := range env {
		if !strings.HasPrefix(kv, "AWS_") {
			kept = append(kept, kv)
		}
	}
	return kept
}

// Config returns the SDK's configuration for an endpoint, as a program started with [Environ] would
// load it.
func Config(ctx context.Context, endpoint string) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx,
		config.WithRegion(Region), config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")),
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
	)
}

// WaitReady waits until url responds with 200, or ctx ends.
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
			_ = resp.Body.Close() // only the status matters
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
