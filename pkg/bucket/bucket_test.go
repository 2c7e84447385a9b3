package bucket_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/bucket/buckettest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

func TestConformanceOfMiniStack(t *testing.T) {
	t.Parallel()
	cfg, err := ministacktest.StartLocked(t).Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := bucket.Create(t.Context(), cfg, "atelier")
	if err != nil {
		t.Fatal(err)
	}
	buckettest.Run(t, backend(t, cfg, b))
}

// With AWS_ENDPOINT_URL set, it tests any other service with S3's protocol.
func TestConformanceOfAWS(t *testing.T) {
	t.Parallel()
	name := os.Getenv("ATELIER_TEST_S3")
	if name == "" {
		t.Skip("costs money: set ATELIER_TEST_S3 to a bucket on AWS, in which objects below buckettest/ are created and removed")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	buckettest.Run(t, backend(t, cfg, bucket.New(cfg, name)))
}

func backend(t *testing.T, cfg aws.Config, b *bucket.Bucket) buckettest.Backend {
	t.Helper()
	stranger := cfg.Copy()
	stranger.Credentials = credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", rand.Text(), "")
	return buckettest.Backend{
		Bucket: b, Stranger: bucket.New(stranger, b.Name()), Missing: bucket.New(cfg, b.Name()+"-never-made"),
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	cfg, err := ministacktest.StartLocked(t).Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const origin = "http://127.0.0.1:8080"
	b, err := bucket.Create(t.Context(), cfg, "atelier", origin)
	if err == nil {
		_, err = bucket.Create(t.Context(), cfg, "atelier", origin) // creating it again is no error
	}
	if err == nil {
		err = b.Check(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "x", bytes.NewReader([]byte("x")), bucket.Put{}); err != nil {
		t.Fatal(err)
	}
	link, err := b.Link(t.Context(), "x", bucket.Link{For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]bool{origin: true, "http://evil.example": false} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", from)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); (got == from) != want || got == "*" {
			t.Errorf("pages of %s: %s, allowed origin %q", from, resp.Status, got)
		}
		put, err := b.PutLink(t.Context(), "y", 5, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for headers, allowed := range map[string]bool{"content-type,if-none-match": true, "x-amz-copy-source": false} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, put.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header = http.Header{"Origin": {from}, "Access-Control-Request-Method": {"PUT"}, "Access-Control-Request-Headers": {headers}}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := resp.Header.Get("Access-Control-Allow-Origin"); (got == from) != (want && allowed) || got == "*" {
				t.Errorf("pages of %s put with %s: %s, allowed origin %q", from, headers, resp.Status, got)
			}
		}
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // connections are never answered
	cfg, err := ministack.Config(t.Context(), "http://"+l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b := bucket.New(cfg, "atelier")
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Head(late, "x"); !errors.Is(err, bucket.ErrUnavailable) {
		t.Errorf("no response: got %v, want ErrUnavailable", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Head(gone, "x"); !errors.Is(err, context.Canceled) || errors.Is(err, bucket.ErrUnavailable) {
		t.Errorf("canceled: got %v", err)
	}
	l.Close()
	if err := b.Check(t.Context()); !errors.Is(err, bucket.ErrUnavailable) {
		t.Errorf("connection refused: got %v, want ErrUnavailable", err)
	}
}
