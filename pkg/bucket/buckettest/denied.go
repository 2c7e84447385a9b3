package buckettest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// callAll calls every operation that sends a request to S3, and returns their errors by name.
func callAll(t *testing.T, b *bucket.Bucket) map[string]error {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{"check": b.Check(ctx), "delete": b.Delete(ctx, "x")}
	_, errs["put"] = b.Put(ctx, "x", bytes.NewReader([]byte("x")), bucket.Put{})
	_, _, errs["get"] = b.Get(ctx, "x")
	for _, err := range b.List(ctx, "") {
		errs["list"] = err
	}
	return errs
}

func denied(t *testing.T, b *bucket.Bucket) {
	for doing, err := range callAll(t, b) {
		wantError(t, doing, err, bucket.ErrDenied)
	}
	_, err := b.Head(t.Context(), "x")
	wantError(t, "head", err, bucket.ErrDenied)
	address, err := b.Link(t.Context(), "x", bucket.Link{For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if status, _, _ := request(t, http.MethodGet, address, nil); status != http.StatusForbidden {
		t.Errorf("a link: %d", status)
	}
}

func noBucket(t *testing.T, b *bucket.Bucket) {
	for doing, err := range callAll(t, b) {
		wantError(t, doing, err, bucket.ErrNoBucket)
		if err == nil || !strings.Contains(err.Error(), "template") {
			t.Errorf("%s: %v does not say what to do", doing, err)
		}
	}
}
