package withbucket_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/pkg/wiring/withbucket"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// withoutS3 sends only the requests of SQS.
type withoutS3 struct{}

func (withoutS3) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Amz-Target") == "" {
		return nil, errors.New("no route to host")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestCheck: with Check a wrong name is an error, and an S3 that is unavailable is only logged.
func TestCheck(t *testing.T) {
	locked := ministacktest.StartLocked(t)
	aws, err := locked.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	cfg := withbucket.Config{Bucket: "atelier", Config: wiring.Config{
		Store: store.Config{Dir: t.TempDir()}, Queue: "atelier", AWS: &aws, Check: true, Log: slog.New(slog.NewTextHandler(&logged, nil)),
	}}
	unchecked := cfg
	unchecked.Check = false
	if p, err := withbucket.Open(t.Context(), unchecked); err != nil || p.Gallery == nil || p.Uploads == nil {
		t.Errorf("unchecked: got %+v, %v", p, err)
	}
	if _, err := withbucket.Open(t.Context(), cfg); !errors.Is(err, queue.ErrNoQueue) {
		t.Errorf("a wrong name of the queue: got %v, want ErrNoQueue", err)
	}
	if _, err := queue.Create(t.Context(), aws, "atelier"); err != nil {
		t.Fatal(err)
	}
	if _, err := withbucket.Open(t.Context(), cfg); !errors.Is(err, bucket.ErrNoBucket) {
		t.Errorf("a wrong name of the bucket: got %v, want ErrNoBucket", err)
	}
	if _, err := bucket.Create(t.Context(), aws, "atelier"); err != nil {
		t.Fatal(err)
	}
	if p, err := withbucket.Open(t.Context(), cfg); err != nil || p.Gallery == nil || logged.Len() > 0 {
		t.Errorf("got %+v, %v; logged %s", p, err, logged.Bytes())
	}
	cfg.Bucket = ""
	if p, err := withbucket.Open(t.Context(), cfg); err != nil || p.Gallery != nil || p.Uploads != nil {
		t.Errorf("without a bucket: got %+v, %v", p, err)
	}
	cfg.Bucket, aws.HTTPClient = "atelier", &http.Client{Transport: withoutS3{}}
	if p, err := withbucket.Open(t.Context(), cfg); err != nil || p.Gallery == nil || !strings.Contains(logged.String(), "the bucket is unavailable") {
		t.Errorf("S3 is unavailable: got %+v, %v; logged %s", p, err, logged.Bytes())
	}
}
