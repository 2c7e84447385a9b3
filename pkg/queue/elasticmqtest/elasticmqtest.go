// Package elasticmqtest gives tests an ElasticMQ of their own: a second
// stand-in for SQS, stricter than MiniStack, so that the queue's tests don't
// hold by one emulator's habits.
package elasticmqtest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Start runs an ElasticMQ for the length of a test, on loopback only, and
// answers the SDK's configuration for it. The test is skipped with -short and
// where ElasticMQ or Java is not installed; in CI that is a failure.
func Start(t testing.TB) aws.Config {
	t.Helper()
	if testing.Short() {
		t.Skip("needs ElasticMQ: left out with -short")
	}
	java, err := exec.LookPath("java")
	if err != nil {
		missing(t, "there is no Java, which runs ElasticMQ: install one (apt-get install default-jre-headless, dnf install java-headless or brew install openjdk), then run scripts/setup --tests")
	}
	jars := os.Getenv("ATELIER_ELASTICMQ")
	if jars == "" {
		missing(t, `ElasticMQ is not installed: run scripts/setup --tests, then eval "$(scripts/env)"`)
	}
	endpoint := "http://" + start(t, java, jars)
	cfg, err := config.LoadDefaultConfig(t.Context(),
		config.WithRegion("elasticmq"), config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")),
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// start answers the address on which ElasticMQ listens.
func start(t testing.TB, java, jars string) string {
	t.Helper()
	cmd := exec.Command(java,
		// It runs for seconds: a quick start counts more than fast code.
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m",
		"-Drest-sqs.bind-hostname=127.0.0.1", "-Drest-sqs.bind-port=0", // any free port, which it logs
		"-Drest-stats.enabled=false",
		"-cp", filepath.Join(jars, "*"), "org.elasticmq.server.Main")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatalf("start ElasticMQ: %v", err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		follow(io.TeeReader(out, &log), address)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // gone already if it died
		<-ended
		_ = cmd.Wait() // "exit status 143"
		if t.Failed() {
			t.Logf("ElasticMQ's log:\n%s", log.Bytes())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case at := <-address:
		return at
	case <-ended:
		t.Fatal("ElasticMQ ended before it listened")
	case <-ctx.Done():
		t.Fatalf("ElasticMQ did not start: %v", context.Cause(ctx))
	}
	return ""
}

var listening = regexp.MustCompile(`bind address (127\.0\.0\.1:\d+)`)

// follow reads ElasticMQ's log to its end, for the address on which it listens.
func follow(log io.Reader, address chan<- string) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil && !strings.HasSuffix(m[1], ":0") {
			address <- m[1]
		}
	}
	_, _ = io.Copy(io.Discard, log) // after a line too long to scan; a full pipe would stop it
}
